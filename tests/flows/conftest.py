"""Workers that a test may kill."""

from collections.abc import Iterator

import pytest

from tests.flows.nursery import Nursery


@pytest.fixture
def nursery(transactional_db: None) -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()
