"""The servers of a measurement: PostgreSQL and Redis of its own, with the tables of the desk."""

import os

from tests.services import start


def connect() -> None:
    """Start them, and let this process and its children use them. They end with this process."""
    provided = start()
    os.environ["DATABASE_URL"] = provided["TEST_DATABASE_URL"]
    os.environ["REDIS_URL"] = provided["TEST_REDIS_URL"]
    os.environ["DESK_DATA_DIR"] = os.path.join(provided["TEST_DATA_DIR"], "bench")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradedesk.settings.test"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
