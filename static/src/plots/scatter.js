// Two figures of each trade against each other; and bars, one for each name, such as the contribution of a symbol.
import { css } from "../charts/theme.js";
import { axis, emphasis, grid, inTurn, writerOf } from "./axes.js";

// data: {x: {label, format, values}, y: …, name: [], tone: [1, -1 or 0]}; a point for each place of the columns.
function drawScatter(data) {
  const [x, y] = [writerOf(data.x), writerOf(data.y)];
  const count = data.x.values.length;
  const color = (tone) => css(tone > 0 ? "--chart-up" : tone < 0 ? "--chart-down" : "--chart-bar");
  const describe = (index) => {
    const name = data.name?.[index] ? `${data.name[index]}: ` : "";
    return `${name}${data.x.label} ${x(data.x.values[index])}, ${data.y.label} ${y(data.y.values[index])}`;
  };
  const summary = `${data.y.label} against ${data.x.label} of ${count} ${count === 1 ? "trade" : "trades"}.`;
  return {
    start: 0,
    count,
    step: inTurn(count),
    describe,
    defaultText: summary,
    summary,
    option: {
      grid: grid({ left: 30, bottom: 30 }),
      xAxis: axis({ type: "value", scale: true, name: data.x.label, nameGap: 26, axisLabel: { formatter: x } }),
      yAxis: axis({ type: "value", scale: true, name: data.y.label, nameGap: 48, axisLabel: { formatter: y } }),
      series: [
        {
          type: "scatter",
          symbolSize: 7,
          data: data.x.values.map((value, index) => ({
            value: [value, data.y.values[index]],
            // A loss differs in shape, too.
            symbol: data.tone?.[index] < 0 ? "diamond" : "circle",
            itemStyle: { color: color(data.tone?.[index] ?? 0), opacity: 0.75 },
          })),
          emphasis: emphasis(),
        },
      ],
    },
  };
}

// data: {name: [], value: [], format, label}
function drawBars(data, { unit }) {
  const write = writerOf(data, unit);
  const count = data.name.length;
  const describe = (index) => `${data.name[index]}: ${write(data.value[index])}`;
  const total = data.value.reduce((sum, value) => sum + value, 0);
  return {
    height: Math.max(count * 28 + 40, 120),
    start: 0,
    count,
    step: inTurn(count),
    describe,
    defaultText: data.total === false ? data.label : `${data.label}, all: ${write(total)}`,
    summary: `${data.label}: ${data.name.map((_, index) => describe(index)).join(", ")}.`,
    option: {
      grid: grid({}),
      xAxis: axis({ type: "value", axisLabel: { formatter: write } }),
      yAxis: axis({ type: "category", data: data.name, inverse: true, axisLine: { show: false } }),
      series: [
        {
          type: "bar",
          barMaxWidth: 18,
          data: data.value.map((value) => ({ value, itemStyle: { color: css(value < 0 ? "--chart-down" : "--chart-up") } })),
          emphasis: emphasis(),
        },
      ],
    },
  };
}

export const scatter = { draw: drawScatter, has: (data) => data.x?.values.length > 0 };
export const bars = { draw: drawBars, has: (data) => data.name?.length > 0 };
