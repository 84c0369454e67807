from datetime import UTC, datetime

from django.test import Client

from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event
from tradedesk.notifications.models import Notification
from tradedesk.notifications.services import notify


def test_an_administrator_sees_users_and_notifications(admin_client: Client, alice: User) -> None:
    note = notify(alice, Event.ORDER_FILLED, "Bought 12 AAPL.", "", datetime(2012, 3, 5, 21, tzinfo=UTC))
    for page in (
        "accounts/user/",
        "accounts/user/add/",
        f"accounts/user/{alice.pk}/change/",
        "notifications/notification/",
        f"notifications/notification/{note.pk}/change/",
    ):
        assert admin_client.get(f"/admin/{page}").status_code == 200, page


def test_an_administrator_cannot_change_a_notification_or_a_mode(admin_client: Client, alice: User) -> None:
    note = notify(alice, Event.ORDER_FILLED, "Bought 12 AAPL.", "", datetime(2012, 3, 5, 21, tzinfo=UTC))
    response = admin_client.post(f"/admin/notifications/notification/{note.pk}/change/", {"text": "Sold 12 AAPL."})
    assert response.status_code == 403
    admin_client.post(f"/admin/accounts/user/{alice.pk}/change/", {"email": "a@example.com", "mode": "live"})
    alice.refresh_from_db()
    assert Notification.objects.get().text == "Bought 12 AAPL."
    assert (alice.email, alice.mode) == ("a@example.com", "paper")


def test_a_user_who_is_no_administrator_is_refused(alices_browser: Client) -> None:
    assert alices_browser.get("/admin/accounts/user/").status_code == 302
