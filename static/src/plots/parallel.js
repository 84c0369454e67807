// Combinations as lines across an axis for each parameter and one for the score.
import * as format from "../charts/format.js";
import { css } from "../charts/theme.js";
import { counted, inTurn, writerOf } from "./axes.js";

const MIN_AXIS_GAP = 72; // pixels between two axes that remain readable
const TOP_LINES = 20;

function draw(data, { width }) {
  const { axes, rows } = data;
  if ((width - 88) / (axes.length - 1) < MIN_AXIS_GAP) return null;
  const score = writerOf(data);
  const last = rows.length - 1;
  const write = (axis) => (axes[axis].name === "score" ? score : format.figure);
  const describe = (index) => axes.map((axis, at) => `${axis.label} ${write(at)(rows[index][at])}`).join(", ");
  const style = (index) => {
    if (index === last) return { color: css("--chart-mark"), width: 2.5, opacity: 1 };
    if (index > last - TOP_LINES) return { color: css("--chart-bar"), width: 1, opacity: 0.7 };
    return { color: css("--chart-text"), width: 1, opacity: 0.25 };
  };
  return {
    height: 320,
    start: last,
    count: rows.length,
    step: inTurn(rows.length),
    describe,
    defaultText: `The best: ${describe(last)}`,
    summary:
      `${format.whole(rows.length)} of ${counted(data, data.of, "combinations")}, evenly spaced by score. ` +
      `The best: ${describe(last)}.`,
    option: {
      parallel: { left: 48, right: 56, top: 40, bottom: 20 },
      parallelAxis: axes.map((axis, dim) => {
        const values = rows.map((row) => row[dim]);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        return {
          dim,
          name: axis.label,
          scale: true,
          ...(high > low ? { min: low, max: high } : {}),
          nameTextStyle: { color: css("--color-base-content"), fontSize: 12 },
          axisLine: { lineStyle: { color: css("--chart-line") } },
          axisTick: { show: false },
          axisLabel: { color: css("--chart-text"), fontSize: 12, formatter: write(dim), showMinLabel: true, showMaxLabel: true },
        };
      }),
      series: [
        {
          type: "parallel",
          smooth: false,
          data: rows.map((value, index) => ({ value, lineStyle: style(index) })),
          emphasis: { lineStyle: { color: css("--color-base-content"), width: 2.5, opacity: 1 } },
        },
      ],
    },
  };
}

export const parallel = { draw, has: (data) => data.rows?.length > 0 };
