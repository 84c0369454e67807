"""Sending the outbox: to a real server, with crashes, and with channels that fail."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.core import mail
from pytest_django import Settings

from tests.notifications.factories import NOW, WALL, later, make_channel, states, tell
from tests.notifications.receiver import Receiver, receiving
from tradedesk.accounts.models import User, UserVersion
from tradedesk.notifications.channels.message import Message, Outcome
from tradedesk.notifications.managing import send_test
from tradedesk.notifications.models import Channel, Delivery
from tradedesk.notifications.outbox import claims, send
from tradedesk.notifications.outbox.claims import LEASE
from tradedesk.notifications.outbox.send import send_due


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.NOTIFY_PRIVATE_ADDRESSES = True
    with receiving() as running:
        yield running


def run(at: datetime = WALL) -> int:
    return send_due(lambda: at, lambda: NOW, later(3600 * 48))


def answer(error: str = "") -> Callable[..., list[Outcome]]:
    """Stands in for the child process: every message has this outcome, up to the first failure."""

    def outcomes(
        kind: str, address: str, key: str, messages: list[Message], timestamp: int, *, private: bool
    ) -> list[Outcome]:
        found = [Outcome(message.id, error) for message in messages]
        return found[:1] if error else found

    return outcomes


def test_a_webhook_gets_the_notification(alice: User, receiver: Receiver, settings: Settings) -> None:
    settings.DESK_URL = "https://desk.example.com/"
    make_channel(alice, receiver.url)
    tell(alice)
    assert run() == 1
    (body,) = receiver.bodies
    assert body == {
        "id": str(Delivery.objects.get().pk),
        "event": "halt",
        "label": "Trading stopped or resumed",
        "priority": "high",
        "text": "Trading is stopped.",
        "time": "2012-03-05T21:00:00+00:00",
        "link": "https://desk.example.com/dashboard",
        "test": False,
    }
    assert states() == ["sent"]
    channel = Channel.objects.get()
    assert (channel.sent_at, channel.failing_since) == (WALL, None)
    assert run() == 0
    assert len(receiver.requests) == 1


def test_a_crash_between_sending_and_recording_sends_the_same_id_again(
    alice: User, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel(alice, receiver.url)
    tell(alice)
    with monkeypatch.context() as patched:
        patched.setattr(claims, "record_sent", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            run()
    assert (len(receiver.requests), states()) == (1, ["sending"])
    assert run(WALL + LEASE / 2) == 0
    assert run(WALL + LEASE) == 1
    first, second = receiver.bodies
    assert first == second
    assert states() == ["sent"]


def test_mail_goes_to_the_address_of_the_account(alice: User) -> None:
    make_channel(alice, kind="email", name="Mail")
    tell(alice, "Line one.\nLine two.")
    assert run() == 1
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.com"]
    assert sent.subject == "tradedesk · HIGH: Trading stopped or resumed"
    assert str(Delivery.objects.get().pk) in sent.extra_headers["Message-ID"]


def test_a_failing_channel_is_shown_and_tried_again(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_channel(alice)
    tell(alice)
    tell(alice)
    monkeypatch.setattr(send, "send_in_child", answer("No answer."))
    before = UserVersion.objects.filter(user=alice).first()
    assert run() == 0
    channel = Channel.objects.get()
    assert (channel.failing_since, channel.last_error, channel.failures) == (WALL, "No answer.", 1)
    assert sorted(Delivery.objects.values_list("attempts", flat=True)) == [0, 1]
    # It is said once, and not through the channel that fails.
    assert run(later(3600)) == 0
    assert alice.notifications.filter(event="channel_failed").count() == 1
    assert not Delivery.objects.filter(notification__event="channel_failed").exists()
    assert UserVersion.objects.get(user=alice) != before
    monkeypatch.setattr(send, "send_in_child", answer())
    assert run(later(3600 * 3)) == 2
    channel.refresh_from_db()
    assert (channel.failing_since, channel.last_error) == (None, "")


def test_one_channel_that_fails_does_not_stop_another(alice: User, bob: User, receiver: Receiver) -> None:
    make_channel(alice, "http://127.0.0.1:1/closed")
    make_channel(bob, receiver.url)
    tell(alice)
    tell(bob)
    assert run() == 1
    assert len(receiver.requests) == 1
    assert "refused the connection" in Channel.objects.get(user=alice).last_error


def test_an_unexpected_error_leaves_the_other_channels_alone(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_channel(alice)
    make_channel(bob)
    tell(alice)
    tell(bob)
    failed: list[str] = []

    def outcomes(
        kind: str, address: str, key: str, messages: list[Message], *_: int, private: bool
    ) -> list[Outcome]:
        if not failed:
            failed.append(kind)
            raise RuntimeError
        return [Outcome(message.id) for message in messages]

    monkeypatch.setattr(send, "send_in_child", outcomes)
    assert run() == 1
    assert sorted(states()) == ["sending", "sent"]


def test_a_test_has_its_result_with_the_channel(alice: User, receiver: Receiver) -> None:
    channel = make_channel(alice, receiver.url)
    send_test(channel)
    assert run() == 1
    assert receiver.bodies[0]["test"] is True
    receiver.answers = [403]
    send_test(channel)
    run()
    assert "403" in Delivery.objects.get(state="failed").last_error


@pytest.mark.parametrize("stored", ["damaged", "of another channel"])
def test_an_address_that_does_not_decrypt_is_a_failure_with_its_reason(
    alice: User, bob: User, receiver: Receiver, stored: str
) -> None:
    channel = make_channel(alice, receiver.url)
    other = make_channel(bob, receiver.url)
    Channel.objects.filter(pk=channel.pk).update(address=other.address if stored != "damaged" else "damaged")
    tell(alice)
    assert run() == 0
    assert "damaged" in Channel.objects.get(pk=channel.pk).last_error
    assert receiver.requests == []
