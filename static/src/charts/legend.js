// The legend: the values at a bar, and buttons that hide a line.
import { MismatchDirection } from "lightweight-charts";
import { button, element } from "./dom.js";
import { timeText } from "./format.js";

function swatched(item, swatch) {
  if (!swatch) return;
  const mark = element("span", "chart-swatch");
  mark.style.background = swatch();
  item.append(mark);
}

// The values stand in elements that stay, so that a line's button keeps the focus.
function build(view) {
  view.legend.replaceChildren();
  view.moment = element("span", "chart-moment");
  view.legend.append(view.moment);
  for (const entry of view.entries) {
    const only = entry.onWideScreens ? "chart-entry chart-wide" : "chart-entry";
    entry.item = entry.canHide ? button("chart-entry", "", () => toggle(view, entry)) : element("span", only);
    if (entry.canHide) {
      entry.item.setAttribute("aria-pressed", "true");
      entry.item.title = `Hide or show ${entry.name}`;
    }
    view.legend.append(entry.item);
  }
  view.extras = element("span", "chart-extras");
  view.legend.append(view.extras);
}

function toggle(view, entry) {
  const shown = entry.item.getAttribute("aria-pressed") !== "true";
  entry.item.setAttribute("aria-pressed", String(shown));
  entry.series.applyOptions({ visible: shown });
}

function write(item, { name, swatch, parts = [], text, tone }) {
  item.replaceChildren();
  swatched(item, swatch);
  if (name) item.append(element("span", "muted", `${name} `));
  for (const [letter, value] of parts) item.append(element("span", "muted", `${letter} `), element("b", "", `${value} `));
  item.append(element("b", tone, text));
}

// The values at a bar; by default at the one that was chosen, else at the last.
export function writeLegend(view, bar) {
  if (!view.moment) build(view);
  const index = bar ?? view.shown ?? view.times.length - 1;
  const at = view.main.dataByIndex(index, MismatchDirection.NearestLeft)?.time;
  view.moment.textContent = at === undefined ? "" : timeText(at, view.unit) + (view.unit === "day" ? "" : " ET");
  for (const entry of view.entries) {
    const row = entry.series.dataByIndex(index);
    const has = row && ("value" in row || "close" in row);
    entry.item.hidden = !has && !entry.canHide;
    const written = has ? entry.write(row, entry.series.dataByIndex(index - 1)) : { text: "" };
    write(entry.item, { name: entry.name, swatch: entry.swatch, ...written });
  }
  view.extras.replaceChildren(
    ...(view.extraEntries?.(index) ?? []).map((entry) => {
      const item = element("span", "chart-entry");
      write(item, entry);
      return item;
    }),
  );
}

const MOST_ROWS = 500;

// The figures that are in view as a table.
export function tableOf(view) {
  const range = view.chart.timeScale().getVisibleLogicalRange();
  const last = Math.min(Math.floor(range?.to ?? Infinity), view.times.length - 1);
  const first = Math.max(Math.ceil(range?.from ?? 0), 0, last - MOST_ROWS + 1);
  const heads = ["Time", ...view.entries.map((entry) => entry.name || "Open, high, low, close")];
  const rows = [];
  for (let index = last; index >= first; index -= 1) {
    const cells = view.entries.map(({ series, write: text }) => {
      const row = series.dataByIndex(index);
      if (!row || !("value" in row || "close" in row)) return "";
      const { parts = [], text: value } = text(row, series.dataByIndex(index - 1));
      return [...parts.map((part) => part.join(" ")), value].join(" ");
    });
    rows.push([timeText(view.times[index], view.unit), ...cells]);
  }
  const caption = `${view.root.dataset.label || "Chart"}: the ${rows.length} rows in view, the newest first`;
  return { caption, heads, rows };
}
