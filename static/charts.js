// Charts: <div class="chart" data-chart="price|equity|line|histogram" data-url="…"> shows a chart of that URL's JSON.
(() => {
  const RANGES = { "3M": 63, "1Y": 252, "5Y": 1260, All: Infinity };
  const MARGIN = 45; // bars on each side of the time that is shown
  const { style: chartStyle, time: chartTime } = deskChartKinds;
  const drawn = new WeakMap();

  // --- Around the canvas: legend, ranges, credit ----------------------------------------------------------

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function addToLegend(view, { name, text, tone, swatch }) {
    const item = element("span");
    if (swatch) {
      const mark = element("span", "chart-swatch");
      mark.style.background = swatch();
      item.append(mark);
    }
    if (name) item.append(element("span", "muted", `${name} `));
    item.append(element("b", tone, text));
    view.legend.append(item);
  }

  // The values at a bar; by default at the time that was last shown, else at the last bar.
  function writeLegend(view, bar) {
    if (view.legendText) {
      const [name, text] = view.legendText(bar);
      view.legend.replaceChildren();
      addToLegend(view, { name, text });
      return;
    }
    const index = bar ?? view.shown ?? view.last;
    const at = view.main.dataByIndex(index, LightweightCharts.MismatchDirection.NearestLeft)?.time;
    const day = typeof at === "number" ? `${new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")} ET` : at;
    view.legend.replaceChildren(element("span", "muted", day));
    for (const { series, name, write, swatch } of view.entries) {
      const row = series.dataByIndex(index);
      if (!row || !("value" in row || "close" in row)) continue;
      addToLegend(view, { name, swatch, ...write(row, series.dataByIndex(index - 1)) });
    }
    for (const entry of view.extraEntries?.(index) ?? []) addToLegend(view, entry);
  }

  function frame(root) {
    const legend = element("div", "chart-legend");
    const canvas = element("div", "chart-canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", root.dataset.label || "Chart");
    const foot = element("div", "chart-foot");
    const ranges = element("div", "chart-ranges");
    const credit = element("a", "", "Charts by TradingView");
    credit.href = "https://www.tradingview.com/";
    credit.rel = "noopener noreferrer";
    credit.target = "_blank";
    foot.append(ranges, credit);
    root.replaceChildren(legend, canvas, foot);
    return { root, legend, canvas, ranges };
  }

  function addRanges(view) {
    const daily = typeof view.times[0] === "string";
    for (const [name, bars] of Object.entries(RANGES)) {
      if (bars !== Infinity && (!daily || bars >= view.times.length)) continue;
      const button = element("button", "btn btn-ghost btn-xs", name);
      button.type = "button";
      button.addEventListener("click", () => {
        const scale = view.chart.timeScale();
        if (bars === Infinity) scale.fitContent();
        else scale.setVisibleLogicalRange({ from: view.times.length - bars, to: view.times.length + 2 });
      });
      view.ranges.append(button);
    }
  }

  // Over many years only a logarithmic scale shows equal percentage changes as equal.
  function addLogButton(view) {
    const { Logarithmic, Normal } = LightweightCharts.PriceScaleMode;
    const button = element("button", "btn btn-ghost btn-xs", "Log");
    button.type = "button";
    button.title = "Logarithmic scale";
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const log = button.getAttribute("aria-pressed") !== "true";
      view.main.priceScale().applyOptions({ mode: log ? Logarithmic : Normal });
      button.setAttribute("aria-pressed", String(log));
      button.classList.toggle("btn-active", log);
    });
    view.ranges.append(button);
  }

  function showMessage(view, text) {
    view.canvas.removeAttribute("role");
    view.canvas.replaceChildren(element("p", "chart-message", text));
  }

  async function setUp(root) {
    if (drawn.has(root)) return;
    const view = { ...frame(root), entries: [], restyle: [], times: [] };
    drawn.set(root, view);
    const kind = deskChartKinds[root.dataset.chart];
    let data;
    try {
      const response = await fetch(root.dataset.url, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(String(response.status));
      data = await response.json();
    } catch {
      showMessage(view, "The chart could not be loaded. Reload the page to try again.");
      return;
    }
    if (!data[kind.of]?.length) {
      showMessage(view, "There are no data to plot yet.");
      return;
    }
    view.chart = (kind.create ?? LightweightCharts.createChart)(view.canvas, { autoSize: true, ...chartStyle() });
    kind.draw(view, data);
    view.chart.timeScale().applyOptions({ minBarSpacing: 0.05, timeVisible: typeof view.times[0] === "number" });
    view.chart.panes().forEach((pane, index) => pane.setStretchFactor(index ? 1 : 3));
    view.last = view.chart.timeScale().timeToIndex(view.times.at(-1), true);
    view.chart.subscribeCrosshairMove((param) => writeLegend(view, param.time ? param.logical : undefined));
    if (view.fit) view.fit();
    else view.chart.timeScale().fitContent();
    writeLegend(view);
    if (kind.ranges) addRanges(view);
    if (kind.scales) addLogButton(view);
    if (root.dataset.time) show(root, root.dataset.time, root.dataset.until);
  }

  // Scroll to a time, or to the range between two times, and highlight the trade open then.
  function show(id, time, until = time) {
    const root = typeof id === "string" ? document.getElementById(id) : id;
    if (!root) return;
    const view = drawn.get(root);
    if (!view?.chart) {
      // Still loading: the chart shows this time when it is drawn.
      Object.assign(root.dataset, { time, until });
      return;
    }
    const scale = view.chart.timeScale();
    const place = (moment) => scale.timeToIndex(/^\d+$/.test(moment) ? chartTime(Number(moment)) : moment, true);
    const index = place(time);
    view.shown = index;
    scale.setVisibleLogicalRange({ from: index - MARGIN, to: place(until || time) + MARGIN });
    view.levels?.select(view.levels.at(index));
    const bar = view.main.dataByIndex(index);
    // The new range applies in the next frame; the position of the crosshair depends on it.
    const placeCrosshair = () => {
      view.chart.setCrosshairPosition(bar.close ?? bar.value, bar.time, view.main);
      writeLegend(view, index);
    };
    requestAnimationFrame(() => requestAnimationFrame(placeCrosshair));
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    root.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  }

  function remove(root) {
    drawn.get(root)?.chart?.remove();
    drawn.delete(root);
  }

  window.deskCharts = { show };
  const setUpAll = (within) => {
    if (within.matches?.("[data-chart]")) setUp(within);
    for (const root of within.querySelectorAll("[data-chart]")) setUp(root);
  };
  // Not earlier: scripts of the page may add kinds of charts.
  document.addEventListener("DOMContentLoaded", () => setUpAll(document));
  document.addEventListener("htmx:load", (event) => setUpAll(event.detail.elt));
  document.addEventListener("htmx:beforeCleanupElement", (event) => remove(event.detail.elt));
  document.addEventListener("desk:chart-show", (event) => show(event.detail.id, event.detail.time));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-show]");
    if (button) {
      show(document.querySelector(button.dataset.chartShow), button.dataset.time, button.dataset.until);
      return;
    }
    // A click elsewhere in a row acts like its button or link.
    const row = event.target.closest("[data-chart-row]");
    if (row && !event.target.closest("a, button, input, label") && getSelection().isCollapsed) {
      row.querySelector("[data-chart-show], [data-chart-link]")?.click();
    }
  });
  document.addEventListener("desk:theme", () => {
    for (const root of document.querySelectorAll("[data-chart]")) {
      const view = drawn.get(root);
      if (!view?.chart) continue;
      view.chart.applyOptions(chartStyle());
      for (const { series, style } of view.entries) series.applyOptions(style());
      for (const restyle of view.restyle) restyle();
      writeLegend(view);
    }
  });
})();
