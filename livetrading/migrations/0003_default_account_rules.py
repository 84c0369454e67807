from django.db import migrations, models

from livetrading.models.account_rule_kinds import KINDS, default_limit


def give_default_rules(apps, schema_editor):
    """The rules of a new account for those that exist. Their drawdown is measured from now on, so that no kill
    switch trips for a loss of the past."""
    accounts = apps.get_model("livetrading", "BrokerAccount").objects
    accounts.update(peak_equity=models.F("equity"))
    on = [kind for kind in KINDS.values() if kind.on]
    apps.get_model("livetrading", "AccountRule").objects.bulk_create(
        apps.get_model("livetrading", "AccountRule")(
            account_id=pk, kind=kind.key, limit=default_limit(kind), position=place
        )
        for pk in accounts.values_list("pk", flat=True)
        for place, kind in enumerate(on)
    )


class Migration(migrations.Migration):

    dependencies = [
        ('livetrading', '0002_control_risk_and_alarms'),
    ]

    operations = [
        migrations.RunPython(give_default_rules, migrations.RunPython.noop),
    ]
