import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.marketdata.examples import any_bars, daily_bars
from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata.merging import merge_bars


def rows(bars: Bars) -> dict[int, tuple[float, ...]]:
    times = bars.time.astype(np.int64).tolist()
    assert len(set(times)) == len(times)
    return dict(zip(times, zip(*(getattr(bars, name).tolist() for name in COLUMNS[1:]), strict=True), strict=True))


def same_values(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two rows have the same six first digits."""
    return all(
        abs(a - b) < 10.0 ** (np.floor(np.log10(max(a, b))) - 5) for a, b in zip(one, other, strict=True) if a != b
    )


@given(any_bars(), any_bars(), st.data())
def test_it_equals_the_union_of_two_dictionaries(stored: Bars, new: Bars, data: st.DataObject) -> None:
    overlap = data.draw(st.lists(st.integers(0, len(stored) - 1), unique=True))
    times = np.unique(np.concatenate((new.time, stored.time[overlap])))
    new = Bars(times, *(np.resize(getattr(new, name), len(times)) for name in COLUMNS[1:]))
    merged = merge_bars(stored, new)
    before, after = rows(stored), rows(new)
    # What differs in the seventh digit only stays as it was.
    after |= {
        time: before[time] for time in before.keys() & after.keys() if same_values(before[time], after[time])
    }
    assert rows(merged.bars) == {time: (before | after)[time] for time in sorted(before | after)}
    assert list(rows(merged.bars)) == sorted(before | after)
    assert merged.added == len(after.keys() - before.keys())
    assert merged.changed.astype(np.int64).tolist() == sorted(
        time for time in before.keys() & after.keys() if before[time] != after[time]
    )


def test_later_bars_are_appended() -> None:
    bars = daily_bars(10)
    merged = merge_bars(bars[:6], bars[4:])
    assert rows(merged.bars) == rows(bars)
    assert (merged.added, len(merged.changed)) == (4, 0)
