from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tradedesk.marketdata.models import BarSeries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


def test_it_reports_the_loaded_symbols(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples")
    assert capsys.readouterr().out == "Loaded sample bars: AAPL, FB, GOOG, IBM, MSFT.\n"
    call_command("load_samples")
    assert capsys.readouterr().out == "The sample bars are already loaded.\n"
    assert BarSeries.objects.count() == 5


def test_without_verbosity_it_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples", verbosity=0)
    assert capsys.readouterr().out == ""


def test_a_store_that_cannot_be_written_is_an_error(bar_store: Path) -> None:
    bar_store.write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="The bars could not be stored"):
        call_command("load_samples")
    assert not BarSeries.objects.exists()
