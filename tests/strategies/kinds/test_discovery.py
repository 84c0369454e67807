"""Kinds are found by their file, made by their key, and named by the code they run."""

import re

import pytest

from strategies import kinds as registry
from strategies.kinds import InvalidParameters, by_key, code_hash, kinds, make_kind
from strategies.kinds.average_crossover import AverageCrossover
from strategies.kinds.macd import Macd
from strategies.kinds.sma_crossover import SmaCrossover

SHIPPED = {"sma_crossover", "rsi_mean_reversion", "donchian_breakout", "macd", "buy_and_hold"}


def test_every_kind_in_the_folder_is_found() -> None:
    assert set(kinds()) >= SHIPPED
    assert kinds()["macd"] is Macd


def test_kinds_are_sorted_by_name() -> None:
    names = [kind.name for kind in kinds().values()]
    assert names == sorted(names)


def test_a_kind_is_made_by_its_key() -> None:
    assert make_kind("sma_crossover", {"fast": 5, "slow": 20}) == SmaCrossover(fast=5, slow=20)


def test_an_unknown_key_is_refused_like_a_bad_value() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        make_kind("crystal_ball", {})
    assert refusal.value.errors == {"": "There is no strategy kind “crystal_ball”."}


def test_two_kinds_cannot_share_a_key() -> None:
    class Impostor(SmaCrossover):
        key = "macd"

    with pytest.raises(ValueError, match="share the key “macd”"):
        by_key([Macd, Impostor])


def test_the_code_has_a_short_hash_of_its_own() -> None:
    hashes = {code_hash(key) for key in kinds()}
    assert len(hashes) == len(kinds())
    assert all(re.fullmatch(r"[0-9a-f]{12}", found) for found in hashes)


def test_what_kinds_share_is_no_kind_and_counts_to_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_hash_of", lambda paths: " ".join(path.stem for path in paths))
    hashed = code_hash.__wrapped__("sma_crossover").split()
    assert {"average_crossover", "averages", "base", "sma_crossover"} <= set(hashed)
    assert not {"ema_crossover", "macd"} & set(hashed)
    assert AverageCrossover not in kinds().values()
