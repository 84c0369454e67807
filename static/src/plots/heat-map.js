// A score over two parameters: a cell for each pair of their values.
import * as format from "../charts/format.js";
import { css } from "../charts/theme.js";
import { axis, counted, grid, moved, writerOf } from "./axes.js";

const range = ([least, greatest]) =>
  least === greatest ? format.figure(least) : `${format.figure(least)}–${format.figure(greatest)}`;

const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
function mix(low, high, share) {
  const [from, to] = [channels(low), channels(high)];
  return `rgb(${from.map((value, index) => Math.round(value + (to[index] - value) * share)).join(",")})`;
}

function draw(data, { height }) {
  const { x, y, cells, counts, tried } = data;
  const score = writerOf(data);
  const [across, up] = [x.ends.length, y.ends.length];
  const at = cells.flat();
  const known = at.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const best = at.indexOf(high);
  const place = (index) => [index % across, Math.floor(index / across)];
  const where = (index) => {
    const [column, row] = place(index);
    return `${x.label} ${range(x.ends[column])}, ${y.label} ${range(y.ends[row])}`;
  };
  const kind = data.statistic === "median" ? "Median" : "Best";
  const style = (value, index) => {
    if (value !== null) {
      const share = high > low ? (value - low) / (high - low) : 1;
      const color = mix(css("--heat-low"), css("--heat-high"), share);
      return index === best ? { color, borderColor: css("--chart-mark"), borderWidth: 2 } : { color };
    }
    // Tested, but not ranked, is grey; not tested is only an outline.
    if (tried?.flat()[index]) return { color: css("--chart-line") };
    return { color: "transparent", borderColor: css("--chart-line"), borderWidth: 1, borderType: "dashed" };
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const describe = (index) => {
    const number = counts.flat()[index];
    const nothing = tried.flat()[index] ? "tested, not ranked" : "not tested";
    const found = at[index] === null ? nothing : `${kind.toLowerCase()} ${data.score} ${score(at[index])}`;
    return `${where(index)}: ${found}${number > 1 ? ` of ${format.whole(number)}` : ""}`;
  };
  return {
    height: Math.min(Math.max(up * 30, 120), 320) + 60 || height,
    start: best,
    count: at.length,
    step: (index, key) => {
      const [column, row] = place(index);
      const [right, above] = steps[key];
      return moved(row, above, up) * across + moved(column, right, across);
    },
    describe,
    defaultText: describe(best),
    summary:
      `${kind} ${data.score} of each cell, ${counted(data, data.of, "combinations")}: from ${score(low)} to ${score(high)}, ` +
      `the highest at ${where(best)}. Grey: tested, but not ranked. Dashed: not tested.`,
    option: {
      grid: grid({ bottom: 30, left: 30 }),
      xAxis: axis({ type: "category", data: x.ends.map(([least]) => format.figure(least)), name: x.label, nameGap: 26 }),
      yAxis: axis({ type: "category", data: y.ends.map(([least]) => format.figure(least)), name: y.label, nameGap: 34 }),
      series: [
        {
          type: "heatmap",
          data: at.map((value, index) => ({ value: [...place(index), value ?? 0], itemStyle: style(value, index) })),
          emphasis: { itemStyle: { borderColor: css("--color-base-content"), borderWidth: 2 } },
        },
      ],
    },
  };
}

export const heatMap = { draw, has: (data) => data.cells?.flat().some((value) => value !== null) };
