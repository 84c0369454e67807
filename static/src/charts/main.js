// Charts over time: <div class="chart" data-chart="price|account|equity|beside|line|comparison" data-url="…"> shows a chart of
// that URL's JSON (docs/frontend.md).
import { createChart } from "lightweight-charts";
import { account } from "./account.js";
import { beside } from "./beside.js";
import { equity } from "./equity.js";
import { button, element } from "./dom.js";
import * as format from "./format.js";
import { addFullScreen, addLogButton, addRanges, frame } from "./frame.js";
import { writeLegend } from "./legend.js";
import { comparison, line } from "./lines.js";
import { price } from "./price.js";
import { chartStyle } from "./series.js";
import "./sparkline.js";
import { onTheme } from "./theme.js";

const KINDS = { price, account, equity, beside, line, comparison };
const MARGIN = 45; // bars on each side of the trade that is shown
const MOST_WAITS = 8; // requests again while the desk is busy
const drawn = new WeakMap();

// --- Loading and drawing -------------------------------------------------------------------------------------------

function showMessage(view, text, again) {
  erase(view);
  view.legend.replaceChildren();
  view.tools.replaceChildren();
  const message = element("div", "chart-message", text);
  if (again) message.append(button("btn btn-xs", "Try again", () => load(view)));
  view.canvas.replaceChildren(message);
}

function erase(view) {
  view.chart?.remove();
  Object.assign(view, { chart: null, entries: [], restyle: [], times: [], moment: null, shown: undefined });
  for (const name of ["volume", "benchmark", "drawdown", "marked", "extraEntries", "choose", "mark", "chooseTrade", "stretch"])
    delete view[name];
}

function draw(view, data) {
  erase(view);
  view.canvas.replaceChildren();
  view.tools.replaceChildren();
  view.unit = data.unit;
  view.chart = createChart(view.canvas, { autoSize: true, ...chartStyle() });
  view.writeLegend = (bar) => writeLegend(view, bar);
  view.tell = (trade) => tell(view, trade);
  view.kind.draw(view, data);
  view.chart.timeScale().applyOptions({ timeVisible: data.unit !== "day", secondsVisible: false });
  view.chart.panes().forEach((pane, index) => pane.setStretchFactor(view.stretch?.[index] ?? (index ? 1 : 3)));
  view.chart.subscribeCrosshairMove((param) => writeLegend(view, param.time === undefined ? undefined : param.logical));
  addRanges(view);
  if (view.kind.scales) addLogButton(view);
  addFullScreen(view);
  writeLegend(view);
  const { time, until, trade } = view.root.dataset;
  if (time) choose(view, { time, until, trade });
}

// False when the page deals with it.
const tellPage = (view, name, detail) =>
  view.root.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));

// A page that shows the refusal elsewhere keeps the chart that is drawn.
function refuse(view, refusal, again) {
  const told = !tellPage(view, "desk:chart-refused", { ...refusal, drawn: Boolean(view.chart) });
  if (told && view.chart) return;
  showMessage(view, refusal.detail || "The chart could not be loaded.", again || !refusal.detail);
}

// The desk is busy: ask it again when it says, and leave it to the user when that has not helped.
function loadLater(view, request, response) {
  const seconds = Number(response.headers.get("Retry-After"));
  if (response.status !== 503 || !seconds || (view.waited ?? 0) >= MOST_WAITS) return false;
  view.waited = (view.waited ?? 0) + 1;
  setTimeout(() => request === view.request && load(view), seconds * 1000);
  return true;
}

async function load(view) {
  // A morph takes a chart out of the page without a word.
  if (!view.root.isConnected) return remove(view.root);
  // Answers can arrive out of order: only that of the latest request counts.
  const request = (view.request = (view.request ?? 0) + 1);
  view.loading?.abort();
  view.loading = new AbortController();
  const { url } = view.root.dataset;
  let data;
  try {
    const { signal } = view.loading;
    const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-cache", signal });
    if (request !== view.request) return;
    if (!response.ok) {
      const refusal = await response.json().catch(() => ({}));
      if (request !== view.request) return;
      const later = loadLater(view, request, response);
      if (later && view.chart) return;
      refuse(view, later ? { detail: `${refusal.detail ?? "The desk is busy."} Trying again…` } : refusal, !later && response.status >= 500);
      return;
    }
    view.waited = 0;
    const tag = response.headers.get("ETag");
    if (tag && tag === view.tag && url === view.drawnUrl && view.chart) return;
    data = await response.json();
    if (request !== view.request) return;
    if (data.errors) return refuse(view, data, false);
    view.tag = tag;
  } catch {
    // A chart that is drawn stays, unless another one was asked for; its page says that the desk is not reachable.
    if (request !== view.request) return;
    const stays = view.chart && (url === view.drawnUrl || "keep" in view.root.dataset);
    if (!stays) showMessage(view, "The chart could not be loaded.", true);
    return;
  }
  tellPage(view, "desk:chart-data", data);
  const again = view.chart && (url === view.drawnUrl || "keep" in view.root.dataset);
  markSource(view.root);
  view.drawnUrl = url;
  if (!view.kind.size(data)) {
    showMessage(view, view.root.dataset.empty || "No data yet.");
    return;
  }
  if (again && refill(view, data)) return;
  performance.mark("chart-start");
  draw(view, data);
  performance.measure(`chart-${view.root.dataset.chart}`, "chart-start");
}

// Newer data into a chart that is drawn: what is in view moves on with the last bar, or stays.
function refill(view, data) {
  if (!view.kind.refill) return false;
  const scale = view.chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  const before = view.times;
  if (!view.kind.refill(view, data)) return false;
  // A chart of the newest bars drops as many at its start as arrive at its end.
  const dropped = Math.max(before.indexOf(view.times[0]), 0);
  if (view.shown !== undefined) view.shown = view.shown < dropped ? undefined : view.shown - dropped;
  if (range) {
    const moved = range.to >= before.length - 1 ? view.times.length - before.length : -dropped;
    scale.setVisibleLogicalRange({ from: range.from + moved, to: range.to + moved });
  }
  writeLegend(view);
  return true;
}

// --- Trades: shown by a row of a table, or told to it --------------------------------------------------------------

// Show the time, or the range of a trade, and choose what was held then.
function choose(view, { time, until, trade }) {
  const scale = view.chart.timeScale();
  // The bar that the moment lies in: timeToIndex finds the first one that begins then or later.
  const place = (text) => {
    const time = format.timeOf(text);
    const index = scale.timeToIndex(time, true);
    return index > 0 && view.times[index] > time ? index - 1 : index;
  };
  const index = place(time);
  const end = until ? place(until) : index;
  view.shown = index;
  if (view.mark) view.mark([view.times[index], view.times[end]]);
  const range = scale.getVisibleLogicalRange();
  // A chart of all years shows the trade as it is; else it goes there.
  if (!view.mark || !range || index < range.from || end > range.to) {
    scale.setVisibleLogicalRange({ from: index - MARGIN, to: end + MARGIN });
  }
  if (view.trades) {
    const byId = view.trades.trades.find((each) => String(each.id) === trade);
    view.trades.choose(byId ?? view.trades.at(index));
  }
  writeLegend(view, index);
}

// A chart of a page that shows one of several: the others are hidden.
function reveal(root) {
  const pane = root.closest("[data-view]");
  if (pane?.hidden) document.querySelector(`[data-show-view="${pane.dataset.view}"]`)?.click();
}

// All charts of the target get the trade, so that the one that is shown next has it, too.
export function show(target, asked) {
  const found = [...document.querySelectorAll(target)];
  const root = found.find((each) => !each.closest("[hidden]")) ?? found[0];
  if (!root) return;
  reveal(root);
  for (const each of found) {
    for (const name of ["time", "until", "trade"]) {
      if (asked[name]) each.dataset[name] = asked[name];
      else delete each.dataset[name];
    }
    const view = drawn.get(each);
    // A new address loads its data, and then shows the trade.
    if (each.dataset.chart === "price" && asked.url && asked.url !== each.dataset.url) each.dataset.url = asked.url;
    else if (view?.chart) choose(view, asked);
  }
  markRows(asked.trade);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  root.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
}

function tell(view, trade) {
  if (!trade) return;
  view.trades.choose(trade);
  markRows(String(trade.id), true);
  view.root.dispatchEvent(new CustomEvent("desk:chart-trade", { bubbles: true, detail: { id: trade.id } }));
}

// The row of the chosen trade, wherever it is listed.
function markRows(id, scroll) {
  for (const row of document.querySelectorAll("tr[data-trade]")) {
    const chosen = row.dataset.trade === id;
    row.classList.toggle("row-chosen", chosen);
    if (chosen && scroll) row.scrollIntoView({ block: "nearest" });
  }
}

// --- Setting up ----------------------------------------------------------------------------------------------------

function setUp(root) {
  if (drawn.has(root)) return;
  const view = frame(root, KINDS[root.dataset.chart]);
  drawn.set(root, view);
  if (root.dataset.trade) markRows(root.dataset.trade);
  // A chart that nobody sees yet is drawn when it is shown.
  const begin = () => {
    view.canvas.replaceChildren(element("div", "chart-message", "Loading"));
    load(view);
    const seconds = Number(root.dataset.refresh);
    if (seconds) view.timer = setInterval(() => document.hidden || root.closest("[hidden]") || load(view), seconds * 1000);
    new MutationObserver(() => load(view)).observe(root, { attributeFilter: ["data-url"] });
  };
  if (!root.closest("[hidden]")) begin();
  else root.addEventListener("desk:chart-revealed", begin, { once: true });
}

function remove(root) {
  const view = drawn.get(root);
  if (!view) return;
  clearInterval(view.timer);
  view.request = -1; // no answer that is on its way is drawn
  view.loading?.abort();
  view.chart?.remove();
  drawn.delete(root);
}

function setUpAll(within) {
  if (within.matches?.("[data-chart]")) setUp(within);
  for (const root of within.querySelectorAll("[data-chart]")) setUp(root);
}

// Which of the buttons that give a chart its data is in use.
function markSource(root) {
  for (const each of document.querySelectorAll(`[data-chart-source="#${root.id}"]`)) {
    each.setAttribute("aria-pressed", String(each.dataset.url === root.dataset.url));
  }
  for (const each of document.querySelectorAll(`select[data-chart-select="#${root.id}"]`)) each.value = root.dataset.url;
}

// Other data, without the trade of those before.
function changeSource(target, url) {
  const root = document.querySelector(target);
  for (const name of ["time", "until", "trade"]) delete root.dataset[name];
  markRows("");
  root.dataset.url = url;
  markSource(root);
}

function showView(chosen) {
  const group = chosen.closest("[data-views]");
  for (const each of group.querySelectorAll("[data-show-view]")) {
    each.setAttribute("aria-pressed", String(each.dataset.showView === chosen.dataset.showView));
  }
  for (const pane of group.querySelectorAll("[data-view]")) {
    pane.hidden = pane.dataset.view !== chosen.dataset.showView;
    if (pane.hidden) continue;
    for (const root of pane.querySelectorAll("[data-chart]")) root.dispatchEvent(new CustomEvent("desk:chart-revealed"));
  }
  // The address keeps the view.
  const address = new URL(location.href);
  address.searchParams.set("view", chosen.dataset.showView);
  history.replaceState(history.state, "", address);
}

setUpAll(document);
document.addEventListener("htmx:load", (event) => setUpAll(event.detail.elt));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
  if (event.detail.elt.matches?.("[data-chart]")) remove(event.detail.elt);
});
document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-show-view]");
  if (chosen) showView(chosen);
  const source = event.target.closest("[data-chart-source]");
  if (source) changeSource(source.dataset.chartSource, source.dataset.url);
  const shows = event.target.closest("[data-chart-show]");
  if (shows) {
    const { chartShow, chartUrl, time, until, trade } = shows.dataset;
    show(chartShow, { url: chartUrl, time, until, trade });
    return;
  }
  // A click elsewhere in a row acts like its button or link.
  const row = event.target.closest("[data-chart-row]");
  if (row && !event.target.closest("a, button, input, label, select") && getSelection().isCollapsed) {
    row.querySelector("[data-chart-show], [data-chart-link]")?.click();
  }
});
document.addEventListener("change", (event) => {
  const { chartSelect } = event.target.dataset;
  if (chartSelect) changeSource(chartSelect, event.target.value);
});
onTheme(() => {
  for (const root of document.querySelectorAll("[data-chart]")) {
    const view = drawn.get(root);
    if (!view?.chart) continue;
    view.chart.applyOptions(chartStyle());
    for (const restyle of view.restyle) restyle();
    writeLegend(view);
  }
});
