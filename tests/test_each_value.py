"""The choice of combinations that the usual suite runs."""

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tests.each_value import covering

rows = st.lists(st.fixed_dictionaries({name: st.sampled_from("xyz") for name in "abc"}), max_size=20)


def test_of_all_combinations_of_three_pairs_of_values_two_are_enough() -> None:
    assert covering({"a": a, "b": b, "c": c} for a, b, c in product("xy", repeat=3)) == {0, 7}


def test_the_values_of_the_shorter_list_are_spread() -> None:
    """Thirteen kinds with three counts: each count meets several kinds, not one."""
    made = [{"kind": str(kind), "count": count} for kind in range(13) for count in "xyz"]
    chosen = [made[place] for place in covering(made)]
    assert len(chosen) == 13
    assert sorted(Counter(row["count"] for row in chosen).values()) == [4, 4, 5]


@given(rows)
def test_every_value_that_there_is_occurs(made: list[dict[str, str]]) -> None:
    chosen = [made[place] for place in covering(made)]
    assert {item for row in chosen for item in row.items()} == {item for row in made for item in row.items()}
