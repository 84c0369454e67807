"""Workers that a test may kill."""

from collections.abc import Iterator

import pytest

from tests.flows.worker_forks import WorkerForks


@pytest.fixture
def worker_forks(transactional_db: None) -> Iterator[WorkerForks]:
    worker_forks = WorkerForks()
    yield worker_forks
    worker_forks.close()
