"""Secrets do not reach a log."""

import json

import pytest

from tradedesk.monitoring import scrubbing
from tradedesk.monitoring.scrubbing import REMOVED, is_sensitive, learn, scrubber, without_learned

PLANTED = "pl4nted-s3cret"
scrub = scrubber(["a-known-secret-value", 'quo"ted\\secret', "short"])


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://desk:{PLANTED}@db:5432/desk",
        f"redis://:{PLANTED}@redis:6379/0",
        f"Authorization: Bearer {PLANTED}",
        f"authorization={PLANTED}",
        f"bearer {PLANTED}",
        f"password={PLANTED}",
        f"PASSWORD: {PLANTED}",
        f"?api_key={PLANTED}&x=1",
        f'{{"token": "{PLANTED}"}}',
        json.dumps(json.dumps({"client_secret": PLANTED})),
        f"Cookie: sessionid={PLANTED}; x=1",
        f"SECRET_KEY='{PLANTED}'",
    ],
)
def test_what_looks_like_a_secret_is_removed(text: str) -> None:
    assert PLANTED in text
    assert PLANTED not in scrub(text)
    assert REMOVED in scrub(text)


def test_the_secrets_of_the_desk_are_removed_wherever_they_are() -> None:
    assert scrub("x a-known-secret-value y") == f"x {REMOVED} y"
    assert "secret" not in scrub(json.dumps({"text": 'quo"ted\\secret'}))
    # A short one would be a part of other words.
    assert scrub("shortly") == "shortly"


@pytest.mark.parametrize(
    "text",
    [
        "Order desk-0123456789abcdef was accepted",
        "https://desk.example.com/api/health",
        '{"event": "fill", "symbol": "AAPL", "price": "30.5", "user_id": 7}',
        "2026-03-02T15:00:00Z info livetrading.pipeline.tick",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert scrub(text) == text


def test_a_json_line_stays_json() -> None:
    line = json.dumps({"event": f"password={PLANTED}, then", "url": f"redis://:{PLANTED}@redis/0", "n": 1})
    found = json.loads(scrub(line))
    assert found == {"event": f"password={REMOVED}, then", "url": f"redis://{REMOVED}@redis/0", "n": 1}


def test_a_long_text_costs_little() -> None:
    assert scrub("a-" * 50_000) == "a-" * 50_000


@pytest.mark.parametrize(("name", "sensitive"), [("password", True), ("API_TOKEN", True), ("order", False)])
def test_names_of_secrets(name: str, sensitive: bool) -> None:
    assert is_sensitive(name) == sensitive


def test_secrets_of_users_are_removed_once_they_were_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "_learned", {})
    assert "of-a-user" in scrub("the key of-a-user-1")
    learn("of-a-user-1", "tiny")
    assert scrub("the key of-a-user-1, tiny") == f"the key {REMOVED}, tiny"
    assert without_learned("of-a-user-1") == REMOVED


def test_only_the_last_secrets_of_users_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "_learned", {})
    monkeypatch.setattr(scrubbing, "MOST_LEARNED", 2)
    for secret in ("of-a-user-1", "of-a-user-2", "of-a-user-1", "of-a-user-3"):
        learn(secret)
    assert without_learned("of-a-user-1 of-a-user-2 of-a-user-3") == f"{REMOVED} of-a-user-2 {REMOVED}"
