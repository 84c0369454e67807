"""A trader's own kinds: loaded from a folder, checked, and refused with the reason."""

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from strategies import own_kinds
from strategies.kinds import code_hash, kinds, make_kind
from strategies.plugins import load_folder, plugin_files
from strategies.services import save_strategy
from strategies.system_checks import plugins_are_usable
from tests.strategies.kinds.test_guide import GUIDE
from tradedesk.accounts.models import User

LOOKS_AHEAD = """
import numpy as np
from strategies.kinds.base import Kind
from tradedesk.core.signals import Signals

class Prophet(Kind):
    key = "prophet"
    name = "Prophet"
    description = "Knows tomorrow."

    def warmup(self):
        return 2

    def signals(self, bars):
        tomorrow = np.append(bars.close[1:], bars.close[-1:])
        side = np.sign(tomorrow - bars.close).astype(np.int8)
        return Signals(side, np.abs(side).astype(float))

    def explain(self, signals, t):
        return "It has been seen in the crystal ball"
"""
TOO_SHORT = (
    LOOKS_AHEAD.replace("tomorrow = np.append(bars.close[1:], bars.close[-1:])", "")
    .replace("tomorrow - bars.close", "bars.close - bars.close[:1].sum()")
    .replace("prophet", "anchored")
    .replace("Prophet", "Anchored")
)


def guide() -> str:
    return GUIDE.read_text().split("```python\n")[1].split("```")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    own = tmp_path / "own"
    own.mkdir()
    yield own
    load_folder(tmp_path / "nothing", tmp_path / "verdicts")


def verdicts_of(folder: Path) -> Path:
    """One for all tests of a run, for to prove a kind takes a second or two."""
    return folder.parents[1] / "verdicts.json"


def loaded(folder: Path, **files: str) -> dict[str, str]:
    """The reason of each file, "" for one that can be used."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    load_folder(folder, verdicts_of(folder))
    return {file.name: file.reason for file in plugin_files()}


def test_the_kind_of_the_guide_becomes_one_like_any_other(folder: Path, alice: User) -> None:
    assert loaded(folder, rate_of_change=guide()) == {"rate_of_change.py": ""}
    assert kinds()["rate_of_change"].name == "Rate of change"
    assert make_kind("rate_of_change", {"period": 10}).warmup() == 12
    assert len(code_hash("rate_of_change")) == 12
    strategy = save_strategy(
        alice, name="Mine", kind="rate_of_change", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    assert strategy.parameters == {"period": 20}


def test_a_change_of_the_file_is_a_change_of_its_code(folder: Path) -> None:
    loaded(folder, rate_of_change=guide())
    before = code_hash("rate_of_change")
    loaded(folder, rate_of_change=guide() + "\n# another\n")
    assert code_hash("rate_of_change") != before


def test_what_knows_tomorrow_is_refused_with_the_bar(folder: Path) -> None:
    reason = loaded(folder, prophet=LOOKS_AHEAD)["prophet.py"]
    assert "fails the check of no look-ahead on AAPL" in reason
    assert "Bar " in reason
    assert "prophet" not in kinds()


def test_what_hangs_on_the_first_bar_is_refused(folder: Path) -> None:
    assert "The warm-up is too short." in loaded(folder, anchored=TOO_SHORT)["anchored.py"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (:", "SyntaxError, line 1"),
        ("import nothing_of_that_name", "No module named"),
        ("raise SystemExit(3)", "SystemExit"),
        ("1 / 0", "division by zero"),
        ("x = 1", "no strategy kind"),
        (LOOKS_AHEAD.replace('"prophet"', '"macd"'), "that of another kind already"),
        (LOOKS_AHEAD.replace('"prophet"', '"Pro phet"'), "lower case letters"),
        (LOOKS_AHEAD.replace('    description = "Knows tomorrow."\n', ""), "has no description"),
        (LOOKS_AHEAD.replace("def explain", "def silent"), "cannot be made"),
        (LOOKS_AHEAD.replace("return 2", 'return "two"'), "whole number"),
    ],
)
def test_a_bad_file_says_why_and_takes_nothing_down(folder: Path, text: str, words: str) -> None:
    found = loaded(folder, bad=text, rate_of_change=guide())
    assert words in found["bad.py"]
    assert found["rate_of_change.py"] == ""
    assert "rate_of_change" in kinds()
    assert "macd" in kinds()
    assert [warning.id for warning in plugins_are_usable()] == ["strategies.W001"]


@pytest.mark.parametrize(
    "text",
    [
        "while True: pass",
        LOOKS_AHEAD.replace("        tomorrow =", "        while True: pass\n        tomorrow ="),
    ],
)
def test_a_file_without_an_end_is_refused_after_a_while(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_kinds, "LONGEST", 0.5)
    (folder / "endless.py").write_text(text)
    load_folder(folder, verdicts_of(folder))
    (file,) = plugin_files()
    assert "It was not done after 0.5 s. Is there a loop without an end?" in file.reason
    assert file.keys == ()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_what_has_passed_is_not_tried_again_and_a_broken_memory_is_no_matter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(folder, rate_of_change=guide())
    with monkeypatch.context() as patch:
        patch.setattr(own_kinds, "trials", lambda *_: pytest.fail("tried again"))
        assert loaded(folder) == {"rate_of_change.py": ""}
    verdicts_of(folder).write_text("{broken")
    assert loaded(folder) == {"rate_of_change.py": ""}


def test_check_strategy_prints_what_passes(folder: Path) -> None:
    (folder / "rate.py").write_text(guide())
    said = io.StringIO()
    call_command("check_strategy", str(folder / "rate.py"), stdout=said)
    assert "passed  no look-ahead  AAPL" in said.getvalue()
    assert said.getvalue().endswith("All checks passed.\n")


def test_check_strategy_prints_what_fails_and_at_which_bar(folder: Path) -> None:
    (folder / "prophet.py").write_text(LOOKS_AHEAD)
    said = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("check_strategy", str(folder / "prophet.py"), stdout=said)
    assert end.value.code == 1
    assert "FAILED  no look-ahead" in said.getvalue()
    assert "Bar " in said.getvalue()


def test_check_strategy_refuses_what_is_no_kind(folder: Path) -> None:
    (folder / "x.py").write_text("x = 1")
    with pytest.raises(CommandError, match="no strategy kind"):
        call_command("check_strategy", str(folder / "x.py"))
    with pytest.raises(CommandError, match="cannot be"):
        call_command("check_strategy", str(folder / "gone.py"))


def test_the_strategies_page_lists_them_with_the_reason(folder: Path, alices_browser: Client) -> None:
    assert "STRATEGY_DIR" in alices_browser.get("/dashboard/strategies").content.decode()
    loaded(folder, bad="x = 1", rate_of_change=guide())
    page = alices_browser.get("/dashboard/strategies").content.decode()
    assert "bad.py" in page
    assert "no strategy kind" in page
    assert "Rate of change" in page
    assert str(folder) not in page


def test_a_strategy_whose_file_is_gone_still_has_its_page(
    folder: Path, alice: User, alices_browser: Client
) -> None:
    loaded(folder, rate_of_change=guide())
    strategy = save_strategy(
        alice, name="Mine", kind="rate_of_change", parameters={}, symbols=["AAPL"], timeframe="1Day"
    )
    (folder / "rate_of_change.py").unlink()
    loaded(folder)
    for url in ("/dashboard/strategies", f"/dashboard/strategies/{strategy.pk}"):
        answer = alices_browser.get(url)
        assert answer.status_code == 200
        assert "rate_of_change" in answer.content.decode()
