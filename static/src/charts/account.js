// The equity of the account above and below what it began with, and an equal-weight hold.
import { BaselineSeries, LineStyle } from "lightweight-charts";
import { css } from "./theme.js";
import * as format from "./format.js";
import { addLine, addSeries, dashed, points } from "./series.js";

function draw(view, data) {
  const { time, unit } = data;
  const first = data.equity[0];
  const money = (row) => ({ text: `${format.dollars(row.value)} ${format.signedPercent(100 * (row.value / first - 1))}` });
  const style = () => ({
    topLineColor: css("--chart-own"),
    bottomLineColor: css("--chart-own"),
    topFillColor1: css("--chart-area-top"),
    topFillColor2: css("--chart-area-bottom"),
    bottomFillColor1: "transparent",
    bottomFillColor2: "transparent",
    lineWidth: 2,
    baseValue: { type: "price", price: first },
    priceLineVisible: false,
  });
  view.main = addSeries(view, BaselineSeries, {
    name: "Account",
    data: points(time, data.equity, unit),
    write: money,
    axis: format.wholeDollars,
    style,
    swatch: () => css("--chart-own"),
  });
  if (data.benchmark.length) {
    view.benchmark = addLine(view, {
      name: "Equal-weight hold",
      color: () => css("--chart-benchmark"),
      options: dashed,
      data: points(time, data.benchmark, unit),
      write: money,
      axis: format.wholeDollars,
      canHide: true,
    });
    view.root.title = `Equal-weight hold: the same money in equal parts in ${data.symbols.join(", ")}`;
  }
  const start = view.main.createPriceLine({ price: first, lineWidth: 1, lineStyle: LineStyle.Dotted, axisLabelVisible: false });
  const restyle = () => start.applyOptions({ color: css("--chart-text") });
  restyle();
  view.restyle.push(restyle);
  view.first = first;
  fill(view, data);
}

function fill(view, data) {
  view.times = data.time.map((time) => format.chartTime(time, data.unit));
}

function refill(view, data) {
  if (data.equity[0] !== view.first || Boolean(data.benchmark.length) !== Boolean(view.benchmark)) return false;
  view.main.setData(points(data.time, data.equity, data.unit));
  view.benchmark?.setData(points(data.time, data.benchmark, data.unit));
  fill(view, data);
  return true;
}

export const account = {
  draw,
  refill,
  size: (data) => data.time.length,
  ranges: { "1D": 1, "1W": 7, "1M": 31, All: Infinity },
  opensOn: "All",
  linesInHead: true,
};
