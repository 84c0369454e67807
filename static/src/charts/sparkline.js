// <desk-spark values="3,1,4" class="gain" label="…">: a line as small as a word. As an element of its own with its
// drawing out of sight of the page, it survives the refresh of its region.
// zero draws the line at zero; joins="1:3.2,7:4" joins the ends of a trade, each a place among the values and a height.
// kind="bars" draws columns; mark="2.5" a line at a place between the first (0) and the last value; width and height.
const NAMESPACE = "http://www.w3.org/2000/svg";
const PAD = 3;

function shape(parent, tag, attributes) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
}

function drawLine(svg, values, { width, height, zero, joins }) {
  const ends = joins.split(",").filter(Boolean).map((end) => end.split(":").map(Number));
  const heights = [...values, ...ends.map(([, value]) => value), ...(zero ? [0] : [])];
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const x = (index) => (PAD + (index / Math.max(values.length - 1, 1)) * (width - 2 * PAD)).toFixed(1);
  const y = (value) => (high > low ? PAD + (1 - (value - low) / (high - low)) * (height - 2 * PAD) : height / 2).toFixed(1);
  const grey = { fill: "none", stroke: "var(--chart-text)", "stroke-width": 1.25, "stroke-linejoin": "round" };
  if (zero) {
    const dashes = { "stroke-dasharray": "2 2", "stroke-width": 1, "stroke-opacity": 0.6 };
    shape(svg, "line", { x1: x(0), x2: x(values.length - 1), y1: y(0), y2: y(0), ...grey, ...dashes });
  }
  shape(svg, "polyline", { points: values.map((value, index) => `${x(index)},${y(value)}`).join(" "), ...grey });
  if (!ends.length) ends.push([values.length - 1, values.at(-1)]);
  else {
    const [[from, bought], [to, sold]] = ends;
    shape(svg, "line", { x1: x(from), y1: y(bought), x2: x(to), y2: y(sold), stroke: "currentColor", "stroke-width": 1.5 });
  }
  for (const [index, value] of ends) shape(svg, "circle", { cx: x(index), cy: y(value), r: 2, fill: "currentColor" });
}

function drawBars(svg, values, { width, height, mark, down }) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const y = (value) => (high > low ? (1 - (value - low) / (high - low)) * (height - 1) : height - 1);
  const wide = width / values.length;
  values.forEach((value, index) => {
    const top = Math.min(y(value), y(0));
    const bar = { x: index * wide, y: top, width: Math.max(wide - 1, 0.5), height: Math.max(Math.abs(y(value) - y(0)), 0.5) };
    shape(svg, "rect", { ...bar, fill: value < 0 && down ? `var(${down})` : "currentColor" });
  });
  shape(svg, "line", { x1: 0, x2: width, y1: y(0) + 0.5, y2: y(0) + 0.5, stroke: "var(--chart-line)" });
  if (mark === null) return;
  const at = Math.min(Math.max(Number(mark), 0), values.length) * wide;
  shape(svg, "line", { x1: at, x2: at, y1: 4, y2: height, stroke: "var(--chart-mark)", "stroke-width": 1.5 });
  shape(svg, "circle", { cx: at, cy: 3, r: 2.5, fill: "var(--chart-mark)" });
}

class Spark extends HTMLElement {
  static observedAttributes = ["values", "kind", "mark", "zero", "joins", "label", "width", "height"];

  connectedCallback() {
    this.draw();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.draw();
  }

  draw() {
    const values = (this.getAttribute("values") || "").split(",").filter(Boolean).map(Number).filter(Number.isFinite);
    const size = (name, usual) => Number(this.getAttribute(name)) || usual;
    const [width, height] = [size("width", 72), size("height", 22)];
    const svg = document.createElementNS(NAMESPACE, "svg");
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, role: "img" }))
      svg.setAttribute(name, value);
    const label = this.getAttribute("label");
    if (label) svg.setAttribute("aria-label", label);
    else svg.setAttribute("aria-hidden", "true");
    const [mark, down] = [this.getAttribute("mark"), this.getAttribute("down")];
    const drawing = { width, height, mark, down, zero: this.hasAttribute("zero"), joins: this.getAttribute("joins") ?? "" };
    if (values.length > 1 || this.getAttribute("kind") === "bars") {
      (this.getAttribute("kind") === "bars" ? drawBars : drawLine)(svg, values, drawing);
    }
    (this.shadowRoot ?? this.attachShadow({ mode: "open" })).replaceChildren(svg);
  }
}

customElements.define("desk-spark", Spark);
