"""What a split or a change of symbol does to the desk's shares, and when that is not certain. Pure."""

from decimal import Decimal
from fractions import Fraction

import pytest

from livetrading.brokers.protocol import BrokerActivity
from livetrading.pipeline.splits import Change, change_of
from tests.livetrading.made_bars import TIMES


def split(quantity: object, *, before: object = None, ratio: Fraction | None = None) -> BrokerActivity:
    return BrokerActivity(
        activity_id="1",
        kind="split",
        time=TIMES[0],
        symbol="W",
        quantity=Decimal(str(quantity)),
        shares_before=None if before is None else Decimal(str(before)),
        ratio=ratio,
    )


def ratio_of(activity: BrokerActivity, held: object, after: object) -> Fraction | None:
    found = change_of(activity, {"W": Decimal(str(held))}, {"W": Decimal(str(after))})
    return None if found is None else found.ratio


@pytest.mark.parametrize(
    ("held", "came", "ratio"),
    [
        (100, 100, Fraction(2)), (100, 50, Fraction(3, 2)), (100, 25, Fraction(5, 4)), (30, 10, Fraction(4, 3)),
        (100, 1900, Fraction(20)), (10, 490, Fraction(50)), ("0.6", "0.6", Fraction(2)),
        (5, "2.5", Fraction(3, 2)),
        (100, -90, Fraction(1, 10)), (1, "-0.9", Fraction(1, 10)), (105, "-94.5", Fraction(1, 10)),
    ],
)  # fmt: skip
def test_the_ratio_follows_from_the_shares(held: object, came: object, ratio: Fraction) -> None:
    after = Decimal(str(held)) + Decimal(str(came))
    assert ratio_of(split(came), held, after) == ratio
    assert ratio_of(split(came, before=held), held, after) == ratio


@pytest.mark.parametrize(
    ("held", "came"),
    [
        (1, 1),  # 2 for 1, or 5 for 2 with half a share in cash
        (3, 1),  # 4 for 3, or 3 for 2 with a part in cash
        (9, -8),  # 1 for 9, or 1 for 5 with a part in cash
        (1004, -904),  # 1 for 10 with a part in cash
        (100, 37),  # no usual ratio
        (100, -100), (100, 0),
    ],
)  # fmt: skip
def test_what_several_ratios_or_none_explain_is_not_certain(held: int, came: int) -> None:
    assert ratio_of(split(came), held, held + came) is None


def test_a_stated_ratio_decides_and_has_to_fit() -> None:
    assert ratio_of(split(1, ratio=Fraction(2)), 1, 2) == 2
    assert ratio_of(split(-900, ratio=Fraction(1, 10)), 1000, 100) == Fraction(1, 10)
    assert ratio_of(split(100, ratio=Fraction(3)), 100, 200) is None


def test_shares_that_are_not_all_of_the_desk_do_not_fit() -> None:
    assert ratio_of(split(150), 100, 300) is None  # 50 more were held
    assert ratio_of(split(100), 100, 100) is None  # the position does not have it yet
    assert ratio_of(split(-135, before=150), 100, 15) is None


def test_a_change_of_symbol_moves_all_shares_or_is_not_certain() -> None:
    held = {"W": Decimal(100)}
    change = BrokerActivity(
        activity_id="1", kind="symbol_change", time=TIMES[0], symbol="W", new_symbol="WW", quantity=Decimal(100)
    )
    assert change_of(change, held, {"WW": Decimal(100)}) == Change("W", "WW")
    assert change_of(change, held, {"WW": Decimal(150)}) is None
    assert change_of(change, held, {"W": Decimal(100)}) is None
    assert change_of(change, held | {"WW": Decimal(5)}, {"WW": Decimal(100)}) is None
    assert change_of(change, {"W": Decimal(50)}, {"WW": Decimal(50)}) is None


def test_prices_and_shares_change_to_the_last_decimal() -> None:
    change = Change("W", "W", Fraction(3, 2))
    assert (change.shares(Decimal(7)), change.paid(Decimal(10))) == (Decimal("10.5"), Decimal("6.666667"))
    assert change.price(None) is None
