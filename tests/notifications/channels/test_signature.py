"""The signature of a webhook, as a receiver checks it."""

import hashlib
import hmac
import json

from tradedesk.notifications.channels.message import Message
from tradedesk.notifications.channels.signature import body_of, headers_of, new_key, sign

MESSAGE = Message(
    id="7", event="halt", label="Halt", priority="high", text="Größe ✓", time="2012-03-05T21:00:00+00:00", link=""
)


def test_a_receiver_computes_the_same() -> None:
    body = body_of(MESSAGE)
    headers = headers_of(MESSAGE, "the key", 1770000000, body)
    expected = hmac.new(b"the key", b"1770000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Tradedesk-Signature"] == f"sha256={expected}"
    assert (headers["X-Tradedesk-Id"], headers["X-Tradedesk-Timestamp"]) == ("7", "1770000000")
    assert json.loads(body)["text"] == "Größe ✓"


def test_every_part_counts() -> None:
    signatures = {
        sign("a", 1, b"x"),
        sign("b", 1, b"x"),
        sign("a", 2, b"x"),
        sign("a", 1, b"y"),
        sign("a", 12, b""),
    }
    assert len(signatures) == 5


def test_keys_are_long_and_random() -> None:
    assert len({new_key() for _ in range(20)}) == 20
    assert len(new_key()) >= 43


def test_the_title_says_what_is_urgent() -> None:
    assert MESSAGE.title == "HIGH: Halt"
