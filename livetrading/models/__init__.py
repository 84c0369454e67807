from livetrading.models.account import AccountActivity, BrokerAccount, ConnectionTest
from livetrading.models.account_day import AccountDay
from livetrading.models.account_rule import AccountRule, SymbolSector
from livetrading.models.carried_evidence import CarriedEvidence
from livetrading.models.comparison import ComparedFill, Comparison
from livetrading.models.daily_summary import DailySummary, StrategySession, SummarizedSession
from livetrading.models.decision import BarDecision
from livetrading.models.decision_replay import DecisionDifference, DecisionReplay
from livetrading.models.halt import Halt
from livetrading.models.incident import Incident
from livetrading.models.live_strategy import LiveStrategy
from livetrading.models.market_time import MarketDay, TimeComparison
from livetrading.models.order import Fill, Order, OrderState
from livetrading.models.paper_book import PaperAccount, PaperFill, PaperOrder
from livetrading.models.position import LivePosition, PaperPosition
from livetrading.models.promotion import Promotion
from livetrading.models.signal import SignalHistory
from livetrading.models.trade import LiveTrade, PaperTrade
from livetrading.models.trade_stream import TradeStream

__all__ = [
    "AccountActivity",
    "AccountDay",
    "AccountRule",
    "BarDecision",
    "BrokerAccount",
    "CarriedEvidence",
    "ComparedFill",
    "Comparison",
    "ConnectionTest",
    "DailySummary",
    "DecisionDifference",
    "DecisionReplay",
    "Fill",
    "Halt",
    "Incident",
    "LivePosition",
    "LiveStrategy",
    "LiveTrade",
    "MarketDay",
    "Order",
    "OrderState",
    "PaperAccount",
    "PaperFill",
    "PaperOrder",
    "PaperPosition",
    "PaperTrade",
    "Promotion",
    "SignalHistory",
    "StrategySession",
    "SummarizedSession",
    "SymbolSector",
    "TimeComparison",
    "TradeStream",
]
