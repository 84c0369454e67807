"""The child process: it sends, and it reaches neither this machine nor its files."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.notifications.receiver import Receiver, receiving
from tradedesk.notifications.channels import process
from tradedesk.notifications.channels.guard import PRIVATE_ADDRESS
from tradedesk.notifications.channels.http_limits import NO_REDIRECTS
from tradedesk.notifications.channels.message import Message
from tradedesk.notifications.channels.process import TOO_SLOW, check_service, send_in_child
from tradedesk.notifications.channels.sending import NO_HTTPS, NOT_ALLOWED, UNREADABLE
from tradedesk.notifications.channels.signature import sign


def message(number: int) -> Message:
    return Message(id=str(number), event="halt", label="Halt", priority="high", text="Stopped.", time="", link="")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def post(url: str, count: int = 1, *, kind: str = "webhook", private: bool = True) -> list[tuple[str, str]]:
    messages = [message(number) for number in range(1, count + 1)]
    outcomes = send_in_child(kind, url, "the key", messages, 1770000000, private=private)
    return [(outcome.id, outcome.error) for outcome in outcomes]


def test_a_webhook_gets_each_message_signed(receiver: Receiver) -> None:
    assert post(receiver.url, 3) == [("1", ""), ("2", ""), ("3", "")]
    for path, headers, body in receiver.requests:
        assert path == "/hook"
        assert headers["X-Tradedesk-Signature"] == sign("the key", 1770000000, body)
        assert headers["X-Tradedesk-Id"] == json.loads(body)["id"]


@pytest.mark.parametrize(("status", "error"), [(500, "status 500"), (404, "status 404"), (302, NO_REDIRECTS)])
def test_the_first_failure_ends_a_batch_and_no_redirect_is_followed(
    receiver: Receiver, status: int, error: str
) -> None:
    receiver.answers = [200, status]
    (_, first), (_, second) = post(receiver.url, 4)
    assert first == ""
    assert error in second
    assert len(receiver.requests) == 2


def test_this_machine_is_not_reached_by_any_name(receiver: Receiver) -> None:
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433"):
        url = receiver.url.replace("127.0.0.1", host).replace("http:", "https:")
        ((_, error),) = post(url, private=False)
        assert error == PRIVATE_ADDRESS, host
    assert post(receiver.url, private=False) == [("1", NO_HTTPS)]
    assert receiver.requests == []


def test_a_messenger_does_not_reach_this_machine_either(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "ntfy:")
    assert post(url, kind="apprise", private=False) == [("1", PRIVATE_ADDRESS)]
    assert receiver.requests == []
    assert post(url, kind="apprise", private=True) == [("1", "")]
    assert "Stopped." in receiver.requests[0][2].decode()


def test_a_receiver_that_hangs_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.hang = True
    monkeypatch.setattr(process, "SECONDS", 3.0)
    started = time.monotonic()
    assert post(receiver.url, 3) == [("1", TOO_SLOW)]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("url", "scheme", "error"),
    [
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "tgram", ""),
        ("ntfys://topic", "ntfy", ""),
        ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "discord", ""),
        ("syslog://", "", NOT_ALLOWED),
        ("json://example.com", "", NOT_ALLOWED),
        ("mailto://user:password@example.com", "", NOT_ALLOWED),
        ("file:///etc/passwd", "", UNREADABLE),
        ("tgram://", "", UNREADABLE),
        ("hello", "", UNREADABLE),
    ],
)
def test_only_services_that_are_reached_over_http_are_allowed(url: str, scheme: str, error: str) -> None:
    assert check_service(url) == (scheme, error)


def test_the_child_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "planted")
    assert not {"SECRET_KEY", "DATABASE_URL", "ENCRYPTION_KEY"} & set(process.PASSED_ON)
