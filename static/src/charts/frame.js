// The frame of a chart: what the page put in front, legend, ranges, scale; below it the canvas and the table.
import { PriceScaleMode } from "lightweight-charts";
import { button, element, figuresTable, icon, remember, remembered } from "./dom.js";
import { tableOf } from "./legend.js";
import { listenForZoom } from "./zoom.js";

const ROOM = 0.03; // of the range on each side, for the first and the last label of the time

// The licence of lightweight-charts asks for a link; once on a page is enough.
const MAKER = "https://www.tradingview.com/";
function credit() {
  const link = element("a", "chart-credit", "Charts by TradingView");
  Object.assign(link, { href: MAKER, rel: "noopener noreferrer", target: "_blank" });
  return link;
}

export function frame(root, kind) {
  const head = element("div", "chart-head");
  head.append(...root.querySelectorAll("[data-chart-lead]"));
  const legend = element("div", "chart-legend");
  const tools = element("div", "chart-tools");
  const canvas = element("div", "chart-canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "chart");
  canvas.setAttribute(
    "aria-label",
    `${root.dataset.label || "Chart"}. Arrow keys read its values, plus and minus zoom, Home and End go to its ends.`,
  );
  const box = element("div", "chart-box");
  box.append(canvas);
  // Where the head is full of other things, the figures of a bar stand on the chart.
  if (kind.linesInHead || !head.hasChildNodes()) head.append(legend);
  else {
    legend.classList.add("chart-legend-over");
    box.append(legend);
  }
  head.append(tools);
  const view = { root, kind, head, legend, tools, canvas, entries: [], restyle: [], times: [], unit: "day" };
  const figures = figuresTable(root.dataset.label || "the chart", () =>
    view.chart ? tableOf(view) : { caption: "", heads: [], rows: [] },
  );
  root.replaceChildren(head, box, figures);
  if (!document.querySelector(`a[href="${MAKER}"]`)) root.append(credit());
  listenForZoom(view);
  return view;
}

// How many of the newest bars begin within so many calendar days of the last one, whatever a bar is: a day, a week.
function barsWithin(view, days) {
  const after = view.times.at(-1) - days * 86_400;
  return view.times.length - view.times.findIndex((time) => time > after);
}

function showRange(view, days) {
  const shown = barsWithin(view, days);
  const from = Math.max(view.times.length - shown * (1 + ROOM), 0);
  const last = view.times.length - 1 + Math.max(ROOM * shown, 3);
  view.chart.timeScale().setVisibleLogicalRange({ from: from - 0.5, to: last });
}

// The ranges, in calendar days, that are shorter than the data, and all of it.
export function addRanges(view) {
  const { ranges } = view.kind;
  const usable = Object.entries(ranges).filter(
    ([, days]) => days === Infinity || (view.unit === "day" && barsWithin(view, days) < view.times.length),
  );
  const wanted = view.root.dataset.range || view.kind.opensOn;
  const opens = usable.some(([name]) => name === wanted) ? wanted : "All";
  if (usable.length > 1) {
    const group = element("div", "segments");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Range");
    for (const [name, days] of usable) {
      const choice = button("", name, () => {
        for (const other of group.children) other.setAttribute("aria-pressed", String(other === choice));
        showRange(view, days);
      });
      choice.setAttribute("aria-pressed", String(name === opens));
      group.append(choice);
    }
    view.tools.append(group);
  }
  showRange(view, ranges[opens]);
}

// The whole screen for the chart, with its head.
export function addFullScreen(view) {
  if (!document.fullscreenEnabled) return;
  const open = button("segment-alone", "", () =>
    document.fullscreenElement === view.root ? document.exitFullscreen() : view.root.requestFullscreen(),
  );
  open.append(icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"));
  open.title = "Full screen";
  open.setAttribute("aria-label", `Full screen: ${view.root.dataset.label || "chart"}`);
  view.tools.append(open);
}

// Over many years only a logarithmic scale shows equal percentage changes as equal.
export function addLogButton(view) {
  const key = `chart-scale-${view.root.dataset.chart}`;
  // A logarithm needs values above zero.
  const possible = view.main.data().every((row) => (row.low ?? row.value ?? 1) > 0);
  if (!possible) return;
  const apply = (log) => {
    view.main.priceScale().applyOptions({ mode: log ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
    scale.setAttribute("aria-pressed", String(log));
  };
  const scale = button("segment-alone", "Log", () => {
    const log = scale.getAttribute("aria-pressed") !== "true";
    apply(log);
    remember(key, log ? "log" : "linear");
  });
  scale.title = "Logarithmic scale";
  view.tools.append(scale);
  apply((remembered(key) ?? view.kind.scales) === "log");
}
