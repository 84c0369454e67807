// Equity with its benchmark above, drawdown below; and a curve of profit and loss.
import { AreaSeries, createSeriesMarkers } from "lightweight-charts";
import { css } from "./theme.js";
import * as format from "./format.js";
import { addLine, addSeries, dashed, points } from "./series.js";

const area = () => ({
  lineColor: css("--chart-own"),
  topColor: css("--chart-area-top"),
  bottomColor: css("--chart-area-bottom"),
  lineWidth: 2,
  priceLineVisible: false,
});
const fall = () => ({
  lineColor: css("--chart-down"),
  topColor: css("--chart-loss"),
  bottomColor: css("--chart-loss"),
  invertFilledArea: true,
  lineWidth: 1,
  priceLineVisible: false,
  lastValueVisible: false,
});

function fill(view, data) {
  view.times = data.time.map((time) => format.chartTime(time, data.unit));
}

function draw(view, data) {
  const { time, unit } = data;
  const money = (row) => ({ text: format.dollars(row.value) });
  view.main = addSeries(view, AreaSeries, {
    name: data.name ?? "Equity",
    data: points(time, data.equity, unit),
    write: money,
    axis: format.wholeDollars,
    style: area,
    swatch: () => css("--chart-own"),
  });
  if (data.benchmark?.length) {
    view.benchmark = addLine(view, {
      name: data.benchmark_name ?? "Buy and hold",
      color: () => css("--chart-benchmark"),
      options: dashed,
      data: points(time, data.benchmark, unit),
      write: money,
      axis: format.wholeDollars,
      canHide: true,
    });
  }
  if (data.drawdown?.length) {
    // A shallow one has several marks within one percent.
    const depth = data.drawdown.some((value) => value < -2) ? format.whole : format.figure;
    view.drawdown = addSeries(view, AreaSeries, {
      pane: 1,
      name: "Drawdown",
      data: points(time, data.drawdown, unit),
      write: (row) => ({ text: format.percent(row.value) }),
      axis: (value) => (value > 0 ? "" : `${depth(value)}%`),
      style: fall,
      swatch: () => css("--chart-down"),
    });
    view.drawdown.priceScale().applyOptions({ scaleMargins: { top: 0.04, bottom: 0.1 } });
  }
  view.main.priceScale().applyOptions({ scaleMargins: { top: 0.13, bottom: 0.06 } });
  view.stretch = [4, 1.1];
  fill(view, data);
  // The chosen trade: a dot at its entry and one at its exit.
  const dots = createSeriesMarkers(view.main, []);
  const restyle = () =>
    dots.setMarkers(
      (view.marked ?? []).map((at, index) => ({
        time: at,
        position: "inBar",
        shape: "circle",
        size: 0.8,
        color: css(index ? "--chart-sell" : "--chart-own"),
      })),
    );
  view.restyle.push(restyle);
  view.mark = (times) => {
    view.marked = times;
    restyle();
  };
}

function refill(view, data) {
  if (Boolean(data.benchmark?.length) !== Boolean(view.benchmark)) return false;
  view.main.setData(points(data.time, data.equity, data.unit));
  view.benchmark?.setData(points(data.time, data.benchmark, data.unit));
  view.drawdown?.setData(points(data.time, data.drawdown, data.unit));
  fill(view, data);
  return true;
}

export const equity = {
  draw,
  refill,
  size: (data) => data.time?.length ?? 0,
  ranges: { "1Y": 366, "5Y": 1827, All: Infinity },
  opensOn: "All",
  scales: "log",
};
