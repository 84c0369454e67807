// What all kinds of charts share: the style of lightweight-charts, and series with their entry in the legend.
import { CrosshairMode, LineSeries, LineStyle, TickMarkType } from "lightweight-charts";
import { css, font } from "./theme.js";
import { chartTime } from "./format.js";

// A day with its month: among months, a number alone says nothing.
const dayAndMonth = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "short", day: "numeric" });
const dayLabel = (time, type) => (type === TickMarkType.DayOfMonth ? dayAndMonth.format(time * 1000) : null);

export const chartStyle = () => ({
  layout: {
    background: { color: "transparent" },
    textColor: css("--chart-text"),
    fontFamily: font(),
    fontSize: 12,
    attributionLogo: false,
    panes: { separatorColor: css("--chart-line"), separatorHoverColor: css("--chart-grid") },
  },
  grid: { vertLines: { color: css("--chart-grid") }, horzLines: { color: css("--chart-grid") } },
  crosshair: {
    mode: CrosshairMode.Normal,
    vertLine: { color: css("--chart-text"), style: LineStyle.Dashed, labelBackgroundColor: css("--chart-label") },
    horzLine: { color: css("--chart-text"), style: LineStyle.Dashed, labelBackgroundColor: css("--chart-label") },
  },
  rightPriceScale: { borderVisible: false, entireTextOnly: true },
  timeScale: { borderColor: css("--chart-line"), fixLeftEdge: true, minBarSpacing: 0.05, tickMarkFormatter: dayLabel },
  // The plain wheel scrolls the page; Ctrl and the wheel zoom (zoom.js).
  handleScroll: { mouseWheel: false, vertTouchDrag: false },
  handleScale: { mouseWheel: false, pinch: true },
  localization: { dateFormat: "yyyy-MM-dd" },
});

export const axisOf = (formatter) => ({ type: "custom", minMove: 0.0001, formatter });

// Points of two columns; a gap is a point without a value.
export function points(time, values, unit) {
  return values.map((value, index) => {
    const at = chartTime(time[index], unit);
    return value === null ? { time: at } : { time: at, value };
  });
}

// Add a series. style() reads the theme; write(row, before) is its text in the legend, as {text, tone}.
export function addSeries(view, definition, { pane = 0, name, data, write, axis, style, swatch, canHide = false, onWideScreens = false }) {
  const series = view.chart.addSeries(definition, { ...style(), priceFormat: axisOf(axis) }, pane);
  series.setData(data);
  view.restyle.push(() => series.applyOptions(style()));
  if (write) view.entries.push({ series, name, write, swatch, canHide, onWideScreens });
  return series;
}

export function addLine(view, { color, options = {}, ...rest }) {
  const style = () => ({
    color: color(),
    lineWidth: 1.5,
    priceLineVisible: false,
    lastValueVisible: false,
    crosshairMarkerRadius: 3,
    ...options,
  });
  return addSeries(view, LineSeries, { style, swatch: color, ...rest });
}

export const dashed = { lineStyle: LineStyle.Dashed, lineWidth: 1 };
