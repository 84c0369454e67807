// Trades on a price chart: a line from entry to exit in the colour of their result, stop and target of the chosen one,
// and the lines of open positions up to the last bar.
import { css } from "./theme.js";

const WITHIN = 1.5; // a level within this factor of its entry widens the price scale
const near = (level, entry) => level && level < entry * WITHIN && level > entry / WITHIN;

export class Trades {
  // trades: [{from, to, entry, exit, stop, target, pnl, open}] in the order of time; from and to are indexes of bars,
  // exit is null while it is open
  constructor() {
    this.trades = [];
    this.chosen = null;
    const renderer = { draw: (target) => target.useMediaCoordinateSpace((scope) => this.draw(scope)) };
    this.views = [{ zOrder: () => "top", renderer: () => renderer }];
  }

  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }

  paneViews() {
    return this.views;
  }

  fill(trades) {
    this.trades = trades;
    this.chosen = trades.find((trade) => trade.id === this.chosen?.id) ?? null;
    this.requestUpdate?.();
  }

  // The last trade that was held at an index.
  at(index) {
    return this.trades.findLast((trade) => trade.from <= index && index <= trade.to);
  }

  choose(trade) {
    this.chosen = trade ?? null;
    this.requestUpdate();
  }

  // The levels that must be seen: those of the chosen trade and of open positions.
  levels() {
    // On a phone the target is left out: it would flatten the candles.
    const narrow = this.chart.timeScale().width() < 420;
    return this.trades
      .filter((trade) => trade === this.chosen || trade.open)
      .flatMap(({ entry, stop, target }) => [entry, stop, narrow ? null : target].filter((level) => near(level, entry)));
  }

  autoscaleInfo() {
    const levels = this.levels();
    return levels.length ? { priceRange: { minValue: Math.min(...levels), maxValue: Math.max(...levels) } } : null;
  }

  draw({ context, mediaSize }) {
    const scale = this.chart.timeScale();
    const x = (index) => scale.logicalToCoordinate(index);
    const y = (price) => this.series.priceToCoordinate(price);
    const line = (fromX, fromY, toX, toY, color, width, dash) => {
      if (fromY === null || toY === null) return;
      context.strokeStyle = css(color);
      context.lineWidth = width;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(fromX, fromY);
      context.lineTo(toX, toY);
      context.stroke();
    };
    for (const trade of this.trades) {
      const [left, right] = [x(trade.from), x(trade.to)];
      if (right < 0 || left > mediaSize.width) continue;
      const isChosen = trade === this.chosen;
      if (!trade.open) {
        const color = trade.pnl < 0 ? "--chart-down" : "--chart-up";
        line(left, y(trade.entry), right, y(trade.exit), color, isChosen ? 2 : 1, isChosen ? [] : [3, 3]);
      } else {
        line(left, y(trade.entry), right, y(trade.entry), "--chart-own", 1.5, []);
      }
      if (!isChosen && !trade.open) continue;
      if (trade.stop) line(left, y(trade.stop), right, y(trade.stop), "--chart-down", 1, [3, 3]);
      if (trade.target) line(left, y(trade.target), right, y(trade.target), "--chart-up", 1, [3, 3]);
    }
  }
}
