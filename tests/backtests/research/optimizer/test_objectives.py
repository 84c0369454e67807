"""What makes one combination better than another; the weighted score by hand."""

import numpy as np
import pytest

from backtests.research.optimizer.figures import FIGURES, NAMES, Figures, as_json
from backtests.research.optimizer.objectives import WEIGHTS, Objective, eligible, formula, scores
from tradedesk.core.metrics import Metrics


def rows(*given: dict[str, float]) -> Figures:
    """Rows that have these figures; the others are not defined."""
    table = np.empty(len(given), FIGURES)
    for row, values in zip(table, given, strict=True):
        for name in FIGURES.names or ():
            row[name] = values.get(name, 0 if name == "trades" else np.nan)
    return table


@pytest.mark.parametrize("objective", [each for each in Objective if each is not Objective.WEIGHTED])
def test_a_plain_objective_is_the_figure_itself(objective: Objective) -> None:
    score = scores(rows({objective.value: 1.5}, {}), objective, {})
    assert score[0] == 1.5
    assert np.isnan(score[1])


def test_the_weighted_score_adds_up_as_its_formula_says() -> None:
    table = rows({"sharpe": 1.2, "sortino": 2.0, "calmar": 0.5, "cagr": 0.15, "profit_factor": 1.8})
    by_hand = 0.4 * 1.2 + 0.2 * 2.0 + 0.2 * 0.5 + 0.1 * 1.5 + 0.1 * 1.8
    assert scores(table, Objective.WEIGHTED, WEIGHTS)[0] == pytest.approx(by_hand)


def test_in_a_weighted_score_each_part_is_bounded_and_what_is_undefined_counts_nothing() -> None:
    table = rows({"sharpe": 40.0}, {"sharpe": -40.0}, {"sortino": 1.0}, {})
    score = scores(table, Objective.WEIGHTED, {"sharpe": 1.0, "sortino": 0.5})
    assert score[:3].tolist() == [5.0, -5.0, 0.5]
    assert np.isnan(score[3])


def test_only_rows_with_a_score_and_enough_trades_may_stand_first() -> None:
    table = rows({"sharpe": 3.0, "trades": 2}, {"sharpe": 1.0, "trades": 10}, {"trades": 50})
    table["exposure"] = 0.5
    assert eligible(table, table["sharpe"], 10).tolist() == [False, True, False]


def test_what_never_held_anything_does_not_stand_first_whatever_it_is_ranked_by() -> None:
    """As with fewer bars than its warm-up: its return is 0, which beats every loss."""
    table = rows({"cagr": 0.0, "exposure": 0.0}, {"cagr": -0.1, "exposure": 0.2})
    assert eligible(table, table["cagr"], 0).tolist() == [False, True]


def test_the_formula_is_shown_in_words() -> None:
    assert formula(Objective.SHARPE, {}) == "Sharpe ratio"
    words = formula(Objective.WEIGHTED, {"sharpe": 0.6, "cagr": 0.4, "calmar": 0.0})
    assert words.startswith("0.6 x Sharpe ratio + 0.4 x Return a year (CAGR) / 10%;")
    assert "Calmar" not in words


def test_a_row_is_written_as_the_metrics_of_a_backtest_are() -> None:
    names = {name: number / 8 for number, name in enumerate(NAMES, 1)} | {"trades": 7}
    figures = as_json(rows(names)[0])
    unset = dict.fromkeys(Metrics.__slots__)
    metrics = Metrics(**unset | names).as_json()  # type: ignore[arg-type]  # figures alone, of the right types
    assert figures == {name: metrics[name] for name in figures}
    assert as_json(rows({})[0]) == dict.fromkeys(NAMES.values()) | {"num_trades": 0}
