from typing import Any

from django.core.management.base import BaseCommand

from tradedesk.marketdata.clock import market_status


class Command(BaseCommand):
    help = "Say what the market is doing: the session that the replay shows, or whether the US market is open."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(str(market_status()))
