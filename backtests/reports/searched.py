"""The sessions that the rows of an optimizer run are computed on."""

from datetime import date

from backtests.models import OptimizerChunk, OptimizerRun
from tradedesk.core.metrics import is_yearly

Period = tuple[date, date]  # the first and the last session


def searched_period(run: OptimizerRun, universe: str) -> Period | None:
    """None before the first chunk of the universe is done. One query."""
    done = run.chunks.filter(universe=universe, status=OptimizerChunk.Status.DONE).first()
    return (done.used_from, done.used_until) if done and done.used_from and done.used_until else None


def has_yearly_figures(period: Period | None) -> bool:
    """Whether its scores are per year, as far as is known; those of a shorter period are per session, or over the
    whole period."""
    return period is None or is_yearly((period[1] - period[0]).days)
