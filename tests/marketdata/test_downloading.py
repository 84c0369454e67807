"""Downloads: their steps, progress, cancellation, killed workers, failures, and what is kept up to date."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from tests.alpaca_server.data import Answer
from tests.marketdata.alpaca_desk import Desk, desk
from tests.marketdata.examples import daily_bars, minute_bars
from tests.marketdata.test_delivering import scaled
from tradedesk.accounts.models import User
from tradedesk.audit.models import AuditRecord
from tradedesk.marketdata import data_keys, download_requests, downloading
from tradedesk.marketdata.data_keys import NoKeys, UserKeys
from tradedesk.marketdata.delivering import deliver, replace_history
from tradedesk.marketdata.download_requests import cancel, request_download, steps_of
from tradedesk.marketdata.downloading import run_downloads
from tradedesk.marketdata.feeds import alpaca
from tradedesk.marketdata.feeds.alpaca_client import DataKeys
from tradedesk.marketdata.keeping import keep, refresh_due
from tradedesk.marketdata.library import bars_of, find_series
from tradedesk.marketdata.models import BarSeries, Download, KeptSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey

__all__ = ["desk"]

NOW = datetime(2020, 3, 20, 22, tzinfo=UTC)
DONE, FAILED, CANCELLED = Download.Status.DONE, Download.Status.FAILED, Download.Status.CANCELLED


def test_daily_bars_are_one_step_and_minutes_one_for_each_year_the_newest_first() -> None:
    [step] = steps_of(["AAPL", "IBM"], "1Day", date(2016, 1, 1), date(2020, 3, 20))
    assert (step.symbols, step.first, step.last) == (("AAPL", "IBM"), date(2016, 1, 1), date(2020, 3, 20))
    steps = steps_of(["AAPL"], "1Min", date(2018, 6, 1), date(2020, 3, 20))
    assert [(step.first, step.last) for step in steps] == [
        (date(2020, 1, 1), date(2020, 3, 20)),
        (date(2019, 1, 1), date(2019, 12, 31)),
        (date(2018, 6, 1), date(2018, 12, 31)),
    ]


def test_a_step_has_no_more_symbols_than_fit_into_memory() -> None:
    symbols = [f"S{number}" for number in range(50)]
    for timeframe, most in (("1Min", 5), ("15Min", 50), ("1Day", 50)):
        steps = steps_of(symbols, timeframe, date(2020, 1, 1), date(2020, 3, 20))
        assert (max(len(step.symbols) for step in steps), sum(len(step.symbols) for step in steps)) == (most, 50)


@pytest.fixture
def shares(desk: Desk) -> Desk:
    desk.now = NOW
    for symbol in ("AAPL", "IBM"):
        desk.data.add(symbol, "1Day", daily_bars(40, date(2020, 1, 2)))
        desk.data.add(symbol, "1Min", minute_bars(60, "2019-12-30T14:30"))
        desk.data.add(symbol, "1Min", minute_bars(60, "2020-03-19T13:30"))
    return desk


def request(alice: User, *symbols: str, timeframe: str = "1Day") -> Download:
    return request_download(alice.pk, symbols, timeframe, date(2019, 6, 1), now=NOW)


def state(download: Download) -> tuple[str, int, int]:
    download.refresh_from_db()
    return download.status, download.steps_done, download.bars


def test_bars_are_downloaded_for_all_users_with_the_keys_of_the_installation(shares: Desk, alice: User) -> None:
    download = request(alice, "aapl", "IBM", "AAPL", timeframe="1Week")
    assert (download.symbols, download.timeframe, download.steps) == (["AAPL", "IBM"], "1Day", 1)
    assert request(alice, "AAPL", "IBM", timeframe="1Month").pk == download.pk, "not twice"
    run_downloads(shares.clock, shares.sleep)
    assert state(download) == (DONE, 1, 80)
    told = AuditRecord.objects.filter(subject_type="download").order_by("sequence")
    assert list(told.values_list("action", "user_id")) == [
        ("download_queued", alice.pk),
        ("download_done", alice.pk),
    ]
    assert set(find_series(None, ["AAPL", "IBM"], "1Week")) == {"AAPL", "IBM"}
    run_downloads(shares.clock, shares.sleep)
    assert len(shares.asked) == 1


def test_bars_that_a_users_own_keys_get_are_that_users_alone(
    shares: Desk, alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALPACA_DATA_KEY_ID = settings.ALPACA_DATA_SECRET = ""
    shares.data.keys = {"PKALICE": "alice-secret"}
    own = UserKeys(DataKeys("PKALICE", "alice-secret"), "http://paper.test")
    monkeypatch.setattr(data_keys, "_providers", [lambda user_id: own if user_id == alice.pk else None])
    request(alice, "AAPL")
    run_downloads(shares.clock, shares.sleep)
    assert set(find_series(alice.pk, ["AAPL"], "1Day")) == {"AAPL"}
    assert not find_series(bob.pk, ["AAPL"], "1Day")
    with pytest.raises(NoKeys):
        request(bob, "AAPL")


def test_a_killed_worker_is_replaced_and_does_not_begin_anew(
    shares: Desk, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = request(alice, "AAPL", timeframe="1Min")
    kill = iter([False, True])

    def store(*arguments: object) -> object:
        if next(kill, False):
            raise SystemExit
        return real(*arguments)  # type: ignore[arg-type]

    real = downloading.store_step
    monkeypatch.setattr(downloading, "store_step", store)
    with pytest.raises(SystemExit):
        run_downloads(shares.clock, shares.sleep)
    assert state(download) == ("running", 1, 60)
    run_downloads(shares.clock, shares.sleep)
    assert state(download)[1] == 1, "it has the lease"
    shares.now += timedelta(seconds=91)
    run_downloads(shares.clock, shares.sleep)
    assert state(download) == (DONE, 2, 120)
    assert [each["start"][:4] for each in shares.asked] == ["2020", "2019", "2019"]
    assert bars_of(BarSeries.objects.get()).time[0].astype("datetime64[Y]").astype(str) == "2019"


def test_a_cancelled_download_stops_at_the_next_page_and_stays_cancelled(
    shares: Desk, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alpaca, "POINTS", 10)
    download = request(alice, "AAPL", "IBM")
    answer = shares.data.answer

    def cancelled_meanwhile(*arguments: object) -> Answer:
        if len(shares.asked) == 2:
            assert cancel(download, shares.now)
        return answer(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(shares.data, "answer", cancelled_meanwhile)
    run_downloads(shares.clock, shares.sleep)
    assert state(download) == (CANCELLED, 0, 0)
    assert len(shares.asked) == 3
    assert not cancel(download, shares.now)
    assert not BarSeries.objects.exists()


def test_a_failure_is_tried_again_and_then_told(shares: Desk, alice: User) -> None:
    download = request(alice, "AAPL")
    shares.data.fail(*[Answer(503, {"message": "maintenance"})] * 4)
    for pause in (5, 20, 60, 0):
        run_downloads(shares.clock, shares.sleep)
        download.refresh_from_db()
        assert "maintenance" in download.error
        run_downloads(shares.clock, shares.sleep)
        shares.now += timedelta(seconds=pause)
    assert (state(download)[0], len(shares.asked)) == (FAILED, 4)


def test_after_a_passing_failure_it_goes_on(shares: Desk, alice: User) -> None:
    download = request(alice, "AAPL")
    shares.data.fail(Answer(429, {"message": "slow"}, {"Retry-After": "30"}))
    run_downloads(shares.clock, shares.sleep)
    shares.now += timedelta(seconds=29)
    run_downloads(shares.clock, shares.sleep)
    assert len(shares.asked) == 1
    shares.now += timedelta(seconds=1)
    run_downloads(shares.clock, shares.sleep)
    assert (state(download), download.error) == ((DONE, 1, 40), "")


def test_wrong_keys_and_unknown_symbols_fail_at_once(shares: Desk, alice: User) -> None:
    unknown = request(alice, "NOSUCH")
    run_downloads(shares.clock, shares.sleep)
    assert (state(unknown)[0], "NOSUCH" in unknown.error) == (FAILED, True)
    shares.data.keys = {}
    refused = request(alice, "AAPL")
    run_downloads(shares.clock, shares.sleep)
    assert (state(refused)[0], "401" in refused.error) == (FAILED, True)


@pytest.mark.parametrize(
    ("symbols", "timeframe", "start", "field"),
    [
        (["A/B"], "1Day", None, "symbols"),
        ([], "1Day", None, "symbols"),
        ([f"S{n}" for n in range(51)], "1Day", None, "symbols"),
        (["AAPL"], "2Day", None, "timeframe"),
        (["AAPL"], "1Day", date(2030, 1, 1), "start"),
    ],
)
def test_what_cannot_be_downloaded_is_refused(
    symbols: list[str], timeframe: str, start: date | None, field: str
) -> None:
    with pytest.raises(ImportRefused) as refusal:
        request_download(1, symbols, timeframe, start, now=NOW)
    assert refusal.value.field == field


def test_a_user_may_not_fill_the_queue(shares: Desk, alice: User, settings: Settings) -> None:
    settings.MAX_SERIES_PER_USER = 3
    request(alice, "AAPL", "IBM")
    with pytest.raises(ImportRefused, match="in a day"):
        request(alice, "MSFT", "GOOG")


def test_what_is_kept_up_to_date_is_downloaded_again_after_each_session(shares: Desk, alice: User) -> None:
    request(alice, "AAPL")
    run_downloads(shares.clock, shares.sleep)
    keep(alice.pk, ["AAPL"], "1Week", NOW)
    assert refresh_due(shares.now) == 1
    run_downloads(shares.clock, shares.sleep)
    assert KeptSeries.objects.get().refreshed_for == date(2020, 3, 20)
    assert refresh_due(shares.now + timedelta(hours=10)) == 0
    shares.data.correct("AAPL", "1Day", datetime(2020, 1, 6, 5, tzinfo=UTC), v=1234.0)
    shares.now = datetime(2020, 3, 23, 21, 30, tzinfo=UTC)
    assert refresh_due(shares.now) == 1
    run_downloads(shares.clock, shares.sleep)
    assert [each.name for each in BarSeries.objects.get().doubts] == ["corrected"]
    latest = Download.objects.first()
    assert latest is not None
    assert (latest.automatic, latest.status, "1 bar changed" in latest.notes) == (True, DONE, True)


def test_finished_downloads_are_kept_for_a_month(shares: Desk, alice: User) -> None:
    request(alice, "AAPL")
    run_downloads(shares.clock, shares.sleep)
    request(alice, "IBM")
    assert download_requests.delete_old(NOW + timedelta(days=29)) == 0
    assert download_requests.delete_old(NOW + timedelta(days=31)) == 1
    assert Download.objects.get().symbols == ["IBM"]


@pytest.mark.django_db
def test_an_old_part_at_another_scale_replaces_no_newer_bars(desk: Desk) -> None:
    days = daily_bars(40, date(2020, 1, 2), price=100.0)
    deliver(SeriesKey("alpaca", "AAPL", "1Day"), days[10:], now=desk.now)
    before = BarSeries.objects.get().fingerprint
    downloading.store_step(None, "1Day", {"AAPL": scaled(days, 0.5)[:30]}, desk.clock)
    assert BarSeries.objects.get().fingerprint == before
    queued = Download.objects.get()
    assert (queued.replace, queued.start) == (True, date(2020, 1, 2))


@pytest.mark.django_db
def test_a_replacement_that_was_cut_replaces_nothing_and_one_that_begins_later_says_so(desk: Desk) -> None:
    days, key = daily_bars(40, date(2020, 1, 2), price=100.0), SeriesKey("alpaca", "AAPL", "1Day")
    deliver(key, days, now=desk.now)
    desk.data.add("AAPL", "1Day", days[:20])
    desk.now = NOW
    job = download_requests.queue_replacement(key, "a test", desk.now)
    assert job is not None
    run_downloads(desk.clock, desk.sleep)
    job.refresh_from_db()
    assert (BarSeries.objects.get().count, "end on 2020-01-30" in job.error) == (40, True)
    replace_history(key, days[5:], note="a test", now=NOW)
    [found] = BarSeries.objects.get().doubts
    assert "began on 2020-01-02" in found.message


def test_a_symbol_that_alpaca_does_not_accept_stops_no_other(shares: Desk, alice: User) -> None:
    download = request(alice, "AAPL", "BRK-B", "IBM")
    run_downloads(shares.clock, shares.sleep)
    assert state(download) == (DONE, 1, 80)
    assert "BRK-B" in download.notes
    alone = request(alice, "BRK-B")
    run_downloads(shares.clock, shares.sleep)
    assert state(alone)[0] == FAILED
    assert "accept BRK-B" in alone.error


def test_kept_series_of_a_user_without_keys_keep_nobody_waiting(
    shares: Desk, alice: User, bob: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(alice.pk, ["GOOG", "MSFT"], "1Day", NOW)
    request(bob, "AAPL")
    run_downloads(shares.clock, shares.sleep)
    keep(bob.pk, ["AAPL"], "1Day", NOW)
    settings.ALPACA_DATA_KEY_ID = settings.ALPACA_DATA_SECRET = ""
    own = UserKeys(DataKeys("PKBOB", "bob-secret"), "http://paper.test")
    monkeypatch.setattr(data_keys, "_providers", [lambda user_id: own if user_id == bob.pk else None])
    BarSeries.objects.update(owner=bob)
    monkeypatch.setattr("tradedesk.marketdata.keeping.MOST", 2)
    assert [refresh_due(shares.now) for _ in range(2)] == [0, 1]
    settings.MAX_SERIES_PER_USER = 2
    with pytest.raises(ImportRefused, match="may keep 2"):
        keep(alice.pk, ["IBM"], "1Day", NOW)
