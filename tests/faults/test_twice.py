"""Two workers, two beats that dispatch, and every message twice: one order for each intent."""

import pytest

from livetrading.models import Order
from livetrading.models.order import FINAL
from livetrading.tasks import check_now, dispatch_due_accounts, requeue_lost_orders, send_orders
from tests.faults.desk import FaultDesk

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("desk", ["careless"], indirect=True)
def test_two_workers_and_every_message_several_times_make_one_order(
    desk: FaultDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.forks.worker()
    beat = desk.beat

    def beats(times: int = 1) -> None:
        for _ in range(times):
            beat()
            known = [str(pk) for pk in Order.objects.exclude(state__in=FINAL).values_list("pk", flat=True)]
            for _ in range(2):
                dispatch_due_accounts.apply_async(expires=1)
                requeue_lost_orders.apply_async(expires=1)
                send_orders.apply_async(([*known, *reversed(known)],), expires=1)
            for trader in desk.traders.values():
                for live in trader.live.values():
                    check_now.apply_async((live.pk,), expires=1)

    monkeypatch.setattr(desk, "beat", beats)
    desk.hold()
    desk.sell()
    desk.settle()
    for trader in desk.traders.values():
        for symbol in trader.live:
            assert trader.at_broker(symbol, "buy") == trader.at_broker(symbol, "sell") == ["filled"]
            assert trader.reads_order(trader.orders(symbol, "exit")[0])
        assert trader.incidents() == []
    desk.others_went_on(exits=1)
