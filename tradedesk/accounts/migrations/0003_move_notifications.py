from django.db import migrations


class Migration(migrations.Migration):
    """Give the table of notifications to the app notifications, which takes it over in its own 0001."""

    dependencies = [("accounts", "0002_api_tokens")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("Notification", "notifications_notification")],
            state_operations=[migrations.DeleteModel("Notification")],
        ),
    ]
