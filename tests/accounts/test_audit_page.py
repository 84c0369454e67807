"""A user's own records: filtered, in pages, and as files of just what is shown."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tradedesk.accounts.models import User
from tradedesk.audit import reading
from tradedesk.audit.origin import Origin, Via, acting
from tradedesk.audit.services import Entry, record_all

PAGE = "/settings/audit"
# Half past ten in the evening of the 4th in New York.
TIME = datetime(2026, 3, 5, 3, 30, tzinfo=UTC)
HOME = Origin(Via.PAGE, address="203.0.113.7")


def write(user: User, *actions: str, time: datetime = TIME, origin: Origin = HOME, **details: Any) -> None:
    with acting(origin):
        record_all([Entry(user, action, user, details) for action in actions], time)


def shown(browser: Client, **query: str) -> list[str]:
    return [entry["record"].action for entry in browser.get(PAGE, query).context["entries"]]


def exported(browser: Client, file_format: str, page: str = PAGE, **query: str) -> list[dict[str, Any]]:
    text = b"".join(browser.get(f"{page}/{file_format}", query)).decode()
    if file_format == "csv":
        return [row | {"details": json.loads(row["details"])} for row in csv.DictReader(StringIO(text))]
    return [json.loads(line) for line in text.splitlines()]


def test_the_records_of_a_user_and_of_no_other(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    write(alice, "log_in", "pause", before="active")
    assert shown(alices_browser) == ["pause", "log_in"]
    assert shown(bobs_browser) == []
    for file_format in ("csv", "jsonl"):
        assert exported(bobs_browser, file_format) == []
        assert len(exported(alices_browser, file_format)) == 2
        assert charlies_browser.get(f"{PAGE}/{file_format}").status_code == 302
    assert charlies_browser.get(PAGE).status_code == 302
    assert alices_browser.get(f"{PAGE}/xml").status_code == 404
    assert alices_browser.post(PAGE).status_code == 405


def test_filters_apply_to_the_page_and_to_the_files_alike(alice: User, alices_browser: Client) -> None:
    write(alice, "log_in", "pause")
    write(alice, "pause", "stop", time=TIME + timedelta(hours=2))  # past midnight in New York
    for query, actions in (
        ({}, ["stop", "pause", "pause", "log_in"]),
        ({"action": "pause"}, ["pause", "pause"]),
        ({"since": "2026-03-05"}, ["stop", "pause"]),
        ({"until": "2026-03-04"}, ["pause", "log_in"]),
        ({"action": "pause", "since": "2026-03-04", "until": "2026-03-04"}, ["pause"]),
        ({"action": "deploy"}, []),
        ({"action": "nonsense", "since": "0001-01-01", "before": "x"}, ["stop", "pause", "pause", "log_in"]),
    ):
        assert shown(alices_browser, **query) == actions
        for file_format in ("csv", "jsonl"):
            assert [row["action"] for row in exported(alices_browser, file_format, **query)] == actions


def test_a_file_has_every_field_as_it_is_stored(alice: User, alices_browser: Client) -> None:
    write(alice, "edit", before={"name": "=1+1"}, after=None)
    (line,), (row,) = (exported(alices_browser, file_format) for file_format in ("jsonl", "csv"))
    assert line["details"] == row["details"] == {"before": {"name": "=1+1"}, "after": None}
    assert (line["time"], line["actor"]) == ("2026-03-05T03:30:00+00:00", alice.email)
    assert (line["via"], line["address"], len(line["hash"])) == ("page", "203.0.113.7", 64)
    assert {name: str(value) for name, value in line.items()} == {name: str(value) for name, value in row.items()}


def test_pages_and_files_have_a_limit_and_a_page_constant_queries(
    alice: User, alices_browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PAGE": 3, "MOST": 5, "BATCH": 2}.items():
        monkeypatch.setattr(reading, name, value)
    counts = []
    for _ in range(2):
        write(alice, *["pause"] * 4)
        with CaptureQueriesContext(connection) as queries:
            page = alices_browser.get(PAGE, {"action": "pause"})
        counts.append(len(queries))
    assert counts[0] == counts[1]
    seen = [entry["record"].sequence for entry in page.context["entries"]]
    while older := page.context["older"]:
        page = alices_browser.get(PAGE, {"action": "pause", "before": older})
        seen += [entry["record"].sequence for entry in page.context["entries"]]
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1]
    assert [row["sequence"] for row in exported(alices_browser, "jsonl")] == [8, 7, 6, 5, 4]


def test_a_user_does_not_see_from_where_an_operator_came(
    alice: User, alices_browser: Client, admin_client: Client
) -> None:
    write(alice, "pause", origin=Origin(Via.ADMIN, address="198.51.100.9"))
    assert "198.51.100.9" not in alices_browser.get(PAGE).content.decode()
    assert [row["address"] for row in exported(alices_browser, "jsonl")] == [""]
    of_operators = exported(admin_client, "jsonl", "/admin/audit/auditrecord/export")
    assert [row["address"] for row in of_operators] == ["198.51.100.9"]


def test_operators_export_what_their_list_shows(
    alice: User, bob: User, admin_client: Client, alices_browser: Client
) -> None:
    write(alice, "log_in", "pause")
    write(bob, "pause", origin=Origin(Via.TOKEN, "Grafana …x7Kq"))
    page = "/admin/audit/auditrecord"
    for query, actors in (
        ({}, ["bob@example.com", "alice@example.com", "alice@example.com"]),
        ({"action": "pause"}, ["bob@example.com", "alice@example.com"]),
        ({"q": "alice", "via": "page"}, ["alice@example.com", "alice@example.com"]),
    ):
        changes = admin_client.get(f"{page}/", query).context["cl"]
        assert [row.actor for row in changes.result_list] == actors
        for file_format in ("csv", "jsonl"):
            rows = exported(admin_client, file_format, f"{page}/export", **query)
            assert [row["actor"] for row in rows] == actors
    assert admin_client.get(f"{page}/export/xml").status_code == 404
    assert alices_browser.get(f"{page}/export/csv").status_code == 302


@pytest.mark.parametrize(("query", "status"), [({"time__gte": "abc"}, 400), ({"p": "9999"}, 200)])
def test_a_wrong_filter_of_the_operators_export(admin_client: Client, query: dict[str, str], status: int) -> None:
    assert admin_client.get("/admin/audit/auditrecord/export/csv", query).status_code == status
