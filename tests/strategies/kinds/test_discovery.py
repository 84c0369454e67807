"""Kinds are discovered by file, created by key, and identified by a hash of their code."""

import re
from pathlib import Path

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


def test_a_kind_is_created_by_its_key() -> None:
    assert make_kind("sma_crossover", {"fast": 5, "slow": 20}) == SmaCrossover(fast=5, slow=20)


def test_an_unknown_key_is_an_invalid_parameter() -> None:
    with pytest.raises(InvalidParameters) as refusal:
        make_kind("crystal_ball", {})
    assert list(refusal.value.errors) == [""]
    assert "“crystal_ball”" in refusal.value.errors[""]


def test_two_kinds_cannot_share_a_key() -> None:
    class Duplicate(SmaCrossover):
        key = "macd"

    with pytest.raises(ValueError, match="“macd”"):
        by_key([Macd, Duplicate])


def test_every_kind_has_a_different_code_hash() -> None:
    hashes = {code_hash(key) for key in kinds()}
    assert len(hashes) == len(kinds())
    assert all(re.fullmatch(r"[0-9a-f]{12}", found) for found in hashes)


def test_the_code_hash_changes_with_the_code_and_not_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    def hash_with(edit: bytes, stem: str) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda path: read(path) + (edit if path.stem == stem else b""))
            return code_hash.__wrapped__("sma_crossover")

    read, before = Path.read_bytes, code_hash("sma_crossover")
    for stem in ("sma_crossover", "crossings"):
        assert hash_with(b"\n# a comment\n", stem) == before
        assert hash_with(b"\nLIMIT = 1\n", stem) != before


def test_the_code_hash_covers_shared_code_but_not_other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_hash_of", lambda paths: " ".join(path.stem for path in paths))
    hashed = code_hash.__wrapped__("sma_crossover").split()
    assert {"average_crossover", "averages", "base", "sma_crossover"} <= set(hashed)
    assert not {"ema_crossover", "macd"} & set(hashed)
    assert AverageCrossover not in kinds().values()
