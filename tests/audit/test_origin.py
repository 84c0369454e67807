"""Which records say from where they come, without a database."""

import asyncio
import threading

import pytest

import manage
from tradedesk.audit.origin import DESK, Origin, Via, acting, current, of_command, with_token


def test_what_nobody_notes_is_the_desks_own() -> None:
    assert (current(), current().who()) == (Origin(), DESK)
    assert current().via == Via.DESK


def test_it_ends_with_its_request_and_so_does_its_token() -> None:
    with acting(Origin(Via.API, address="203.0.113.7")):
        with_token("Grafana …x7Kq")
        assert current() == Origin(Via.TOKEN, "Grafana …x7Kq", "203.0.113.7")
        with acting(Origin(Via.COMMAND)):
            assert current().via == Via.COMMAND
        assert current().via == Via.TOKEN
    assert current() == Origin()


def test_two_requests_at_once_do_not_mix() -> None:
    async def request(address: str) -> str:
        with acting(Origin(Via.PAGE, address=address)):
            await asyncio.sleep(0)
            return current().address

    async def both() -> list[str]:
        return list(await asyncio.gather(request("203.0.113.1"), request("203.0.113.2")))

    assert asyncio.run(both()) == ["203.0.113.1", "203.0.113.2"]


def test_a_thread_that_a_command_starts_is_the_desks_own() -> None:
    seen = []
    with acting(of_command(["manage.py", "desk"])):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [Origin()]


def test_a_command_says_its_name_and_who_runs_it() -> None:
    found = of_command(["manage.py", "halt_trading", "--flatten"])
    assert (found.via, found.through, found.who()) == (
        Via.COMMAND,
        "manage.py halt_trading",
        "manage.py halt_trading",
    )
    assert "@" in found.address


def test_manage_py_notes_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("sys.argv", ["manage.py", "version"])
    monkeypatch.setattr("django.core.management.execute_from_command_line", lambda argv: seen.append(current()))
    manage.main()
    assert [origin.through for origin in seen] == ["manage.py version"]
    assert current() == Origin()
