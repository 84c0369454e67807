"""The trades of a backtest as a CSV file."""

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from backtests.reports.trades import backtest_trade_rows
from tradedesk.accounts.requests import PageRequest
from tradedesk.rest.csv_files import csv_file


@require_safe
def trades_csv(request: PageRequest, pk: int) -> StreamingHttpResponse:
    backtest = get_object_or_404(request.user.backtests, pk=pk)
    return csv_file(request, f"backtest-{pk}-trades.csv", backtest_trade_rows(backtest))
