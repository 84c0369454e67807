// Axes, margins and numbers that the kinds of plots share.
import * as format from "../charts/format.js";
import { css } from "../charts/theme.js";

// How the figures of a plot are written: the JSON's `format`, or data-unit of the element.
const WRITERS = {
  percent: format.fraction,
  dollars: format.wholeDollars,
  "signed-dollars": format.signedWholeDollars,
  days: (value) => `${format.figure(value)} d`,
};
export const writerOf = (data, unit) => WRITERS[data.format ?? unit] ?? format.decimals(2);

const label = () => ({ color: css("--chart-text"), fontSize: 12, hideOverlap: true });
export const axis = (options) => ({
  axisLine: { lineStyle: { color: css("--chart-line") } },
  axisTick: { show: false },
  nameLocation: "middle",
  nameTextStyle: { color: css("--color-base-content"), fontSize: 12 },
  splitLine: { lineStyle: { color: css("--chart-grid") } },
  ...options,
  axisLabel: { ...label(), ...options.axisLabel },
});
export const grid = (options) => ({ left: 12, right: 16, top: 16, bottom: 12, containLabel: true, ...options });
export const emphasis = () => ({ itemStyle: { borderColor: css("--color-base-content"), borderWidth: 1.5 } });

export const moved = (index, by, count) => Math.min(Math.max(index + by, 0), count - 1);
// One item after the other with any arrow.
export const inTurn = (count) => (index, key) => moved(index, key === "ArrowLeft" || key === "ArrowDown" ? -1 : 1, count);

// Unless a search is completed, only its best rows are known.
export const counted = (data, count, noun) =>
  data.complete === false ? `the best ${format.whole(count)} ${noun} kept so far` : `${format.whole(count)} ${noun}`;
