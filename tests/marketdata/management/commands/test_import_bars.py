import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.marketdata.examples import HEADER, csv_of, daily_bars
from tradedesk.marketdata import store
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "acme.csv"
    file.write_bytes(csv_of(daily_bars(5)))
    return file


def test_it_imports_a_csv_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_bars", str(file), "--symbol", "acme", "--timeframe", "1Day")
    assert capsys.readouterr().out == (
        "ACME 1Day: 5 bars added, 0 replaced. 5 bars from 2012-03-05 to 2012-03-09, split-adjusted.\n"
    )
    assert load_bars(None, "ACME", "1Day").close.tolist() == [10.0, 11.0, 12.0, 13.0, 14.0]


def test_it_imports_a_parquet_file_of_any_name(tmp_path: Path) -> None:
    file = tmp_path / "acme.data"
    file.write_bytes(store.encode(daily_bars(5)))
    call_command("import_bars", str(file), "--symbol", "ACME")
    assert store.fingerprint_of(load_bars(None, "ACME", "1Day")) == store.fingerprint_of(daily_bars(5))


def test_the_option_unadjusted_adjusts_by_the_adjusted_close(tmp_path: Path) -> None:
    file = tmp_path / "acme.csv"
    file.write_text(f"{HEADER},Adj Close\n2012-03-05,9.5,11,9,10,1000,5\n")
    call_command("import_bars", str(file), "--symbol", "ACME", "--unadjusted")
    assert load_bars(None, "ACME", "1Day").close.tolist() == [5.0]
    call_command("import_bars", str(file), "--symbol", "OTHER")
    assert load_bars(None, "OTHER", "1Day").close.tolist() == [10.0]


def test_unadjusted_prices_without_an_adjusted_close_stay_unadjusted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_bars", str(file), "--symbol", "ACME", "--unadjusted")
    assert "not adjusted for splits" in capsys.readouterr().out
    assert not BarSeries.objects.get().adjusted


def test_it_replaces_bars_only_with_the_option_replace(file: Path) -> None:
    call_command("import_bars", str(file), "--symbol", "ACME")
    file.write_bytes(csv_of(daily_bars(5, price=20.0)))
    with pytest.raises(CommandError, match=r"^acme.csv: ACME: 5 bars .*--replace.* Nothing was imported."):
        call_command("import_bars", str(file), "--symbol", "ACME")
    call_command("import_bars", str(file), "--symbol", "ACME", "--replace")
    assert load_bars(None, "ACME", "1Day").close[0] == 20.0


def test_an_invalid_line_is_named_and_nothing_is_imported(file: Path) -> None:
    file.write_bytes(csv_of(daily_bars(5)) + b"2012-03-12,1,oops,1,1,1\n")
    with pytest.raises(CommandError) as refusal:
        call_command("import_bars", str(file), "--symbol", "ACME")
    assert str(refusal.value).startswith("acme.csv: 1 of 6 rows is bad. Line 7: High is “oops”, not a number.")
    assert str(refusal.value).endswith("Nothing was imported.")
    assert not BarSeries.objects.exists()


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere.csv: It could not be read: No such file"):
        call_command("import_bars", str(tmp_path / "nowhere.csv"), "--symbol", "ACME")
    with pytest.raises(CommandError, match="no files"):
        call_command("import_bars", str(tmp_path), "--symbol", "ACME")


def test_every_file_of_a_folder_is_imported_and_a_bad_one_stops_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = f"symbol,{HEADER}\n"
    (tmp_path / "AAA.csv").write_bytes(csv_of(daily_bars(5)))
    (tmp_path / "bad.csv").write_text("nonsense\n")
    (tmp_path / "two.csv").write_text(f"{header}BBB,2012-03-05,9,11,9,10,1\nCCC,2012-03-05,9,11,9,10,1\n")
    with pytest.raises(CommandError, match=r"Imported: 3 series. Not imported: 1"):
        call_command("import_bars", str(tmp_path))
    output = capsys.readouterr()
    assert [line[:9] for line in output.out.splitlines()] == ["AAA 1Day:", "BBB 1Day:", "CCC 1Day:"]
    assert output.err.startswith("bad.csv: No row of the file names its columns.")
    assert set(BarSeries.objects.values_list("symbol", "count")) == {("AAA", 5), ("BBB", 1), ("CCC", 1)}


def test_of_a_folder_and_a_zip_the_asked_symbol_takes_no_file_of_another_one(tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    (folder / "AAA.csv").write_bytes(csv_of(daily_bars(5)))
    (folder / "BBB.csv").write_bytes(csv_of(daily_bars(9, price=50.0)))
    with zipfile.ZipFile(tmp_path / "bars.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    for path in (folder, tmp_path / "bars.zip"):
        with pytest.raises(CommandError, match=r"Imported: 1 series. Not imported: 1"):
            call_command("import_bars", str(path), "--symbol", "AAA")
    assert list(BarSeries.objects.values_list("symbol", "count")) == [("AAA", 5)]


def test_the_asked_symbol_is_taken_and_another_one_only_is_refused(file: Path) -> None:
    file.write_text(f"symbol,{HEADER}\nBBB,2012-03-05,9,11,9,10,1\nCCC,2012-03-05,9,11,9,10,1\n")
    call_command("import_bars", str(file), "--symbol", "CCC")
    with pytest.raises(CommandError, match="has bars of BBB, CCC, not of ACME"):
        call_command("import_bars", str(file), "--symbol", "ACME")
    assert BarSeries.objects.get().symbol == "CCC"


def test_an_open_order_of_dates_is_chosen_by_an_option(file: Path) -> None:
    file.write_text(f"{HEADER}\n03/05/2012,9,11,9,10,1\n03/06/2012,9,11,9,10,1\n")
    with pytest.raises(CommandError, match="--date-order mdy"):
        call_command("import_bars", str(file), "--symbol", "ACME")
    call_command("import_bars", str(file), "--symbol", "ACME", "--date-order", "mdy")
    assert str(load_bars(None, "ACME", "1Day").time[0])[:10] == "2012-03-05"


def test_the_samples_cannot_be_overwritten(file: Path) -> None:
    with pytest.raises(CommandError, match="“sample” is not a provider"):
        call_command("import_bars", str(file), "--symbol", "AAPL", "--provider", "sample")
