from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from tradedesk.accounts.models import User
from tradedesk.marketdata.library import CACHE


@pytest.fixture
def bar_store(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """The folder of an empty bar store on disk."""
    folder = tmp_path / "bars"
    settings.BARS_URL = folder.as_uri()
    CACHE.clear()
    yield folder
    CACHE.clear()


@pytest.fixture
def alice(db: None) -> User:
    """Administrator: may upload."""
    return get_user_model().objects.create_user("alice@example.com", "pass word 1", is_staff=True)


@pytest.fixture
def bob(db: None) -> User:
    """A trader."""
    return get_user_model().objects.create_user("bob@example.com", "pass word 1")


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alices(alice: User) -> Client:
    return logged_in(alice)


@pytest.fixture
def bobs(bob: User) -> Client:
    return logged_in(bob)


@pytest.fixture
def charlies(db: None) -> Client:
    """Not logged in."""
    return Client()
