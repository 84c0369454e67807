import pytest

from tests.strategies.examples import NOW
from tradedesk.marketdata.services import load_samples


@pytest.fixture
def samples(db: None) -> None:
    """The sample bars, in the bar store."""
    load_samples(NOW)
