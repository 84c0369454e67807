"""The life of a strategy in five steps: Rules, Backtest, Evidence, Paper, Live; each with state and link."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard
from livetrading.models import LiveStrategy
from strategies.kinds import InvalidParameters, plugin_of
from strategies.models import Strategy
from tradedesk.accounts.models import Mode
from tradedesk.templatetags import figures

# The state lights of templates/components; a rating has its own shapes.
RUNNING, DEGRADED, ERROR, STOPPED, NOT_YET = "running", "degraded", "error", "stopped", "closed"


@dataclass(frozen=True, slots=True)
class Step:
    """state: a state light, or "" where `rating` is set. text: its word. note: what else to know."""

    key: str
    name: str
    text: str
    url: str
    state: str = ""
    rating: str = ""
    note: str = ""


def life_line(
    strategy: Strategy, backtest: Backtest | None, scorecard: Scorecard | None, running: Iterable[LiveStrategy]
) -> list[Step]:
    """backtest: the latest one. scorecard: of the latest one with the current rules. running: the deployments that
    are not stopped, with their account, the newest first."""
    current = list(running)
    paper = [live for live in current if live.mode == Mode.PAPER]
    return [
        _rules(strategy),
        _backtest(strategy, backtest),
        _evidence(strategy, scorecard),
        _paper(strategy, paper),
        _live([live for live in current if live.mode == Mode.LIVE], paper),
    ]


def unsaved_life_line() -> list[Step]:
    """Of a strategy that is not saved yet."""
    rules = Step("rules", "Rules", "Not saved yet", "#rules", STOPPED)
    rest = [(name.lower(), name) for name in ("Backtest", "Evidence", "Paper", "Live")]
    return [rules, *(Step(key, name, "After saving", "", NOT_YET) for key, name in rest)]


def _rules(strategy: Strategy) -> Step:
    problem = ""
    if plugin_of(strategy.kind) is None:
        try:
            strategy.make_kind()
        except InvalidParameters as refusal:
            problem = str(refusal)
    if problem:
        return Step("rules", "Rules", "Invalid", "#rules", ERROR, note=problem)
    if not strategy.symbols:
        return Step("rules", "Rules", "No symbols", "#rules", STOPPED)
    return Step("rules", "Rules", "Saved", "#rules", RUNNING, note=strategy.parameter_summary)


def _backtest(strategy: Strategy, backtest: Backtest | None) -> Step:
    if backtest is None:
        return Step("backtest", "Backtest", "None yet", _new_backtest(strategy), NOT_YET)
    url = reverse("backtests:detail", args=[backtest.pk])
    if backtest.status != Backtest.Status.COMPLETED:
        state = ERROR if backtest.status == Backtest.Status.FAILED else STOPPED
        return Step("backtest", "Backtest", backtest.get_status_display(), url, state)
    text = figures.signed_percent(backtest.metrics.get("total_return"))
    sharpe = backtest.metrics.get("sharpe")
    note = "" if sharpe is None else f"Sharpe {figures.ratio(sharpe)}"
    if not _has_same_rules(strategy, backtest):
        return Step("backtest", "Backtest", text, _new_backtest(strategy), DEGRADED, note="of other rules")
    return Step("backtest", "Backtest", text, url, RUNNING, note=note)


def _new_backtest(strategy: Strategy) -> str:
    return f"{reverse('backtests:new')}?strategy={strategy.pk}"


def _has_same_rules(strategy: Strategy, backtest: Backtest) -> bool:
    """As livetrading.services.evidence.latest_backtests compares them."""
    same = (strategy.kind, strategy.parameters, strategy.timeframe, set(strategy.symbols))
    return same == (backtest.kind, backtest.parameters, backtest.timeframe, set(backtest.symbols))


def _evidence(strategy: Strategy, scorecard: Scorecard | None) -> Step:
    if scorecard is None:
        return Step("evidence", "Evidence", "None yet", _new_backtest(strategy), NOT_YET)
    if scorecard.error:
        return Step("evidence", "Evidence", "Failed", scorecard.url, ERROR, note=scorecard.error)
    overall = scorecard.overall
    if overall is None:
        return Step("evidence", "Evidence", "Computing", scorecard.url, STOPPED)
    return Step("evidence", "Evidence", "", scorecard.url, rating=overall.rating, note=scorecard.summary)


def _paper(strategy: Strategy, running: list[LiveStrategy]) -> Step:
    if running:
        return _deployed("paper", "Paper", running)
    url = f"{reverse('livetrading:new')}?source=strategy:{strategy.pk}"
    return Step("paper", "Paper", "Not deployed", url, NOT_YET)


def _live(running: list[LiveStrategy], paper: list[LiveStrategy]) -> Step:
    """Without one it leads to the promotion of what runs on paper, otherwise to the switch to live."""
    if running:
        return _deployed("live", "Live", running)
    if paper:
        url = reverse("livetrading:promote", args=[paper[0].pk])
        return Step("live", "Live", "Not live", url, NOT_YET, note="Promote it from paper")
    return Step("live", "Live", "Not live", reverse("livetrading:go_live"), NOT_YET)


def _deployed(key: str, name: str, running: list[LiveStrategy]) -> Step:
    newest = running[0]
    state = deployment_state(newest)
    text = "Degraded" if state == DEGRADED else newest.get_status_display()
    note = f"{len(running)} deployments" if len(running) > 1 else newest.name
    return Step(key, name, text, reverse("livetrading:detail", args=[newest.pk]), state, note=note)


def deployment_state(live: LiveStrategy) -> str:
    """The state light of a deployment."""
    if live.status == LiveStrategy.Status.ERROR:
        return ERROR
    if live.status != LiveStrategy.Status.ACTIVE:
        return STOPPED
    return DEGRADED if live.degraded else RUNNING
