"""manage.py stream_trade_updates: listen to the brokers, for a desk of several processes."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from livetrading.services.trade_streams import TradeStreams


class Command(BaseCommand):
    help = (
        "Listen to what the brokers say of the orders of all accounts, so that the desk looks at once. The desk "
        "works without it. Run exactly one; manage.py desk has it as a thread."
    )

    def handle(self, **options: Any) -> None:
        streams = TradeStreams()

        def stop(*_: object) -> None:
            # In a thread, because a handler must wait for no lock.
            threading.Thread(target=streams.stop).start()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        streams.run()
