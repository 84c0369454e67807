"""The heat map of a search, against a plain computation."""

from statistics import median

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.heat_map import MAX_CELLS, Axis, heat_map, sample_rows
from tradedesk.core.bars import Floats

NAN = float("nan")
POINTS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.integers(0, 4),
        st.one_of(st.just(NAN), st.floats(-5, 5).map(lambda score: round(score, 3))),
    ),
    min_size=1,
    max_size=60,
)


def columns(points: list[tuple[int, int, float]]) -> tuple[Floats, Floats, Floats]:
    x, y, score = (np.array(column, np.float64) for column in zip(*points, strict=True))
    return x, y, score


@given(POINTS)
def test_a_cell_has_the_best_or_the_median_score_of_its_combinations(points: list[tuple[int, int, float]]) -> None:
    x, y, score = columns(points)
    best, medians = (heat_map(x, y, score, best=which) for which in (True, False))
    for row, (least_y, _) in enumerate(best.y.ends):
        for column, (least_x, _) in enumerate(best.x.ends):
            known = [s for px, py, s in points if (px, py) == (least_x, least_y) and s == s]
            assert best.counts[row, column] == len(known)
            assert best.tried[row, column] == sum((px, py) == (least_x, least_y) for px, py, _ in points)
            for found, expected in ((best, max), (medians, median)):
                cell = found.cells[row, column]
                assert np.isnan(cell) if not known else np.isclose(cell, expected(known), atol=1e-12)


def test_too_many_values_are_grouped_with_their_neighbours() -> None:
    axis = Axis.of(np.arange(10, 110, dtype=np.float64), most=40)
    assert axis.ends[0].tolist() == [10, 12]
    assert axis.ends[-1].tolist() == [109, 109]
    assert len(axis.ends) == 34
    assert axis.place[:4].tolist() == [0, 0, 0, 1]


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=300))
def test_every_value_is_between_the_ends_of_its_group(values: list[int]) -> None:
    axis = Axis.of(np.array(values, np.float64))
    assert len(axis.ends) <= MAX_CELLS
    ends = axis.ends[axis.place]
    assert np.all((ends[:, 0] <= values) & (values <= ends[:, 1]))


def test_a_search_without_a_score_has_axes_and_empty_cells() -> None:
    found = heat_map(np.array([1.0, 2.0]), np.array([3.0, 3.0]), np.array([NAN, NAN]), best=True)
    assert np.isnan(found.cells).tolist() == [[True, True]]
    assert found.counts.tolist() == [[0, 0]]


@given(st.lists(st.one_of(st.just(NAN), st.floats(-9, 9)), max_size=80), st.integers(2, 20))
def test_a_sample_is_ascending_and_ends_with_the_best(scores: list[float], most: int) -> None:
    score = np.array(scores, np.float64)
    known = score[np.isfinite(score)]
    drawn = score[sample_rows(score, most)]
    assert len(drawn) == min(len(known), most)
    assert np.all(np.diff(drawn) >= 0)
    if len(known):
        assert (drawn[-1], drawn[0]) == (known.max(), known.min())
