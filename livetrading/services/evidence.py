"""The evidence that a live strategy carries: a copy of that of the backtest or the row it was deployed from."""

from collections.abc import Iterable

from django.db.models import F, Q

from backtests.models import Backtest, Candidate
from backtests.services.evidence import request_evidence
from livetrading.models import CarriedEvidence, LiveStrategy
from strategies.models import Strategy
from tradedesk.accounts.models import User

# The number of newest backtests in which the latest one of each strategy is searched.
SEARCH_LIMIT = 1_000
# The most live strategies that one call of `carry_computed` looks at.
MOST = 50


def carry_evidence(live: LiveStrategy) -> None:
    """Called with the deployment: copy the evidence, or have that of a row computed, which `carry_computed` copies
    later. A strategy's own deployment carries the evidence next to its Deploy button, if there was any."""
    subject = live.candidate or live.backtest or _latest_backtest(live)
    if subject is not None:
        _carry(live, subject)


def carry_computed() -> None:
    """Copy what was computed since the deployment; what is still missing is requested again. A source whose
    evidence could not be computed is left alone until someone computes it again."""
    rows = LiveStrategy.objects.filter(carried_evidence=None).filter(
        Q(candidate__isnull=False, candidate__evidence__isnull=True)
        | Q(candidate__evidence__error="")
        | Q(backtest__evidence__error="")
    )
    origins = ("candidate__run", "candidate__evidence", "backtest__evidence")
    for live in rows.select_related(*origins).order_by("-pk")[:MOST]:
        if subject := live.candidate or live.backtest:
            _carry(live, subject)


def copy_evidence(old: LiveStrategy, live: LiveStrategy) -> None:
    """The evidence of `old` is also that of `live`, when both are the same: it stays with what it was computed
    for."""
    carried = CarriedEvidence.objects.filter(live_strategy=old).first()
    if carried is None or live.fingerprint != old.fingerprint:
        return
    carried.pk, carried.live_strategy = None, live
    carried._state.adding = True
    carried.save()


def latest_backtests(user: User, strategies: Iterable[Strategy] | None = None) -> dict[int, int]:
    """By the id of the strategy, all or these: its latest completed backtest with the current kind, parameters,
    symbols and timeframe."""
    completed = user.backtests.filter(
        status=Backtest.Status.COMPLETED, kind=F("strategy__kind"), timeframe=F("strategy__timeframe")
    )
    if strategies is not None:
        completed = completed.filter(strategy__in=strategies)
    columns = ("pk", "strategy_id", "parameters", "symbols", "strategy__parameters", "strategy__symbols")
    latest: dict[int, int] = {}
    newest = completed.order_by("-pk").values_list(*columns)[:SEARCH_LIMIT]
    for pk, strategy_id, parameters, symbols, current, current_symbols in newest:
        if parameters == current and set(symbols) == set(current_symbols):
            latest.setdefault(strategy_id, pk)
    return latest


def _latest_backtest(live: LiveStrategy) -> Backtest | None:
    if live.strategy is None:
        return None
    pk = latest_backtests(live.user, [live.strategy]).get(live.strategy.pk)
    return None if pk is None else Backtest.objects.filter(pk=pk).first()


def _carry(live: LiveStrategy, subject: Backtest | Candidate) -> None:
    evidence = getattr(subject, "evidence", None)
    if evidence is None:
        if isinstance(subject, Candidate):  # that of a backtest is computed in any case
            request_evidence(subject)
        return
    if evidence.error:
        return
    source = subject.run if isinstance(subject, Candidate) else subject
    CarriedEvidence.objects.get_or_create(
        live_strategy=live,
        defaults={
            "report": evidence.report,
            "symbols": subject.symbols,
            "timeframe": source.timeframe,
            "start_date": source.start_date,
            "end_date": source.end_date,
            "computed_at": evidence.computed_at,
        },
    )
