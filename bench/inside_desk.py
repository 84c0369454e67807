"""What bench/pages_at_size.py does inside a desk, with its settings in the environment:
`python -m bench.inside_desk fill DIVISOR` and `... queries HEADER PATH...`."""

import json
import os
import sys

import django


def fill(divisor: int) -> int:
    """The history, and one backtest with its result. Returns that one's id."""
    from bench.large_desk import Sizes, fill_desk, whole_backtest
    from livetrading.services.demo import seed_demo

    user = seed_demo()
    backtest = whole_backtest(user)
    fill_desk(user, Sizes().divided(divisor))
    return backtest


def queries(polled: bool, paths: list[str]) -> dict[str, int]:
    """How many each needs, of a user who is logged in, when it is asked for the second time."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from livetrading.services.demo import EMAIL
    from tradedesk.accounts.models import User

    client = Client(headers={"host": "localhost"} | ({"hx-request": "true"} if polled else {}))
    client.force_login(User.objects.get(email=EMAIL))
    found = {}
    for path in paths:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        found[path] = len(captured)
        if "PRINT_QUERIES" in os.environ:
            for query in captured:
                sys.stderr.write(f"{query['time']} {query['sql']}\n")
    return found


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
    django.setup()
    match sys.argv[1:]:
        case ["fill", divisor]:
            done: object = fill(int(divisor))
        case ["queries", kind, *paths]:
            done = queries(kind == "polled", paths)
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main()
