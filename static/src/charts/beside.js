// The profit and loss of a live strategy over what its backtest led one to expect: the cone, the backtest of the same
// stretch as a broad grey line, the live line, and in a pane below live minus backtest.
import { BaselineSeries, LineType } from "lightweight-charts";
import { css } from "./theme.js";
import * as format from "./format.js";
import { addLine, addSeries, axisOf, points } from "./series.js";
import { Cone } from "./cone.js";

const BAND = ["p5", "p25", "p50", "p75", "p95"];

const cone = (data) =>
  data.time.map((at, index) => {
    const time = format.chartTime(at, data.unit);
    if (!data.p50?.length || data.p50[index] === null) return { time };
    return { time, ...Object.fromEntries(BAND.map((name) => [name, data[name][index]])) };
  });

const difference = (data) =>
  data.live.map((value, index) => (value === null || data.backtest[index] === null ? null : value - data.backtest[index]));

// Filled to zero, so that nothing is shaded while both are the same.
const warning = () => ({
  baseValue: { type: "price", price: 0 },
  topLineColor: css("--chart-difference"),
  bottomLineColor: css("--chart-difference"),
  topFillColor1: css("--chart-difference-soft"),
  topFillColor2: css("--chart-difference-soft"),
  bottomFillColor1: css("--chart-difference-soft"),
  bottomFillColor2: css("--chart-difference-soft"),
  lineType: LineType.WithSteps,
  lineWidth: 1.5,
  priceLineVisible: false,
});

function draw(view, data) {
  const axis = format.signedWholeDollars;
  const money = (row) => ({ text: format.signedDollars(row.value) });
  const style = () => ({
    outer: css("--chart-cone-outer"),
    inner: css("--chart-cone-inner"),
    median: css("--chart-text"),
    priceLineVisible: false,
    lastValueVisible: false,
    priceFormat: axisOf(axis),
  });
  view.cone = view.chart.addCustomSeries(new Cone(), style());
  view.cone.setData(cone(data));
  view.restyle.push(() => view.cone.applyOptions(style()));
  view.backtest = addLine(view, {
    name: "Backtest",
    color: () => css("--chart-backtest"),
    options: { lineWidth: 4 },
    data: points(data.time, data.backtest, data.unit),
    write: money,
    axis,
    canHide: true,
  });
  view.main = addLine(view, {
    name: "Live",
    color: () => css("--chart-own"),
    options: { lastValueVisible: true },
    data: points(data.time, data.live, data.unit),
    write: money,
    axis,
  });
  // The live line comes first in the legend.
  view.entries.reverse();
  view.extraEntries = (index) => {
    if (!data.p50?.length || (data.p5[index] ?? null) === null) return [];
    const text = `${axis(data.p5[index])} to ${axis(data.p95[index])}`;
    return [{ name: "Expected 5% to 95%", text, swatch: () => css("--chart-cone-inner") }];
  };
  const differences = difference(data);
  const small = differences.every((value) => Math.abs(value ?? 0) < 100);
  view.difference = addSeries(view, BaselineSeries, {
    pane: 1,
    name: "Difference",
    data: points(data.time, differences, data.unit),
    write: money,
    axis: small ? format.signedDollars : axis,
    style: warning,
    swatch: () => css("--chart-difference"),
  });
  view.stretch = [4, 1.1];
  view.times = data.time.map((time) => format.chartTime(time, data.unit));
}

export const beside = {
  draw,
  size: (data) => data.time?.length ?? 0,
  ranges: { "1M": 31, "6M": 183, All: Infinity },
  opensOn: "All",
  linesInHead: true,
};
