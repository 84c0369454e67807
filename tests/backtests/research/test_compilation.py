"""The kernels are compiled by a separate process before the first backtest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from backtests.management.commands import compile_kernels
from tradedesk import preparation
from tradedesk.core import COMPILED, COMPILED_ALL

TRADE = """
import django; django.setup()
from backtests.research.optimizer.sweep import returns_of, sweep, sweep_trials
from backtests.research.robustness.trials import trial_of
from backtests.engine.simulation import prepare_scenario
from strategies.kinds import kinds
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.marketdata.samples import sample_bars
bars = {symbol: sample_bars(symbol) for symbol in ("AAPL", "IBM")}
for symbols in (["AAPL"], ["AAPL", "IBM"]):
    own = {symbol: bars[symbol] for symbol in symbols}
    scenario = prepare_scenario(own, capital=1e5, rules=RiskRules(), costs=Costs())
    for kind in kinds().values():
        trial_of(scenario, scenario.simulate(kind()))
        sweep(scenario, kind, [{}])
        sweep_trials(scenario, kind, [{}])
        returns_of(scenario, kind, [{}])
"""


@pytest.mark.processes
def test_a_backtest_compiles_nothing_after_compile_kernels(tmp_path: Path) -> None:
    call_command("compile_kernels")  # two minutes, unless it was done before
    copy_of_compiled(tmp_path)
    before = compiled(tmp_path)
    python({**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, "-c", TRADE)
    assert before
    assert compiled(tmp_path) == before


def copy_of_compiled(folder: Path) -> None:
    """Without the code that other tests have compiled since; an index may name code that is not there."""
    made = COMPILED_ALL.stat().st_mtime
    for file in [*COMPILED.rglob("*.nbc"), *COMPILED.rglob("*.nbi")]:
        if file.suffix == ".nbi" or file.stat().st_mtime <= made:
            copy = folder / COMPILED.name / file.relative_to(COMPILED)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)


def python(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env=environment, timeout=240)


def compiled(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*.nbc")}


def test_kernels_are_compiled_once_for_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    monkeypatch.setattr(compile_kernels, "COMPILED", tmp_path / "folder")
    monkeypatch.setattr(compile_kernels, "COMPILED_ALL", tmp_path / "folder" / ".all")
    monkeypatch.setattr(compile_kernels, "compile_all", lambda: runs.append(1))
    call_command("compile_kernels")
    call_command("compile_kernels")
    assert runs == [1]


def test_a_folder_without_write_permission_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(compile_kernels, "COMPILED", tmp_path / "file" / "folder")
    with pytest.raises(CommandError, match=r"file/folder"):
        call_command("compile_kernels")


def test_a_desk_reports_the_compilation_and_starts_even_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(preparation, "COMPILED_ALL", tmp_path / ".all")
    monkeypatch.setattr(sys, "executable", "false")
    preparation.compile_kernels(messages.append)
    assert len(messages) == 1
    (tmp_path / ".all").touch()
    preparation.compile_kernels(messages.append)
    assert len(messages) == 1, "compiled before"
