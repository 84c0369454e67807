"""A summary of each session, for each account that traded in it or held something."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from livetrading.models import (
    BrokerAccount,
    DailySummary,
    Halt,
    LiveStrategy,
    StrategySession,
    SummarizedSession,
)
from livetrading.services import daily_summary
from livetrading.services.daily_summary import GRACE, LOOK_BACK, summarize_sessions
from livetrading.services.reset import reset_replay
from livetrading.services.wording import dollars
from livetrading.summaries.account import summarize_account
from livetrading.tasks import summarize_closed_sessions
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import WALL, account_of, at_day, make_order
from tests.livetrading.made_bars import CLOSES, flat, store_bars
from tests.livetrading.pipeline.desk import open_account, step
from tests.livetrading.pipeline.two_bar_strategy import make_two_bar_strategy
from tests.notifications.factories import make_channel
from tradedesk.accounts.models import User
from tradedesk.core.rules import Costs
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.samples import LAST_SESSION
from tradedesk.marketdata.sessions import session_close
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Delivery


@pytest.fixture
def live(alice: User) -> LiveStrategy:
    """Two-bar trading on rising and falling prices."""
    store_bars(AAPL=flat(10, 10, 12, 12.5, 11.5, 11, 13, 13.5))
    open_account(alice, 70_000, Costs(slippage_bps=5, commission_per_order=1))
    return make_two_bar_strategy(alice, "AAPL")


def rows() -> list[tuple[date, int]]:
    return list(DailySummary.objects.order_by("session", "pk").values_list("session", "fills"))


def summarize_after(now: datetime) -> int:
    return summarize_sessions(now + GRACE)


def test_the_figures_are_those_of_the_account_page_at_the_close(live: LiveStrategy) -> None:
    """Also when the summary is written sessions later."""
    shown = {}
    for now in CLOSES[:8]:
        step(live, now)
        account = BrokerAccount.objects.get(pk=live.account_id)
        shown[now.date()] = summarize_account(account, now)
    summarize_after(CLOSES[7])
    # Bought, held without a fill, sold, and bought again.
    assert [fills for _, fills in rows()] == [1, 0, 1, 1]
    for summary in DailySummary.objects.all():
        page = shown[summary.session]
        performance = page.performance
        assert (summary.today, summary.open_pnl) == (performance.today, performance.unrealized), summary.session
        assert summary.exposure == page.market_value
    assert sum(fills for _, fills in rows()) == live.account.fills.count()
    # What the sessions realized is what the trades realized.
    assert (
        sum(summary.realized for summary in DailySummary.objects.all())
        == shown[CLOSES[7].date()].performance.realized
    )
    # And what all sessions brought is what the account has gained.
    total = sum(summary.today for summary in DailySummary.objects.all())
    assert total == shown[CLOSES[7].date()].performance.total


def test_a_session_is_summarized_once(live: LiveStrategy, alice: User) -> None:
    for now in CLOSES[:8]:
        step(live, now)
    written = summarize_after(CLOSES[7])
    assert written == len(rows()) == 4
    # Nobody is told of a session in which nothing was traded.
    assert alice.notifications.filter(event="daily_summary").count() == 3
    assert summarize_after(CLOSES[7]) == 0
    complete = SummarizedSession.objects.count()
    SummarizedSession.objects.all().delete()  # as after a crash
    assert summarize_after(CLOSES[7]) == 0
    assert SummarizedSession.objects.count() == complete  # nothing is left to do


def test_each_strategy_has_its_part_of_the_session(live: LiveStrategy) -> None:
    for now in CLOSES[:8]:
        step(live, now)
    summarize_after(CLOSES[7])
    own = StrategySession.objects.filter(live_strategy=live).values_list("session", "today", "exposure")
    assert list(own) == list(DailySummary.objects.values_list("session", "today", "exposure"))
    assert len(own) == 4


def test_not_before_the_last_fills_have_arrived(alice: User) -> None:
    make_order(user=alice, state="blocked", created_at=CLOSES[2])
    assert summarize_sessions(CLOSES[2] + GRACE - timedelta(seconds=1)) == 0
    assert summarize_sessions(CLOSES[2] + GRACE) == 1


def test_the_last_session_of_the_replay_is_summarized_once_its_work_is_done(live: LiveStrategy) -> None:
    for now in CLOSES[:4]:
        step(live, now)
    last = CLOSES[3]
    assert live.account.fills.filter(time__date=last.date()).count() == 1
    assert summarize_sessions(last) == 0
    LiveStrategy.objects.update(next_check_at=last)
    assert summarize_sessions(last, ended=True) == 0
    LiveStrategy.objects.update(next_check_at=CLOSES[4])
    assert summarize_sessions(last, ended=True) == 1
    assert rows() == [(last.date(), 1)]
    assert summarize_sessions(last, ended=True) == 0


def test_the_task_knows_that_the_replay_has_ended(alice: User) -> None:
    make_order(user=alice, state="blocked", created_at=session_close(LAST_SESSION))
    at_day(LAST_SESSION)
    summarize_closed_sessions()
    assert rows() == []
    ReplayMarket.objects.update(ended=True)
    summarize_closed_sessions()
    assert rows() == [(LAST_SESSION, 0)]


def test_a_day_without_trading_has_none(live: LiveStrategy) -> None:
    assert (summarize_after(CLOSES[0]), rows()) == (0, [])


def test_the_text_counts_what_happened(alice: User, bob: User) -> None:
    for state in ("blocked", "rejected", "cancelled"):
        make_order(user=alice, state=state, created_at=CLOSES[2])
    account = account_of(alice)
    Halt.objects.create(account=account, action="entries", requested_at=CLOSES[2], requested_wall=WALL)
    account_of(bob)
    assert summarize_after(CLOSES[2]) == 1
    summary = DailySummary.objects.get()
    assert (summary.refusals, summary.halts, summary.fills) == (2, 1, 0)
    told = alice.notifications.get()
    assert (told.event, told.priority) == ("daily_summary", Priority.LOW)
    assert told.text == (
        f"{account.name}, {CLOSES[2].date()}: +$0.00 today (+$0.00 realized) · +$0.00 open in 0 positions · "
        "0 fills · 2 orders not placed · 1 halt"
    )
    assert not bob.notifications.exists()


@pytest.mark.parametrize("on_replay", [True, False])
def test_a_summary_of_the_replay_goes_out_only_where_it_is_wanted(alice: User, on_replay: bool) -> None:
    make_channel(alice, on_replay=on_replay)
    make_order(user=alice, state="blocked", created_at=CLOSES[2])
    summarize_after(CLOSES[2])
    assert (alice.notifications.count(), Delivery.objects.count()) == (1, int(on_replay))


def test_after_a_long_pause_only_the_last_sessions_are_summarized(alice: User) -> None:
    make_order(user=alice, state="blocked", created_at=session_close(date(2010, 3, 1)))
    make_order(user=alice, state="blocked", created_at=session_close(date(2010, 3, 26)))
    assert summarize_after(session_close(date(2010, 3, 31))) == 1
    assert SummarizedSession.objects.count() == LOOK_BACK


def test_one_account_that_cannot_be_summarized_stops_no_other(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (alice, bob):
        make_order(user=user, state="blocked", created_at=CLOSES[2])
    write, broken = daily_summary.summarize, account_of(alice).pk

    def fail(account: BrokerAccount, session: date, now: datetime) -> bool:
        if account.pk == broken:
            raise RuntimeError
        return write(account, session, now)

    with monkeypatch.context() as patched:
        patched.setattr(daily_summary, "summarize", fail)
        assert summarize_after(CLOSES[2]) == 1
    assert bob.notifications.count() == 1
    assert summarize_after(CLOSES[2]) == 1  # hers is tried again
    assert alice.notifications.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_it_once(alice: User) -> None:
    make_order(user=alice, state="blocked", created_at=CLOSES[2])
    results = at_once(*[lambda: summarize_after(CLOSES[2])] * 3)
    assert sorted(results) == [0, 0, 1]
    assert alice.notifications.count() == 1


def test_a_reset_of_the_replay_forgets_them(alice: User) -> None:
    make_order(user=alice, state="blocked", created_at=CLOSES[2])
    summarize_after(CLOSES[2])
    stale = account_of(alice)
    reset_replay(WALL)
    assert (rows(), SummarizedSession.objects.count()) == ([], 0)
    # A worker that had read the account before writes nothing.
    assert not daily_summary.summarize(stale, CLOSES[2].date(), CLOSES[2])


def test_what_was_marked_during_a_reset_is_done_again(alice: User) -> None:
    SummarizedSession.objects.create(session=CLOSES[2].date())
    summarize_after(CLOSES[0])
    make_order(user=alice, state="blocked", created_at=CLOSES[2])
    assert summarize_after(CLOSES[2]) == 1


def test_money_is_written_with_its_sign() -> None:
    assert [dollars(Decimal(text)) for text in ("1234.5", "-0.25", "0")] == [
        "+$1,234.50",
        "−$0.25",
        "+$0.00",
    ]
