// Plots: <div class="plot" data-plot="heat-map|histogram|parallel" data-url="…"> shows a plot of that URL's JSON.
// data-controls selects a form: its values are added to the URL, and a change loads the plot again.
(() => {
  const kinds = deskPlotKinds;
  const drawn = new WeakSet();

  function element(tag, className) {
    const made = document.createElement(tag);
    made.className = className;
    return made;
  }

  function frame(root) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    const view = { root, svg, legend: element("p", "plot-legend"), foot: element("p", "plot-foot") };
    view.legend.setAttribute("aria-live", "polite");
    root.replaceChildren(view.legend, svg, view.foot);
    return view;
  }

  function showMessage(view, text) {
    view.plot = null;
    view.svg.replaceChildren();
    view.svg.setAttribute("height", 0);
    view.legend.textContent = text;
    view.foot.textContent = "";
  }

  function redraw(view) {
    const width = view.root.clientWidth;
    if (!view.data || !width || width === view.width) return;
    view.width = width;
    view.svg.replaceChildren();
    view.plot = kinds[view.root.dataset.plot].draw(view.svg, view.data, width);
    if (!view.plot) {
      showMessage(view, "This plot needs a wider screen.");
      return;
    }
    view.svg.setAttribute("width", width);
    view.svg.setAttribute("height", view.plot.height);
    view.svg.setAttribute("aria-label", `${view.root.dataset.label}. ${view.plot.summary} Use the arrow keys to read its values.`);
    view.foot.textContent = view.plot.summary;
    reset(view);
  }

  function reset(view) {
    if (!view.plot) return;
    view.index = view.plot.start;
    view.svg.classList.remove("pointed");
    view.legend.textContent = view.plot.defaultText;
  }

  function show(view, index) {
    if (!view.plot || index < 0 || index === undefined) return;
    view.index = index;
    view.svg.classList.add("pointed");
    view.plot.highlight(index);
    view.legend.textContent = view.plot.describe(index);
  }

  function address(root) {
    const url = new URL(root.dataset.url, location.href);
    const controls = document.querySelector(root.dataset.controls || "#no-controls");
    for (const [name, value] of controls ? new FormData(controls) : []) url.searchParams.set(name, value);
    return url;
  }

  async function load(view) {
    // Responses can arrive out of order: only that of the latest request counts.
    const request = (view.request = (view.request ?? 0) + 1);
    let data = null;
    try {
      const response = await fetch(address(view.root), { headers: { Accept: "application/json" } });
      if (response.ok) data = await response.json();
    } catch {
      // reported below
    }
    if (request !== view.request) return;
    if (data === null) {
      showMessage(view, "The plot could not be loaded. Reload the page to try again.");
      return;
    }
    if (!kinds[view.root.dataset.plot].of(data)) {
      showMessage(view, "There are no data to plot: no row has a score and enough trades yet.");
      return;
    }
    view.data = data;
    view.width = 0;
    redraw(view);
  }

  function setUp(root) {
    if (drawn.has(root)) return;
    drawn.add(root);
    const view = frame(root);
    load(view);
    new ResizeObserver(() => redraw(view)).observe(root);
    document.querySelector(root.dataset.controls || "#no-controls")?.addEventListener("change", () => load(view));
    view.svg.addEventListener("pointermove", (event) => {
      const box = view.svg.getBoundingClientRect();
      show(view, view.plot?.at(event.clientX - box.left, event.clientY - box.top));
    });
    view.svg.addEventListener("pointerleave", () => reset(view));
    view.svg.addEventListener("keydown", (event) => {
      if (!view.plot || !event.key.startsWith("Arrow")) return;
      event.preventDefault();
      show(view, view.plot.step(view.index, event.key));
    });
  }

  for (const root of document.querySelectorAll("[data-plot]")) setUp(root);
  document.addEventListener("htmx:load", (event) => {
    for (const root of event.detail.elt.querySelectorAll("[data-plot]")) setUp(root);
  });
})();
