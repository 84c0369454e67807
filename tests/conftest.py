"""The users of the access tests: Alice owns the objects, Bob is another user, Charlie is logged out."""

import gc

import pytest
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tradedesk.accounts.models import User

# Without deadlines, because other tests run at the same time.
hypothesis_settings.register_profile(
    "tradedesk", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("tradedesk")

PASSWORD = "correct horse battery staple"
# Tests that mostly wait for other processes.
SLOW_MARKS = {"browser", "crash", "processes"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each xdist worker start with some of the slow tests, so that none of them is left for the end.

    At the start xdist gives each worker an equal, contiguous share of the items.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [item for item in items if SLOW_MARKS & {mark.name for mark in item.iter_markers()}]
    fast = [item for item in items if item not in set(slow)]
    size, shares = -(-len(items) // workers), []
    for worker in range(workers):
        own = slow[worker::workers]
        shares += own + fast[: size - len(own)]
        del fast[: size - len(own)]
    items[:] = shares + fast


def pytest_collection_finish() -> None:
    """What is imported by now stays until the end, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", PASSWORD)


@pytest.fixture
def alices_browser(alice: User) -> Client:
    return _browser_of(alice)


@pytest.fixture
def bobs_browser(bob: User) -> Client:
    return _browser_of(bob)


@pytest.fixture
def charlies_browser(db: None) -> Client:
    return Client()


def _browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return browser
