// How often: columns over the edges of their bins.
import * as format from "../charts/format.js";
import { css } from "../charts/theme.js";
import { axis, counted, emphasis, grid, inTurn, writerOf } from "./axes.js";

// Trades fall on both sides of zero, which is an edge; their bins have the colours of loss and gain.
function tradesText(data, unit) {
  const write = unit === "dollars" ? format.wholeDollars : format.decimals(2);
  const trades = (count) => `${format.whole(count)} ${count === 1 ? "trade" : "trades"}`;
  const all = data.counts.reduce((sum, count) => sum + count, 0);
  const { edges, counts } = data;
  return {
    write,
    defaultText: `All: ${trades(all)}`,
    summary: `${trades(all)} from ${write(edges[0])} to ${write(edges.at(-1))}.`,
    describe: (index) => `${write(edges[index])} to ${write(edges[index + 1])}: ${trades(counts[index])}`,
  };
}

function scoresText(data) {
  const { edges, counts, winner } = data;
  const write = writerOf(data);
  const [first, last] = [edges[0], edges.at(-1)];
  const most = edges[counts.indexOf(Math.max(...counts))];
  const total = counts.reduce((sum, count) => sum + count, 0);
  // The axis covers nearly all scores, so that a few outliers do not compress the others.
  const beyond = winner > last ? ", beyond the axis" : "";
  return {
    write,
    winner: winner === null ? null : { text: `Rank 1: ${write(winner)}${beyond}`, at: winner },
    defaultText: winner === null ? "No row is ranked." : `Rank 1 has ${write(winner)}${beyond || ", marked by the line"}.`,
    summary:
      `${data.score} of ${counted(data, total, "rows")}, most of them near ${write(most)}` +
      `${winner === null ? "." : `; rank 1 has ${write(winner)}.`} The first and the last bar include all scores beyond the axis.`,
    describe: (index) => {
      const rows = `${format.whole(counts[index])} ${counts[index] === 1 ? "row" : "rows"}`;
      if (index === 0) return `Up to ${write(edges[1])}, and all below ${write(first)}: ${rows}`;
      if (index === counts.length - 1) return `From ${write(edges[index])}, and all above ${write(last)}: ${rows}`;
      return `${write(edges[index])} to ${write(edges[index + 1])}: ${rows}`;
    },
  };
}

// A count of draws or of sessions: the unfavourable side is marked.
function drawsText(data, unit) {
  const write = writerOf(data, unit);
  const { edges, counts } = data;
  return {
    write,
    defaultText: `${write(edges[0])} to ${write(edges.at(-1))}`,
    summary: `${data.score}, from ${write(edges[0])} to ${write(edges.at(-1))}.`,
    describe: (index) => `${write(edges[index])} to ${write(edges[index + 1])}: ${format.whole(counts[index])}`,
  };
}

function draw(data, { unit }) {
  const { edges, counts } = data;
  const text = data.score === undefined ? tradesText(data, unit) : data.bad ? drawsText(data, unit) : scoresText(data);
  const isLoss = (index) => (data.score === undefined ? edges[index] < 0 : data.bad?.[index]);
  const plain = data.score === undefined ? "--chart-up" : "--chart-bar";
  const names = counts.map((_, index) => text.write(edges[index]));
  // A category a bin, with the lower edge as its label at its left end.
  const place = (value) => Math.min(Math.max(((value - edges[0]) / (edges.at(-1) - edges[0])) * counts.length, 0), counts.length);
  const winner = text.winner && {
    symbol: "none",
    silent: true,
    lineStyle: { color: css("--chart-mark"), width: 2, type: "solid" },
    label: { formatter: text.winner.text, color: css("--chart-mark"), fontWeight: 600, fontSize: 12 },
    data: [{ xAxis: Math.min(Math.floor(place(text.winner.at)), counts.length - 1) }],
  };
  return {
    ...text,
    start: counts.indexOf(Math.max(...counts)),
    step: inTurn(counts.length),
    count: counts.length,
    option: {
      grid: grid({ top: winner ? 26 : 12 }),
      xAxis: axis({ type: "category", data: names, splitLine: { show: false } }),
      yAxis: axis({ type: "value", minInterval: 1, axisLine: { show: false } }),
      series: [
        {
          type: "bar",
          barCategoryGap: 1,
          data: counts.map((value, index) => ({
            value,
            itemStyle: { color: css(isLoss(index) ? "--chart-down" : plain) },
          })),
          emphasis: emphasis(),
          markLine: winner || undefined,
        },
      ],
    },
  };
}

export const histogram = { draw, has: (data) => data.counts?.length > 0 };
