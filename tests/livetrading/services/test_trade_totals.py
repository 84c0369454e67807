"""The running totals of trades: checked, mended, and filled for a desk that traded before it kept them."""

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.models.kept_totals import TOTALS
from livetrading.services.trade_totals import Totals, differences
from tests.livetrading.factories import NOW, closed, make_live_strategy, make_live_trade, make_paper_trade
from tradedesk.accounts.models import User

pytestmark = pytest.mark.django_db


def totals_of(row: BrokerAccount | LiveStrategy) -> Totals:
    row.refresh_from_db()
    return Totals(*(getattr(row, name) for name in TOTALS))


def test_wrong_totals_are_found_and_made_anew(alice: User, bob: User) -> None:
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live, commission=Decimal("0.3"), pnl=Decimal("-0.3"))
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW, commission=Decimal(1)))
    by_hand = make_paper_trade(user=alice, **closed(NOW, 29))
    real = make_live_trade(user=bob, **closed(NOW, 34))
    call_command("trade_totals")
    assert totals_of(live) == Totals(Decimal("29.7"), Decimal("1.3"), 2, 1)
    assert totals_of(by_hand.account) == Totals(Decimal("19.7"), Decimal("1.3"), 3, 1)
    right = [totals_of(row) for row in (live, by_hand.account, real.account)]

    LiveStrategy.objects.update(trades_won=5, commission_paid=9)
    BrokerAccount.objects.update(realized_pnl=0, trades_opened=7)
    with pytest.raises(CommandError):
        call_command("trade_totals")
    assert len(list(differences())) == 3
    assert totals_of(live).won == 5
    call_command("trade_totals", rebuild=True)
    assert [totals_of(row) for row in (live, by_hand.account, real.account)] == right
    assert list(differences()) == []


def test_the_migration_fills_them_from_the_trades(alice: User) -> None:
    live = make_live_strategy(user=alice)
    make_paper_trade(user=alice, live_strategy=live, **closed(NOW))
    make_live_trade(user=alice, **closed(NOW, 29))
    nothing = Totals().columns()
    LiveStrategy.objects.update(**nothing)
    BrokerAccount.objects.update(**nothing)
    import_module("livetrading.migrations.0014_trade_totals").fill_totals(apps, None)
    assert totals_of(live) == Totals(Decimal(30), Decimal(0), 1, 1)
    assert list(differences()) == []
