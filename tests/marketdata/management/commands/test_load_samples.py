from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tradedesk.marketdata.models import BarSeries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


def test_it_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples")
    assert capsys.readouterr().out == "Loaded sample bars: AAPL, FB, GOOG, IBM, MSFT.\n"
    call_command("load_samples")
    assert capsys.readouterr().out == "The sample bars are loaded.\n"
    assert BarSeries.objects.count() == 5


def test_it_says_nothing_when_it_is_told_to_be_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_samples", verbosity=0)
    assert capsys.readouterr().out == ""


def test_a_store_that_cannot_be_written_is_said_in_a_sentence(bar_store: Path) -> None:
    bar_store.write_text("a file where the folder should be")
    with pytest.raises(CommandError, match="The bars could not be stored"):
        call_command("load_samples")
    assert not BarSeries.objects.exists()
