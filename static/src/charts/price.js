// Prices: candles, volume, the lines of indicators, fills, trades and open positions.
import { CandlestickSeries, createSeriesMarkers, HistogramSeries, PriceLineSource } from "lightweight-charts";
import { css, lineColor } from "./theme.js";
import * as format from "./format.js";
import { addLine, addSeries, points } from "./series.js";
import { Trades } from "./trades.js";
import { addTooltip } from "./tooltip.js";
import { element } from "./dom.js";

const VOLUME = "volume"; // its own scale, over the foot of the candles

const rowsOf = (columns) =>
  (columns?.[Object.keys(columns)[0]] ?? []).map((_, index) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[index]])),
  );

function candles({ bars, unit }) {
  return bars.time.map((time, index) => ({
    time: format.chartTime(time, unit),
    open: bars.open[index],
    high: bars.high[index],
    low: bars.low[index],
    close: bars.close[index],
  }));
}

const volumes = ({ bars, unit }) => (bars.volume ? points(bars.time, bars.volume, unit) : []);

function ohlc(price) {
  return (bar, before) => {
    const change = (bar.close / (before?.close ?? bar.open) - 1) * 100;
    return {
      parts: [["O", price(bar.open)], ["H", price(bar.high)], ["L", price(bar.low)], ["C", price(bar.close)]],
      text: format.signedPercent(change),
      tone: change < 0 ? "loss" : "gain",
    };
  };
}

// Where a time of the data lies on the time scale.
const placeOf = (view, time, unit) => view.chart.timeScale().timeToIndex(format.chartTime(time, unit), true);

function tradesOf(view, data) {
  return rowsOf(data.trades).map((trade) => ({
    ...trade,
    open: trade.exit_time === null,
    from: placeOf(view, trade.entry_time, data.unit),
    to: trade.exit_time === null ? data.bars.time.length - 1 : placeOf(view, trade.exit_time, data.unit),
  }));
}

function fillMarkers(view) {
  return view.fills.map((fill) => ({
    time: view.times[fill.at],
    position: fill.side === "buy" ? "belowBar" : "aboveBar",
    shape: fill.side === "buy" ? "arrowUp" : "arrowDown",
    color: css(fill.side === "buy" ? "--chart-buy" : "--chart-sell"),
  }));
}

// A label on the price scale for each level of an open position.
function positionLabels(view) {
  for (const line of view.labels) view.main.removePriceLine(line);
  const narrow = view.canvas.clientWidth < 480;
  const label = (name, level, money, color) => ({
    price: level,
    color: css(color),
    lineVisible: false,
    axisLabelVisible: true,
    axisLabelTextColor: css("--chart-on-label"),
    title: narrow || money === null ? name : `${name} ${format.signedDollars(money)}`,
  });
  view.labels = view.trades.trades
    .filter((trade) => trade.open)
    .flatMap(({ entry, stop, target, quantity, pnl }) => [
      label(narrow ? "Entry" : `Entry ${format.shares(quantity)}`, entry, pnl, "--chart-own"),
      ...(stop ? [label("Stop", stop, (stop - entry) * quantity, "--chart-down")] : []),
      ...(target ? [label("Target", target, (target - entry) * quantity, "--chart-up")] : []),
    ])
    .map((options) => view.main.createPriceLine(options));
}

function draw(view, data) {
  const price = format.priceFormat(data.bars.close);
  view.price = price;
  const style = () => ({
    upColor: css("--chart-up"),
    downColor: css("--chart-down"),
    wickUpColor: css("--chart-up"),
    wickDownColor: css("--chart-down"),
    borderVisible: false,
    priceLineColor: css("--chart-text"),
    priceLineSource: PriceLineSource.LastVisible,
  });
  view.main = addSeries(view, CandlestickSeries, {
    data: candles(data),
    write: ohlc(price),
    onWideScreens: true,
    // The margins may extend below zero, where there are no prices.
    axis: (value) => (value < 0 ? "" : price(value)),
    style,
  });
  if (data.bars.volume) {
    view.volume = addSeries(view, HistogramSeries, {
      name: "Vol",
      data: volumes(data),
      write: (row) => ({ text: format.volume(row.value) }),
      onWideScreens: true,
      axis: format.volume,
      style: () => ({ color: css("--chart-volume"), priceScaleId: VOLUME, lastValueVisible: false, priceLineVisible: false }),
    });
    view.volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
  }
  view.main.priceScale().applyOptions({ scaleMargins: { top: 0.13, bottom: data.bars.volume ? 0.2 : 0.08 } });
  view.indicators = (data.lines ?? []).map((line, index) => {
    const level = format.priceFormat(line.values);
    const series = addLine(view, {
      name: line.name,
      pane: line.pane,
      color: () => lineColor(index),
      data: points(data.bars.time, line.values, data.unit),
      write: (row) => ({ text: level(row.value) }),
      axis: level,
      canHide: true,
    });
    return series;
  });
  view.panes = (data.lines ?? []).map(({ pane }) => pane);
  view.symbol = data.symbol;
  view.labels = [];
  view.markers = createSeriesMarkers(view.main, []);
  view.trades = new Trades();
  view.main.attachPrimitive(view.trades);
  view.extraEntries = (index) => {
    const { stop, target } = view.trades.at(index) ?? {};
    return [["Stop", stop, "--chart-down"], ["Target", target, "--chart-up"]]
      .filter(([, level]) => level)
      .map(([name, level, color]) => ({ name, text: price(level), swatch: () => css(color) }));
  };
  addTooltip(view);
  fill(view, data);
  view.restyle.push(() => {
    view.markers.setMarkers(fillMarkers(view));
    positionLabels(view);
    view.trades.requestUpdate();
  });
  view.chooseTrade = (trade) => view.trades.choose(trade);
  view.choose = (index) => view.tell(view.trades.at(index));
}

// Symbol, last price with its change, and whose chart it is, where the page has a place for it.
function writeTitle(view, { symbol, name, bars }) {
  const title = view.root.querySelector("[data-chart-title]");
  if (!title || !symbol) return;
  const [before, last] = bars.close.slice(-2);
  const parts = [element("b", "", symbol)];
  if (last !== undefined) {
    const change = last - before;
    const digits = Math.abs(last) < 1 ? 4 : 2;
    const text = `${format.signedDecimals(digits)(change)} ${format.signedPercent((last / before - 1) * 100)}`;
    parts.push(element("b", "", view.price(last)), element("span", change < 0 ? "loss" : change > 0 ? "gain" : "flat", text));
  }
  title.replaceChildren(...parts, element("span", "muted", name));
}

// Trades and fills of the data onto the series.
function fill(view, data) {
  writeTitle(view, data);
  view.times = data.bars.time.map((time) => format.chartTime(time, data.unit));
  view.trades.fill(tradesOf(view, data));
  view.fills = rowsOf(data.fills).map((row) => ({ ...row, at: placeOf(view, row.time, data.unit) }));
  view.markers.setMarkers(fillMarkers(view));
  positionLabels(view);
}

// The same chart with newer bars. False when its lines are others, so that it has to be drawn again.
function refill(view, data) {
  const lines = data.lines ?? [];
  const same = lines.length === view.indicators.length && lines.every(({ pane }, index) => pane === view.panes[index]);
  if (!same || data.symbol !== view.symbol || Boolean(data.bars.volume) !== Boolean(view.volume)) return false;
  view.main.setData(candles(data));
  view.volume?.setData(volumes(data));
  view.indicators.forEach((series, index) => {
    series.setData(points(data.bars.time, lines[index].values, data.unit));
    view.entries.find((entry) => entry.series === series).name = lines[index].name;
  });
  fill(view, data);
  return true;
}

export const price = {
  draw,
  refill,
  size: (data) => data.bars.time.length,
  ranges: { "3M": 92, "6M": 183, "1Y": 366, "5Y": 1827, All: Infinity },
  opensOn: "1Y",
  scales: "linear",
};
