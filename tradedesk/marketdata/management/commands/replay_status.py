from typing import Any

from django.core.management.base import BaseCommand

from tradedesk.marketdata.clock import market_status


class Command(BaseCommand):
    help = "Show the status of the market: the session of the replay, or whether the US market is open."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(market_status()))
