from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_move_notifications")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mode_changed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="first_live_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
