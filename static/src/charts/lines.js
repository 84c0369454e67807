// Lines over time: figures of one backtest, and the equity of several on one scale.
import { LineSeries, LineStyle } from "lightweight-charts";
import { css, lineColor } from "./theme.js";
import * as format from "./format.js";
import { addLine, addSeries, dashed, points } from "./series.js";

// Which figures a line has: data-unit of the chart.
const UNITS = {
  percent: format.percent,
  "signed-percent": format.signedPercent,
  dollars: format.wholeDollars,
  "signed-dollars": format.signedWholeDollars,
};
const writerOf = (view) => UNITS[view.root.dataset.unit] ?? format.decimals(2);

function drawLines(view, data) {
  const write = writerOf(view);
  const [main, ...others] = data.lines;
  // A part of a whole: the axis always spans 0% to 100%, and its margins have no marks.
  const isPart = view.root.dataset.unit === "percent";
  const whole = { autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }) };
  const axis = (value) => (value < 0 || value > 100 ? "" : `${format.whole(value)}%`);
  const shared = { write: (row) => ({ text: write(row.value) }), axis: isPart ? axis : write };
  view.main = addLine(view, {
    ...shared,
    name: main.name,
    color: () => css("--chart-own"),
    options: { lineWidth: 2, ...(isPart ? whole : {}) },
    data: points(main.time, main.values, data.unit),
  });
  others.forEach((line, index) =>
    addLine(view, {
      ...shared,
      name: line.name,
      color: () => (index ? lineColor(index) : css("--chart-benchmark")),
      options: dashed,
      data: points(line.time, line.values, data.unit),
      canHide: true,
    }),
  );
  view.times = main.time.map((time) => format.chartTime(time, data.unit));
  const zero = view.main.createPriceLine({ price: 0, lineWidth: 1, axisLabelVisible: false });
  const restyle = () => zero.applyOptions({ color: css("--chart-text") });
  restyle();
  view.restyle.push(restyle);
}

function drawComparison(view, data) {
  const level = format.decimals(2);
  const strokes = [LineStyle.Solid, LineStyle.LargeDashed, LineStyle.Dashed, LineStyle.Dotted];
  // A line at the common start value over all dates: the curves may start and end on different dates.
  const days = [...new Set(data.lines.flatMap((line) => line.time))].sort((one, other) => one - other);
  view.times = days.map((time) => format.chartTime(time, data.unit));
  view.main = addSeries(view, LineSeries, {
    data: view.times.map((time) => ({ time, value: data.base })),
    axis: level,
    style: () => ({
      color: css("--chart-text"),
      lineWidth: 1,
      priceLineVisible: false,
      lastValueVisible: false,
      crosshairMarkerVisible: false,
    }),
  });
  data.lines.forEach((line, index) => {
    addLine(view, {
      name: line.name,
      color: () => css(`--compare-${index + 1}`),
      options: { lineStyle: strokes[index], lineWidth: 2, lastValueVisible: true },
      data: points(line.time, line.values, data.unit),
      write: (row) => ({ text: level(row.value) }),
      axis: level,
      canHide: true,
    });
  });
}

const RANGES = { "1Y": 366, "5Y": 1827, All: Infinity };
const size = (data) => Math.max(0, ...(data.lines ?? []).map((line) => line.time.length));

export const line = { draw: drawLines, size, ranges: RANGES, opensOn: "All", linesInHead: true };
export const comparison = { draw: drawComparison, size, ranges: RANGES, opensOn: "All", scales: "linear", linesInHead: true };
