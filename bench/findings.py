"""How often the findings about bars are wrong: python -m bench.findings prints the tables of decision 17."""

import os
import sys

import django
import numpy as np

SEED, SERIES, SPLITS = 17, 60, 40
KINDS = [(None, 0.02), (None, 0.05), (5, 0.02), (5, 0.03), (5, 0.05), (3, 0.02), (3, 0.03), (3, 0.05)]
RATIOS = (1.5, 2, 3, 4, 10, 20, 1 / 2, 1 / 10)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.test")
    django.setup()
    from tradedesk.core.bars import Bars, to_datetime
    from tradedesk.marketdata.quality import findings_of

    rng = np.random.default_rng(SEED)
    times = np.datetime64("2000-01-03T05:00", "us") + np.arange(5_000) * np.timedelta64(1, "D")
    times = times[np.is_busday(times.astype("datetime64[D]"))]

    def walk(count: int, daily: float, tails: int | None, night: float) -> Bars:
        """A walk whose volatility changes; night: the part of the variance between close and open."""
        size = (2, count)
        moves = (
            rng.standard_normal(size)
            if tails is None
            else rng.standard_t(tails, size) / (tails / (tails - 2)) ** 0.5
        )
        level = np.zeros(count)
        for row in range(1, count):
            level[row] = 0.97 * level[row - 1] + 0.1 * rng.standard_normal()
        spread = daily * np.exp(level)
        over_night, day = moves[0] * spread * night**0.5, moves[1] * spread * (1 - night) ** 0.5
        close = np.cumsum(over_night + day)
        opened = close - day
        wicks = np.abs(rng.standard_normal(size)) * spread * 0.4
        high, low = np.maximum(opened, close) + wicks[0], np.minimum(opened, close) - wicks[1]
        volume = np.exp(rng.normal(14, 0.5, count) + 0.3 * np.abs(over_night + day) / spread)
        prices = [100 * np.exp(np.clip(column, -300, 300)) for column in (opened, high, low, close)]
        return Bars(times[:count], *[*prices, volume])

    sys.stdout.write("| daily move | tails | 30% over night | 70% over night |\n| --- | --- | --- | --- |\n")
    for tails, daily in KINDS:
        wrong = [
            sum(
                any(found.hard for found in findings_of(walk(3_000, daily, tails, night), "1Day", adjusted=True))
                for _ in range(SERIES)
            )
            for night in (0.3, 0.7)
        ]
        name = f"t({tails})" if tails else "normal"
        sys.stdout.write(f"| {daily:.0%} | {name} | {wrong[0]} of {SERIES} | {wrong[1]} of {SERIES} |\n")

    names = " | ".join(f"{r:g}:1" if r > 1 else f"1:{1 / r:g}" for r in RATIOS)
    sys.stdout.write(f"\n| daily move | {names} |\n|{' --- |' * (len(RATIOS) + 1)}\n")
    for daily in (0.01, 0.02, 0.03, 0.04, 0.06):
        cells = []
        for ratio in RATIOS:
            hits = 0
            for _ in range(SPLITS):
                bars, row = walk(500, daily, 5, 0.3), int(rng.integers(3, 497))
                factor = np.where(np.arange(500) < row, ratio, 1.0)
                prices = [column * factor for column in bars.values()[:4]]
                found = findings_of(Bars(bars.time, *[*prices, bars.volume / factor]), "1Day", adjusted=True)
                starts = {span.start for each in found if each.name == "split" for span in each.spans}
                hits += to_datetime(bars.time[row]) in starts
            cells.append(f"{hits / SPLITS:.0%}")
        sys.stdout.write(f"| {daily:.0%} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
