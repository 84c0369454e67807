"""Deleting what is old, some rows at a time."""

from datetime import datetime, timedelta

from django.db.models import Count

from tradedesk.notifications.models import Delivery, Notification

# The newest ones of each user stay: a number, because on the replay the years pass within minutes.
KEPT = 5_000
SENT_FOR = timedelta(days=7)
FAILED_FOR = timedelta(days=30)
# Rows that one run deletes of one table and user.
ROWS = 2_000
USERS = 100


def delete_old(wall_now: datetime) -> None:
    for state, life in ((Delivery.State.SENT, SENT_FOR), (Delivery.State.FAILED, FAILED_FOR)):
        old = Delivery.objects.filter(state=state, finished_at__lte=wall_now - life).order_by("finished_at")
        Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:ROWS])).delete()
    counts = Notification.objects.order_by().values("user").annotate(count=Count("pk"))
    for row in counts.filter(count__gt=KEPT)[:USERS]:
        of_user = Notification.objects.filter(user_id=row["user"])
        oldest_kept = of_user.order_by("-pk").values_list("pk", flat=True)[KEPT - 1]
        older = of_user.filter(pk__lt=oldest_kept).order_by("pk")
        Notification.objects.filter(pk__in=list(older.values_list("pk", flat=True)[:ROWS])).delete()
