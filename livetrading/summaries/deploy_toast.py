"""What the page says after Deploy to Live: what runs now, whose money it is, and what the evidence is worth."""

from backtests.research.robustness.scorecard import Rating
from livetrading.models import LiveStrategy
from livetrading.services.deploy import deployment_message
from livetrading.summaries.evidence import CarriedScorecard, carried_scorecards
from tradedesk.accounts.models import Mode

# How the toast looks when the evidence fails or is missing: nothing is refused, but nobody overlooks it.
SUCCESS, WARNING = "success", "warning"


def deployment_toast(live: LiveStrategy) -> tuple[str, str]:
    """The level of the toast, and its text."""
    money = f"Its orders use {'paper' if live.mode == Mode.PAPER else 'real'} money."
    carried = carried_scorecards(live.user, [live]).get(live.pk)
    doubt = evidence_doubt(live, carried)
    text = " ".join(part for part in (deployment_message(live), money, doubt) if part)
    fails = carried is None or carried.overall.rating == Rating.FAIL
    return (WARNING if fails else SUCCESS), text


def evidence_doubt(live: LiveStrategy, carried: CarriedScorecard | None) -> str:
    """What a trader must know of the evidence of a deployment; "" when nothing in it fails."""
    if carried is not None:
        rating = carried.overall.rating
        return "" if rating == Rating.PASS else f"Evidence: {rating.capitalize()}. {carried.overall.message}"
    subject = live.candidate or live.backtest
    if subject is None:
        return "No evidence: it was deployed without a completed backtest."
    failed = getattr(getattr(subject, "evidence", None), "error", "")
    return "No evidence: it could not be computed." if failed else "No evidence yet: it is being computed."
