"""Alpaca: the adapter over alpaca-py. The library is imported only once an account is connected."""

from livetrading.brokers.alpaca.broker import connect

__all__ = ["connect"]
