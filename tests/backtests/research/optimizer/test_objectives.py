"""The scores of combinations; the weighted score computed by hand."""

import numpy as np
import pytest

from backtests.research.optimizer.figures import FIGURES, Figures, as_dict
from backtests.research.optimizer.objectives import WEIGHTS, Objective, eligible, formula, scores
from tradedesk.core.metrics import Metrics


def rows(*given: dict[str, float]) -> Figures:
    """Rows with these figures; the others are undefined."""
    table = np.empty(len(given), FIGURES)
    for row, values in zip(table, given, strict=True):
        for name in FIGURES.names or ():
            row[name] = values.get(name, 0 if name == "trades" else np.nan)
    return table


@pytest.mark.parametrize("objective", [each for each in Objective if each is not Objective.WEIGHTED])
def test_a_single_objective_is_the_figure_itself(objective: Objective) -> None:
    score = scores(rows({objective.value: 1.5}, {}), objective, {})
    assert score[0] == 1.5
    assert np.isnan(score[1])


def test_the_weighted_score_follows_its_formula() -> None:
    table = rows({"sharpe": 1.2, "sortino": 2.0, "calmar": 0.5, "cagr": 0.15, "profit_factor": 1.8})
    by_hand = 0.4 * 1.2 + 0.2 * 2.0 + 0.2 * 0.5 + 0.1 * 1.5 + 0.1 * 1.8
    assert scores(table, Objective.WEIGHTED, WEIGHTS)[0] == pytest.approx(by_hand)


def test_in_a_weighted_score_each_part_is_bounded_and_an_undefined_one_counts_0() -> None:
    table = rows({"sharpe": 40.0}, {"sharpe": -40.0}, {"sortino": 1.0}, {})
    score = scores(table, Objective.WEIGHTED, {"sharpe": 1.0, "sortino": 0.5})
    assert score[:3].tolist() == [5.0, -5.0, 0.5]
    assert np.isnan(score[3])


def test_only_rows_with_a_score_and_enough_trades_may_rank_first() -> None:
    table = rows({"sharpe": 3.0, "trades": 2}, {"sharpe": 1.0, "trades": 10}, {"trades": 50})
    table["exposure"] = 0.5
    assert eligible(table, table["sharpe"], 10).tolist() == [False, True, False]


def test_a_row_that_never_held_a_position_may_not_rank_first() -> None:
    """As with fewer bars than the warm-up: its return of 0 is above every loss."""
    table = rows({"cagr": 0.0, "exposure": 0.0}, {"cagr": -0.1, "exposure": 0.2})
    assert eligible(table, table["cagr"], 0).tolist() == [False, True]


def test_the_formula_is_text_with_the_weights() -> None:
    assert formula(Objective.SHARPE, {}) == "Sharpe ratio"
    text = formula(Objective.WEIGHTED, {"sharpe": 0.6, "cagr": 0.4, "calmar": 0.0})
    assert text.startswith("0.6 x Sharpe ratio + 0.4 x Annual return (CAGR) / 10%;")
    assert "Calmar" not in text


def test_a_row_is_stored_like_the_metrics_of_a_backtest() -> None:
    names = FIGURES.names or ()
    values = {name: number / 8 for number, name in enumerate(names, 1)} | {"trades": 7}
    figures = as_dict(rows(values)[0])
    metrics = Metrics(**dict.fromkeys(Metrics.__slots__) | values).as_dict()  # type: ignore[arg-type]  # figures only
    assert figures == {name: metrics[name] for name in names} == values
    assert as_dict(rows({})[0]) == dict.fromkeys(names) | {"trades": 0}
