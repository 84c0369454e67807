"""The kinds of account rules. Each is declared once: forms, API, page, defaults and evaluation are made from
it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tradedesk.core.declarations import Unit


class Compare(StrEnum):
    """How a reading is compared with the limit."""

    AT_MOST = "at most"  # an entry must not bring it above the limit
    BELOW = "below"  # the limit itself is reached: a loss
    AT_LEAST = "at least"


class Values(StrEnum):
    """What a rule holds: a limit, a list of symbols, or a time of day with a beginning and an end."""

    LIMIT = "limit"
    SYMBOLS = "symbols"
    WINDOW = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKind:
    """low, high: bounds of the limit, inclusive. default: of a new rule. on: whether a new account has it. stops:
    whether it stops the trading of the account when it is reached (kill switch). about: what the reading is, in a
    sentence "... is 62.0%; the limit is 60.0%"."""

    key: str
    label: str
    help: str
    about: str = ""
    unit: Unit = Unit.COUNT
    compare: Compare = Compare.AT_MOST
    values: Values = Values.LIMIT
    low: float = 1
    high: float = 1e9
    default: float | None = None
    on: bool = False
    stops: bool = False

    @property
    def trips(self) -> bool:
        """Whether it is a loss that is looked at at every tick, and reported once when it is reached."""
        return self.compare is Compare.BELOW


_EXPOSURE = "The value of what is held and ordered, as a part of the equity"

_DECLARED = (
    RuleKind(
        key="open_positions",
        label="Max open positions",
        help="Symbols that are held or ordered, over all strategies of the account.",
        about="The number of positions with this entry",
        high=10_000,
        default=50,
        on=True,
    ),
    RuleKind(
        key="exposure_total",
        label="Total exposure",
        help=f"{_EXPOSURE}. Above 100% is borrowed money.",
        about="The total exposure with this entry",
        unit=Unit.FRACTION,
        low=0.01,
        high=10,
        default=2.0,
        on=True,
    ),
    RuleKind(
        key="exposure_symbol",
        label="Exposure of one symbol",
        help=f"{_EXPOSURE}, for each symbol.",
        about="The exposure of {symbol} with this entry",
        unit=Unit.FRACTION,
        low=0.001,
        high=10,
        default=0.6,
        on=True,
    ),
    RuleKind(
        key="exposure_sector",
        label="Exposure of one sector",
        help=f"{_EXPOSURE}, for each sector of your list. Symbols without a sector are not limited.",
        about="The exposure of the sector {sector} with this entry",
        unit=Unit.FRACTION,
        low=0.001,
        high=10,
        default=0.5,
    ),
    RuleKind(
        key="order_value",
        label="Order value",
        help="The shares of an entry at the last price.",
        about="The value of this order",
        unit=Unit.DOLLARS,
        default=50_000,
    ),
    RuleKind(
        key="orders_per_day",
        label="Orders per day",
        help="Entry orders of one day in New York that the desk did not hold back.",
        about="The number of entry orders today, with this one,",
        high=100_000,
        default=1_000,
        on=True,
    ),
    RuleKind(
        key="orders_per_minute",
        label="Orders per minute",
        help="Entry orders of one minute of market time that the desk did not hold back.",
        about="The number of entry orders in a minute, with this one,",
        high=10_000,
        default=200,
        on=True,
    ),
    RuleKind(
        key="daily_loss_dollars",
        label="Daily loss limit ($)",
        help="Realized and open, since the last report of the day before. Once it is reached, there are no "
        "entries until the next day.",
        about="Today's loss of the account",
        unit=Unit.DOLLARS,
        compare=Compare.BELOW,
        default=5_000,
    ),
    RuleKind(
        key="daily_loss_pct",
        label="Daily loss limit (%)",
        help="The same, as a part of the equity at the start of the day.",
        about="Today's loss of the account",
        unit=Unit.FRACTION,
        compare=Compare.BELOW,
        low=0.001,
        high=1,
        default=0.10,
        on=True,
    ),
    RuleKind(
        key="max_drawdown_dollars",
        label="Max drawdown limit ($)",
        help="Equity below its peak, open losses included. Reached, it stops the account until you lift the halt.",
        about="The drawdown of the account",
        unit=Unit.DOLLARS,
        compare=Compare.BELOW,
        default=25_000,
        stops=True,
    ),
    RuleKind(
        key="max_drawdown_pct",
        label="Max drawdown limit (%)",
        help="The same, as a part of the peak.",
        about="The drawdown of the account",
        unit=Unit.FRACTION,
        compare=Compare.BELOW,
        low=0.001,
        high=1,
        default=0.25,
        on=True,
        stops=True,
    ),
    RuleKind(
        key="blocked_symbols",
        label="Blocked symbols",
        help="No entry in these symbols.",
        values=Values.SYMBOLS,
    ),
    RuleKind(
        key="trading_window",
        label="Trading window",
        help="Entries only between these times in New York. A strategy on daily bars decides at the close, 16:00: "
        "its entries need a window that ends later.",
        values=Values.WINDOW,
    ),
    RuleKind(
        key="min_price",
        label="Minimum price",
        help="The last price of a share.",
        about="The last price of {symbol}",
        unit=Unit.DOLLARS,
        compare=Compare.AT_LEAST,
        low=0.01,
        high=1e6,
        default=1,
        on=True,
    ),
    RuleKind(
        key="min_average_volume",
        label="Minimum average volume",
        help="Shares of a bar, the average of the last 20 bars. Bars without a volume are refused.",
        about="The average volume of {symbol} over 20 bars",
        compare=Compare.AT_LEAST,
        high=1e12,
        default=100_000,
    ),
    RuleKind(
        key="price_collar",
        label="Price collar",
        help="How far the last price may be from the close of the bar that gave the signal.",
        about="The distance of the last price of {symbol} from the close of its bar",
        unit=Unit.FRACTION,
        low=0.001,
        high=1,
        default=0.10,
        on=True,
    ),
)
KINDS = {kind.key: kind for kind in _DECLARED}


def kind_choices() -> list[tuple[str, str]]:
    """The choices of a column: as a function, so that a new kind needs no migration."""
    return [(kind.key, kind.label) for kind in _DECLARED]


def default_limit(kind: RuleKind) -> Decimal | None:
    return None if kind.default is None else Decimal(str(kind.default))
