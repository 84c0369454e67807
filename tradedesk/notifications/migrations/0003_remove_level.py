from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_name_events")]

    operations = [
        migrations.RemoveField("notification", "level"),
        migrations.AddIndex("notification", models.Index(fields=["user", "event", "-id"], name="notification_by_event")),
        migrations.AddIndex("notification", models.Index(fields=["user", "priority", "-id"], name="notification_by_priority")),
    ]
