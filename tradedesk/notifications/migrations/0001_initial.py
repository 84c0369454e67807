import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0003_move_notifications"),
    ]

    operations = [
        # The table exists: it comes from the app accounts with its rows.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Notification",
                    fields=[
                        ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                        ("level", models.CharField(choices=[("info", "Info"), ("success", "Success"), ("warning", "Warning"), ("error", "Error")], default="info", max_length=7)),
                        ("text", models.CharField(max_length=500)),
                        ("url", models.CharField(blank=True, max_length=200)),
                        ("created_at", models.DateTimeField()),
                        ("read_at", models.DateTimeField(blank=True, null=True)),
                        ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="notifications", to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["user", "-id"], name="accounts_no_user_id_217cbf_idx"),
                            models.Index(condition=models.Q(("read_at", None)), fields=["user"], name="notification_unread"),
                        ],
                    },
                ),
            ],
        ),
        migrations.RenameIndex("notification", new_name="notification_newest", old_name="accounts_no_user_id_217cbf_idx"),
        migrations.AddField("notification", "event", models.CharField(default="", max_length=24), preserve_default=False),
        migrations.AddField(
            "notification",
            "priority",
            models.PositiveSmallIntegerField(choices=[(1, "Low"), (2, "Normal"), (3, "High"), (4, "Critical")], default=2),
        ),
    ]
