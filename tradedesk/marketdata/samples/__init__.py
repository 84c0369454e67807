"""The sample bars that come with the desk; README.md in this folder names their source."""

from datetime import date
from pathlib import Path

from tradedesk.core.bars import Bars
from tradedesk.marketdata.store import decode

FOLDER = Path(__file__).parent
FIRST_SESSION = date(2000, 3, 1)
LAST_SESSION = date(2013, 3, 1)
# store.fingerprint_of the bars of each file. A test builds them again from their source.
FINGERPRINTS = {
    "AAPL": "4c15c233eb72ce6f657574d5947e92d3958db13ecfbc9a647ce209a70976fcf6",
    "FB": "0c7f60e5ad56d62b142610e57ca30f6c48f655391cd56cbf893b5db33d3b4a5a",
    "GOOG": "c9c24d418dfe9f8aa93bf7b05b2ad5676a7425855d33176f353915ef4a4512f2",
    "IBM": "138c1ba2125e96738d42a4c73a876911d19360837827b2567d83d6bfaa9069ce",
    "MSFT": "c61fdc5f4a3effce901fea16b6df4fa1ef71b3ce1d90c6126025c647bc590c4b",
}


def sample_bars(symbol: str) -> Bars:
    """The daily bars of a symbol in FINGERPRINTS."""
    return decode((FOLDER / f"{symbol}.parquet").read_bytes())
