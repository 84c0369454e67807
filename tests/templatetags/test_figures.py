from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.declarations import Unit
from tradedesk.core.rules import COSTS, RULES
from tradedesk.templatetags import figures
from tradedesk.templatetags.figures import Figure

FIGURES: list[Callable[[Figure], str]] = [
    figures.money,
    figures.signed_money,
    figures.price,
    figures.percent,
    figures.signed_percent,
    figures.ratio,
    figures.quantity,
]
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("missing", [None, "", float("nan"), float("inf"), Decimal("NaN")])
def test_a_missing_value_is_a_dash(figure: Callable[[Figure], str], missing: Figure) -> None:
    assert figure(missing) == "—"


@pytest.mark.parametrize("figure", FIGURES)
def test_what_is_not_a_number_is_refused(figure: Callable[[Figure], str]) -> None:
    with pytest.raises(ValueError, match="twelve"):
        figure("twelve")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "$0.00"),
        (1234.5, "$1,234.50"),
        (Decimal("-1234567.891"), "−$1,234,567.89"),
        (Decimal("0.005"), "$0.01"),
        (Decimal("-0.004"), "$0.00"),
        (1e300, f"${10**300:,}.00"),
    ],
)
def test_money(value: Figure, written: str) -> None:
    # The digits of 1e300 are those of the shortest text of that float, followed by zeros.
    assert figures.money(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(12.4, "+$12.40"), (-12.4, "−$12.40"), (0, "$0.00"), (0.001, "$0.00"), (-0.001, "$0.00")],
)
def test_signed_money_has_a_sign_unless_it_rounds_to_zero(value: Figure, written: str) -> None:
    assert figures.signed_money(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(189.2, "189.20"), (Decimal("27.553214"), "27.55"), (0.355, "0.3550"), (1, "1.00"), (1234.5, "1,234.50")],
)
def test_price_has_two_decimals_and_four_below_a_dollar(value: Figure, written: str) -> None:
    assert figures.price(value) == written


def test_percent_of_a_fraction() -> None:
    assert figures.percent(0.0124) == "1.24%"
    assert figures.percent(-12.5) == "−1,250.00%"
    assert figures.signed_percent(0.0124) == "+1.24%"
    assert figures.signed_percent(-0.0124) == "−1.24%"
    assert figures.signed_percent(0) == "0.00%"


def test_whole_dollars_and_weekdays() -> None:
    assert [figures.whole_dollars(value) for value in (9036.05, -0.4, None)] == ["$9,036", "$0", "—"]
    # The evening in New York is the next day in UTC.
    assert figures.ny_weekday(datetime(2012, 3, 6, 1, tzinfo=UTC)) == "Mon"
    assert figures.ny_weekday(None) == "—"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("position_size_pct", 0.02, "2.00%"),
        ("max_position_size", Decimal("12500.000000"), "$12,500.00"),
        ("max_position_size", None, "Off"),
        ("max_positions", 5, "5"),
        ("fractional", True, "Yes"),
        ("fractional", False, "No"),
        ("take_profit_pct", None, "Off"),
        ("take_profit_pct", 12.5, "1,250.00%"),
        ("signal_threshold", 0.6, "0.60"),
        ("signal_threshold", 0, "0.00"),
        ("daily_loss_limit", 500.0, "$500.00"),
        ("commission_bps", 2.5, "2.5 bps"),
        ("slippage_bps", 0.0, "0 bps"),
        ("commission_per_order", 1.0, "$1.00"),
        ("commission_per_share", 0.0035, "$0.0035"),
    ],
)
def test_a_rule_is_shown_in_its_unit(name: str, value: object, shown: str) -> None:
    assert figures.rule_value((RULES | COSTS)[name], value) == shown


def test_there_is_an_example_of_every_unit() -> None:
    units = {rule.unit for rule in (RULES | COSTS).values()}
    assert units == set(Unit)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("10.500000"), "10.5"),
        (100, "100"),
        (0, "0"),
        (1500.25, "1,500.25"),
        (Decimal("0.000001"), "0.000001"),
    ],
)
def test_quantity_has_no_trailing_zeros(value: Figure, written: str) -> None:
    assert figures.quantity(value) == written


def test_ratio() -> None:
    assert figures.ratio(1.234) == "1.23"
    assert figures.ratio(-0.5) == "−0.50"


@given(amounts)
def test_money_is_the_amount_rounded_to_cents(amount: Decimal) -> None:
    written = figures.money(amount)
    assert Decimal(written.replace("$", "").replace(",", "").replace(figures.MINUS, "-")) == amount.quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )


@given(amounts)
def test_a_figure_has_a_sign_if_it_does_not_round_to_zero(amount: Decimal) -> None:
    written = figures.signed_money(amount)
    assert (written[0] in f"+{figures.MINUS}") == any(digit in written for digit in "123456789")
    assert amount < 0 or not written.startswith(figures.MINUS)


@given(amounts)
def test_quantity_shows_all_decimals(quantity: Decimal) -> None:
    assert Decimal(figures.quantity(quantity).replace(",", "").replace(figures.MINUS, "-")) == quantity


@pytest.mark.parametrize(
    ("value", "name"), [(1, "gain"), (-0.00001, "loss"), (0, "flat"), (None, "flat"), (Decimal("0E-6"), "flat")]
)
def test_signed_class(value: Figure, name: str) -> None:
    assert figures.signed_class(value) == name


# The closes of the NYSE on 2012-03-05 (winter time) and on 2012-07-05 (summer time).
@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2012, 3, 5, 21, tzinfo=UTC), "2012-03-05 16:00"),
        (datetime(2012, 7, 5, 20, tzinfo=UTC), "2012-07-05 16:00"),
        (datetime(2012, 3, 6, 6, tzinfo=timezone(timedelta(hours=9))), "2012-03-05 16:00"),
    ],
)
def test_a_time_is_shown_in_new_york_time(moment: datetime, written: str) -> None:
    assert figures.ny_time(moment) == written
    assert figures.ny_date(moment) == written[:10]


def test_a_date_does_not_change() -> None:
    assert figures.ny_date(date(2012, 3, 5)) == "2012-03-05"


def test_a_missing_time_is_a_dash() -> None:
    assert figures.ny_time(None) == figures.ny_date(None) == figures.moment(None) == "—"


@pytest.mark.parametrize("show", [figures.ny_time, figures.ny_date, figures.moment])
def test_a_naive_time_is_refused(show: Callable[[datetime], str]) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        show(datetime(2012, 3, 5, 21))  # noqa: DTZ001 - naive on purpose


def test_a_time_element_has_the_exact_time() -> None:
    assert figures.moment(datetime(2012, 3, 5, 21, tzinfo=UTC)) == (
        '<time datetime="2012-03-05T21:00:00+00:00" data-local>2012-03-05 16:00</time>'
    )


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ("−$1,234,567.89", ""),
        ("$12,345,678.90", ""),
        ("+$12,345,678.90", "+$12.35M"),
        ("$999,999,999.99", "$1.00B"),
        ("+1,234,567,890.12%", "+1.23B%"),
        ("5,000,000,000,000.00", "5.00T"),
        ("3,400,000,000,000,000.00", "3.40e+15"),
        ("a sentence of many words", ""),
        ("—", ""),
    ],
)
def test_a_figure_wider_than_its_box_is_compact_with_its_value_in_the_title(written: str, short: str) -> None:
    expected = f'<span title="{written}">{short}</span>' if short else written
    assert figures.fitted(written) == expected


@given(st.floats(-1e300, 1e300))
def test_every_fitted_figure_fits(value: float) -> None:
    for figure in FIGURES:
        text = figures.fitted(figure(value))
        assert len(text.removesuffix("</span>").split(">")[-1]) <= figures.FITS


def test_a_missing_yearly_figure_says_that_the_period_is_too_short() -> None:
    assert figures.or_too_short("—", 90) == figures.or_too_short("—", None) == "—"
    assert figures.or_too_short("1.20", 89) == "1.20"
    assert figures.TOO_SHORT in figures.or_too_short("—", 89)
