"""Plugins: a trader's own kinds, loaded from a folder, checked, and rejected with a reason."""

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from strategies import plugins
from strategies.kinds import code_hash, kinds, make_kind
from strategies.plugins import load_plugins, plugin_files
from strategies.services import save_strategy
from strategies.system_checks import warn_about_rejected_plugins
from tests.strategies.examples import element_text
from tests.strategies.kinds.test_guide import GUIDE
from tradedesk.accounts.models import User

LOOKS_AHEAD = """
import numpy as np
from strategies.kinds.base import Kind
from tradedesk.core.signals import Signals

class Prophet(Kind):
    key = "prophet"
    name = "Prophet"
    description = "Uses tomorrow's close."

    def warmup(self):
        return 2

    def signals(self, bars):
        tomorrow = np.append(bars.close[1:], bars.close[-1:])
        side = np.sign(tomorrow - bars.close).astype(np.int8)
        return Signals(side, np.abs(side).astype(float))

    def explain(self, signals, t):
        return "The next close is higher or lower"
"""
WARMUP_TOO_SHORT = (
    LOOKS_AHEAD.replace("tomorrow = np.append(bars.close[1:], bars.close[-1:])", "")
    .replace("tomorrow - bars.close", "bars.close - bars.close[:1].sum()")
    .replace("prophet", "anchored")
    .replace("Prophet", "Anchored")
)
ENDLESS = LOOKS_AHEAD.replace("        tomorrow =", "        while True: pass\n        tomorrow =")


def guide() -> str:
    return GUIDE.read_text().split("```python\n")[1].split("```")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    plugin_folder = tmp_path / "plugins"
    plugin_folder.mkdir()
    yield plugin_folder
    load_plugins(tmp_path / "missing", tmp_path / "results.json")


def results_file(folder: Path) -> Path:
    """One file for all tests of a run, because checking a kind takes a second or two."""
    return folder.parents[1] / "results.json"


def reasons(folder: Path, **files: str) -> dict[str, str]:
    """Write these files, load the folder, and return the reason of each file, "" for one that can be used."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    load_plugins(folder, results_file(folder))
    return {file.name: file.reason for file in plugin_files()}


def test_the_kind_in_the_guide_can_be_used_like_any_other(folder: Path, alice: User) -> None:
    assert reasons(folder, rate_of_change=guide()) == {"rate_of_change.py": ""}
    assert kinds()["rate_of_change"].name == "Rate of change"
    assert make_kind("rate_of_change", {"period": 10}).warmup() == 12
    assert len(code_hash("rate_of_change")) == 12
    strategy = save_strategy(
        alice, name="Mine", kind="rate_of_change", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    assert strategy.parameters == {"period": 20}


def test_the_code_hash_changes_with_the_code_and_not_with_comments(folder: Path) -> None:
    reasons(folder, rate_of_change=guide())
    before = code_hash("rate_of_change")
    reasons(folder, rate_of_change=guide().replace('"""', '"""Another. ', 1) + "\n# a comment\n")
    assert code_hash("rate_of_change") == before
    reasons(folder, rate_of_change=guide() + "\nANOTHER = 1\n")
    assert code_hash("rate_of_change") != before


def test_look_ahead_is_rejected_with_the_bar(folder: Path) -> None:
    reason = reasons(folder, prophet=LOOKS_AHEAD)["prophet.py"]
    assert reason.startswith("Prophet (no parameters) fails the no look-ahead check on AAPL. Bar ")
    assert "prophet" not in kinds()


def test_a_warm_up_that_is_too_short_is_rejected(folder: Path) -> None:
    reason = reasons(folder, anchored=WARMUP_TOO_SHORT)["anchored.py"]
    assert reason.startswith("Anchored (no parameters) fails the warm-up check on AAPL. Bar ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def (:", "The file cannot be loaded: SyntaxError, line 1: "),
        ("import nothing_of_that_name", "The file cannot be loaded: ModuleNotFoundError: "),
        ("raise SystemExit(3)", "The file cannot be loaded: SystemExit: 3"),
        ("1 / 0", "The file cannot be loaded: ZeroDivisionError: "),
        ("raise KeyboardInterrupt", "The file cannot be loaded: KeyboardInterrupt: "),
        ("import os; os._exit(3)", "Loading and checking the file ended its process with exit code 3."),
        ("import os; os.abort()", "Loading and checking the file ended its process with exit code -6."),
        ('print(\'{"reason": ""}\')', "The file has no strategy kind"),
        ("x = bytearray(64 * 1024**3)", "The file cannot be loaded: MemoryError"),
        ("x = 1", "The file has no strategy kind"),
        (LOOKS_AHEAD.replace('"prophet"', '"macd"'), "The key “macd” is already used"),
        (LOOKS_AHEAD.replace('"prophet"', '"Pro phet"'), "The key “Pro phet” must start with a lower-case letter"),
        (LOOKS_AHEAD.replace('    description = "Uses tomorrow\'s close."\n', ""), "Prophet has no description."),
        (
            LOOKS_AHEAD.replace("def explain", "def silent"),
            "Prophet cannot be created with its default parameters",
        ),
        (
            LOOKS_AHEAD.replace("return 2", 'raise RuntimeError("no bars")'),
            "Prophet cannot be created with its default parameters: RuntimeError: no bars",
        ),
        (LOOKS_AHEAD.replace("return 2", 'return "two"'), "Prophet: warmup() must return a whole number."),
    ],
)
def test_a_rejected_file_has_a_reason_and_does_not_affect_others(folder: Path, text: str, reason: str) -> None:
    found = reasons(folder, bad=text, rate_of_change=guide())
    assert found["bad.py"].startswith(reason)
    assert found["rate_of_change.py"] == ""
    assert "rate_of_change" in kinds()
    assert "macd" in kinds()
    assert [warning.id for warning in warn_about_rejected_plugins()] == ["strategies.W001"]


@pytest.mark.parametrize("text", ["while True: pass", ENDLESS], ids=["import", "signals"])
def test_an_endless_loop_is_stopped_at_the_time_limit(folder: Path, text: str) -> None:
    (folder / "endless.py").write_text(text)
    for limit in (0.2, 0.3):  # the next start, perhaps on a less busy machine, tries again
        load_plugins(folder, results_file(folder), time_limit=limit)
        (file,) = plugin_files()
        assert file.reason.startswith(f"Loading and checking took longer than {limit} s.")
        assert file.keys == ()
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_without_posix_signals_files_are_loaded_without_a_time_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SIGALRM", "ITIMER_REAL", "setitimer"):
        monkeypatch.delattr(signal, name)
    assert reasons(folder, rate_of_change=guide(), bad="x = 1").keys() == {"rate_of_change.py", "bad.py"}
    assert "rate_of_change" in kinds()


def test_unchanged_files_are_not_checked_again_unless_the_results_are_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons(folder, rate_of_change=guide())
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "prove", lambda *_: pytest.fail("checked again"))
        assert reasons(folder) == {"rate_of_change.py": ""}
    results_file(folder).write_text("{broken")
    assert reasons(folder) == {"rate_of_change.py": ""}


def test_check_strategy_prints_passed_checks(folder: Path) -> None:
    (folder / "rate.py").write_text(guide())
    output = io.StringIO()
    call_command("check_strategy", str(folder / "rate.py"), stdout=output)
    assert "passed  no look-ahead  AAPL" in output.getvalue()
    assert "FAILED" not in output.getvalue()


def test_check_strategy_prints_failed_checks_with_the_bar(folder: Path) -> None:
    (folder / "prophet.py").write_text(LOOKS_AHEAD)
    output = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("check_strategy", str(folder / "prophet.py"), stdout=output)
    assert end.value.code == 1
    assert "FAILED  no look-ahead" in output.getvalue()
    assert "Bar " in output.getvalue()


def test_check_strategy_rejects_a_file_without_a_kind(folder: Path) -> None:
    (folder / "x.py").write_text("x = 1")
    with pytest.raises(CommandError, match=r"^x\.py: "):
        call_command("check_strategy", str(folder / "x.py"))
    with pytest.raises(CommandError, match=r"^missing\.py"):
        call_command("check_strategy", str(folder / "missing.py"))


def test_the_strategies_page_lists_plugins_with_their_reason(folder: Path, alices_browser: Client) -> None:
    empty = alices_browser.get("/dashboard/strategies")
    assert "STRATEGY_DIR" in element_text(empty, 'id="plugins"')
    reason = reasons(folder, bad="x = 1", rate_of_change=guide())["bad.py"]
    page = alices_browser.get("/dashboard/strategies")
    assert element_text(page, 'data-file="bad.py"') == f"bad.py Rejected {reason}"
    assert element_text(page, 'data-file="rate_of_change.py"') == "rate_of_change.py Passed Rate of change"
    assert str(folder) not in page.content.decode()


def test_a_strategy_whose_plugin_was_removed_still_has_its_page(
    folder: Path, alice: User, alices_browser: Client
) -> None:
    reasons(folder, rate_of_change=guide())
    strategy = save_strategy(
        alice, name="Mine", kind="rate_of_change", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    (folder / "rate_of_change.py").unlink()
    reasons(folder)
    for url in ("/dashboard/strategies", f"/dashboard/strategies/{strategy.pk}"):
        response = alices_browser.get(url)
        assert response.status_code == 200
        assert "rate_of_change" in response.content.decode()
