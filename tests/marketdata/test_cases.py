"""The folder of case files gives what its index says. Each file stands for a kind of file that people have."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import FindingsRefused, ImportRefused
from tradedesk.marketdata.services import Imported, import_bars
from tradedesk.marketdata.sessions import NEW_YORK

CASES = Path(__file__).parent / "cases"
# Monday, 30 November 2026, 13:00 in New York: the session whose bar running_day_bar.csv has is not over.
NOW = datetime(2026, 11, 30, 18, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bar_store")]

# File, timeframe, and the finding or the part of the message that it is refused with.
REFUSED = [
    ("raw_split_4_for_1.csv", "1Day", "split", "2023-06-27 (4:1"),
    ("bad_tick_x100.csv", "1Day", "bad_tick", "2023-05-26 (100 times its neighbours, line 102)"),
    ("one_minute.csv", "1Hour", "", "looks like 1Min"),
    ("one_minute.csv", "15Min", "", "looks like 1Min"),
    ("one_minute.csv", "1Day", "", "looks like 1Min"),
    ("weekly_bars.csv", "1Day", "", "looks like 1Week"),
    ("future_and_partial.csv", "1Day", "", "later than now"),
    ("long_format_two_symbols.csv", "1Day", "", "AAA"),
]
# File, timeframe, the bars that are stored, and the findings that stay on the series.
STORED: list[tuple[str, str, int, set[str]]] = [
    ("seam_1_downloaded_before_split.csv", "1Day", 150, set()),
    ("gap_three_months.csv", "1Day", 187, {"gap"}),
    ("running_day_bar.csv", "1Day", 2, set()),
    ("extended_hours.csv", "1Hour", 240, set()),
    ("share_dearer_than_account.csv", "1Day", 40, {"flat"}),
    ("date_and_time_columns.csv", "1Hour", 140, set()),
    ("yahoo_null_row.csv", "1Day", 249, {"gap"}),
    ("yahoo_blank_row.csv", "1Day", 249, {"gap"}),
    ("duplicate_last_row.csv", "1Day", 250, set()),
    ("volume_blank.csv", "1Day", 250, {"zero_volume"}),
    ("no_volume_column.csv", "1Day", 250, {"zero_volume"}),
    *(
        (name, "1Day", 250, set[str]())
        for name in (
            "float_noise_high_below_close.csv",
            "descending.csv",
            "us_slash_dates.csv",
            "nasdaq_dollars.csv",
            "thousands_separator.csv",
            "excel_semicolon_decimal_comma.csv",
            "stooq_bulk.txt",
            "metatrader5_daily.csv",
            "tradingview_epoch.csv",
            "epoch_seconds.parquet",
            "yfinance_multiheader.csv",
            "title_line_first.csv",
            "footer_line.csv",
        )
    ),
    ("passing/crypto_daily.csv", "1Day", 730, set()),
    ("passing/firstrate_hourly.csv", "1Hour", 140, set()),
    ("passing/yfinance_intraday.csv", "1Hour", 140, set()),
    ("passing/gap_below_stop.csv", "1Day", 40, {"flat"}),
    ("passing/open_position_halves_and_recovers.csv", "1Day", 40, {"flat", "jump"}),
    ("passing/stop_and_target_in_one_bar.csv", "1Day", 40, {"flat"}),
    *(
        (f"passing/{name}", "1Day", 250, set[str]())
        for name in (
            "alpaca_bars.csv",
            "alpaca_bars.parquet",
            "bom_crlf_ok.csv",
            "ib_daily.csv",
            "tradingview_iso.csv",
            "utf16_tabs.txt",
            "yfinance_history.csv",
        )
    ),
]
SECOND_FILES = {"seam_3_only_new_days.csv"}


def import_case(name: str, timeframe: str = "1Day", **changes: Any) -> Imported:
    values: dict[str, Any] = {
        "owner_id": None,
        "name": Path(name).name,
        "symbol": "XYZ",
        "timeframe": timeframe,
        "provider": "csv",
        "adjusted": True,
        "replace": False,
        "now": NOW,
    }
    with (CASES / name).open("rb") as file:
        return import_bars(file, **values | changes)


def stored(symbol: str = "XYZ", timeframe: str = "1Day") -> Bars:
    return load_bars(None, symbol, timeframe)


def test_every_file_is_tried() -> None:
    tried = {name for name, *_ in REFUSED} | {name for name, *_ in STORED} | SECOND_FILES
    there = {str(path.relative_to(CASES)) for path in CASES.rglob("*") if path.is_file()}
    assert tried == there - {"INDEX.md"}


@pytest.mark.parametrize(("name", "timeframe", "finding", "part"), REFUSED)
def test_a_file_that_cannot_be_right_is_refused(name: str, timeframe: str, finding: str, part: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        import_case(name, timeframe)
    assert part in str(refusal.value)
    assert not BarSeries.objects.exists()
    if not finding:
        assert not isinstance(refusal.value, FindingsRefused)
        return
    assert isinstance(refusal.value, FindingsRefused)
    assert [each.name for each in refusal.value.findings] == [finding]
    imported = import_case(name, timeframe, accept=[finding])
    kept = BarSeries.objects.get().doubts
    assert imported.added == len(stored())
    assert [(each.name, each.hard, each.is_open) for each in kept] == [(finding, True, False)]


@pytest.mark.parametrize(("name", "timeframe", "bars", "findings"), STORED)
def test_a_usual_file_is_stored(name: str, timeframe: str, bars: int, findings: set[str]) -> None:
    imported = import_case(name, timeframe)
    assert (imported.added, len(stored(timeframe=timeframe))) == (bars, bars)
    assert {each.name for each in BarSeries.objects.get().doubts} == findings
    assert not any(each.is_open for each in imported.findings)


def test_the_gap_is_counted() -> None:
    message = str(import_case("gap_three_months.csv"))
    assert "Missing sessions: 63; the longest gap has 63, from 2023-05-01 to 2023-07-31." in message


def test_the_bar_of_the_running_session_is_left_out_and_said_so() -> None:
    imported = import_case("running_day_bar.csv")
    assert [(each.name, each.count) for each in imported.remarks] == [("running_bar", 1)]
    assert str(stored().time[-1])[:10] == "2026-11-27"
    # After the close it is a bar like the others.
    assert import_case("running_day_bar.csv", now=datetime(2026, 12, 1, tzinfo=UTC)).added == 1


def test_bars_outside_the_session_are_left_out_unless_asked_for() -> None:
    imported = import_case("extended_hours.csv", "1Hour")
    assert [(each.name, each.count) for each in imported.remarks] == [("outside_session", 400)]
    hours = {
        each.astimezone(NEW_YORK).hour
        for each in (time.item().replace(tzinfo=UTC) for time in stored(timeframe="1Hour").time)
    }
    assert hours == set(range(10, 16))
    assert import_case("extended_hours.csv", "1Hour", accept=["outside_session"]).added == 400
    assert [(each.name, each.count) for each in BarSeries.objects.get().doubts] == [("outside_session", 400)]


def test_new_days_after_a_split_do_not_fit_what_was_stored_before() -> None:
    import_case("seam_1_downloaded_before_split.csv")
    with pytest.raises(FindingsRefused, match="Download the whole history again") as refusal:
        import_case("seam_3_only_new_days.csv")
    assert [(each.name, each.spans[0].note) for each in refusal.value.findings] == [("seam", "a step of 2:1")]
    assert len(stored()) == 150
    import_case("seam_3_only_new_days.csv", accept=["seam"])
    assert len(stored()) == 250
    # The whole history again, as a good file has it, has no seam left.
    import_case("passing/bom_crlf_ok.csv", replace=True)
    assert BarSeries.objects.get().doubts == []


def test_of_several_symbols_the_one_asked_for_is_taken() -> None:
    assert import_case("long_format_two_symbols.csv", symbol="BBB").added == 150
    assert stored("BBB").close[-1] == 725.55
