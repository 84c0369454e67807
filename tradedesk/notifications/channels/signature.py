"""The signature of a webhook, which its receiver checks. Pure.

A receiver computes HMAC-SHA256 with the channel's key over the text "<timestamp>.<body>", compares it with the
header, and refuses a timestamp that is more than some minutes old.
"""

import hashlib
import hmac
import json
import secrets

from tradedesk.notifications.channels.message import Message

ID_HEADER, TIME_HEADER, SIGNATURE_HEADER = "X-Tradedesk-Id", "X-Tradedesk-Timestamp", "X-Tradedesk-Signature"


def new_key() -> str:
    return secrets.token_urlsafe(32)


def body_of(message: Message) -> bytes:
    return json.dumps(message.as_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def sign(key: str, timestamp: int, body: bytes) -> str:
    """timestamp: seconds since 1970, of this attempt."""
    digest = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def headers_of(message: Message, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "tradedesk",
        ID_HEADER: message.id,
        TIME_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(key, timestamp, body),
    }
