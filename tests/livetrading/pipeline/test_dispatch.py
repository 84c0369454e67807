"""Handing out the checks that are due: each once, in chunks that share a timeframe and keep a user together."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetrading.models import LiveStrategy
from livetrading.pipeline.dispatch import CHUNK, CLAIM, chunks_of, claim_due
from tests.livetrading.at_once import at_once
from tests.livetrading.factories import NOW, WALL, make_live_strategy
from tradedesk.accounts.models import User

SECOND = timedelta(seconds=1)


def ids_of(chunks: list[list[int]]) -> list[int]:
    return sorted(pk for chunk in chunks for pk in chunk)


def due(user: User, **fields: Any) -> int:
    return make_live_strategy(user=user, **({"next_check_at": NOW} | fields)).pk
