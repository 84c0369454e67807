// Plots, charts without a time axis: <div class="plot" data-plot="histogram|heat-map|parallel|scatter|bars" data-url="…">
// shows a plot of that URL's JSON. data-source="…" names a <script type="application/json"> of the page instead.
// data-controls selects a form: its values are added to the URL, and a change loads the plot again.
import { element, figuresTable } from "../charts/dom.js";
import { css, font, onTheme } from "../charts/theme.js";
import { init } from "./echarts.js";
import { heatMap } from "./heat-map.js";
import { histogram } from "./histogram.js";
import { parallel } from "./parallel.js";
import { bars, scatter } from "./scatter.js";

const KINDS = { histogram, "heat-map": heatMap, parallel, scatter, bars };
const HEIGHT = 260;
const drawn = new WeakMap();

function frame(root) {
  const canvas = element("div", "plot-canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "chart");
  const view = { root, canvas, legend: element("p", "plot-legend"), foot: element("p", "plot-foot") };
  view.legend.setAttribute("aria-live", "polite");
  const figures = figuresTable(root.dataset.label || "the plot", () => ({
    caption: root.dataset.label || "Plot",
    heads: ["Value"],
    rows: Array.from({ length: view.plot?.count ?? 0 }, (_, index) => [view.plot.describe(index)]),
  }));
  root.replaceChildren(view.legend, canvas, view.foot, figures);
  return view;
}

function showMessage(view, text) {
  view.plot = null;
  view.canvas.hidden = true;
  view.legend.textContent = text;
  view.foot.textContent = "";
}

function redraw(view) {
  const width = view.root.clientWidth;
  if (!view.data || !width || width === view.width) return;
  view.width = width;
  view.plot = KINDS[view.root.dataset.plot].draw(view.data, { width, unit: view.root.dataset.unit, height: HEIGHT });
  if (!view.plot) {
    showMessage(view, "This plot needs a wider screen.");
    return;
  }
  view.canvas.hidden = false;
  view.canvas.style.height = `${view.plot.height ?? HEIGHT}px`;
  view.chart ??= listen(view, init(view.canvas, null, { renderer: "canvas" }));
  view.chart.resize();
  const shared = { animation: false, textStyle: { fontFamily: font(), color: css("--chart-text") } };
  view.chart.setOption({ ...shared, ...view.plot.option }, { notMerge: true });
  view.canvas.setAttribute("aria-label", `${view.root.dataset.label}. ${view.plot.summary} Use the arrow keys to read its values.`);
  view.foot.textContent = view.plot.summary;
  reset(view);
}

function listen(view, chart) {
  chart.on("mouseover", ({ componentType, dataIndex }) => componentType === "series" && show(view, dataIndex));
  chart.getZr().on("globalout", () => reset(view));
  return chart;
}

function reset(view) {
  if (!view.plot) return;
  view.index = view.plot.start;
  view.chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
  view.legend.textContent = view.plot.defaultText;
}

function show(view, index) {
  if (!view.plot || index === undefined) return;
  view.chart.dispatchAction({ type: "downplay", seriesIndex: 0 });
  view.index = index;
  view.chart.dispatchAction({ type: "highlight", seriesIndex: 0, dataIndex: index });
  view.legend.textContent = view.plot.describe(index);
}

function address(root) {
  const url = new URL(root.dataset.url, location.href);
  const controls = document.querySelector(root.dataset.controls || "#no-controls");
  for (const [name, value] of controls ? new FormData(controls) : []) url.searchParams.set(name, value);
  return url;
}

async function read(root) {
  const { source } = root.dataset;
  if (source) return JSON.parse(document.getElementById(source).textContent);
  const response = await fetch(address(root), { headers: { Accept: "application/json" } });
  return response.ok ? response.json() : null;
}

async function load(view) {
  // Answers can arrive out of order: only that of the latest request counts.
  const request = (view.request = (view.request ?? 0) + 1);
  const data = await read(view.root).catch(() => null);
  if (request !== view.request) return;
  view.data = null; // a message stays when the page changes its size or its theme
  if (data === null) {
    showMessage(view, "The plot could not be loaded. Reload the page to try again.");
    return;
  }
  if (!KINDS[view.root.dataset.plot].has(data)) {
    showMessage(view, view.root.dataset.empty || "No data yet.");
    return;
  }
  Object.assign(view, { data, width: 0 });
  redraw(view);
}

function setUp(root) {
  if (drawn.has(root)) return;
  const view = frame(root);
  drawn.set(root, view);
  load(view);
  view.observer = new ResizeObserver(() => redraw(view));
  view.observer.observe(root);
  document.querySelector(root.dataset.controls || "#no-controls")?.addEventListener("change", () => load(view));
  view.canvas.addEventListener("keydown", (event) => {
    if (!view.plot || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    show(view, view.plot.step(view.index, event.key));
  });
}

function setUpAll(within) {
  if (within.matches?.("[data-plot]")) setUp(within);
  for (const root of within.querySelectorAll("[data-plot]")) setUp(root);
}

setUpAll(document);
document.addEventListener("htmx:load", (event) => setUpAll(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", ({ detail }) => {
  const view = drawn.get(detail.elt);
  view?.observer.disconnect();
  view?.chart?.dispose();
  drawn.delete(detail.elt);
});
onTheme(() => {
  for (const root of document.querySelectorAll("[data-plot]")) {
    const view = drawn.get(root);
    if (!view) continue;
    view.width = 0;
    redraw(view);
  }
});
