export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(className, text, onClick) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// A drawing of 16 by 16 in the colour of the text; path is that of SVG.
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "chart-icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

// The same figures as a table, for screen readers and whoever wants them: made when it is opened.
// table(): {caption, heads, rows}
export function figuresTable(label, table) {
  const details = element("details", "chart-figures");
  details.append(element("summary", "", `Figures of ${label} as a table`));
  details.addEventListener("toggle", () => {
    details.querySelector("div")?.remove();
    if (!details.open) return;
    const { caption, heads, rows } = table();
    const drawn = element("table", "table table-xs");
    drawn.append(element("caption", "sr-only", caption));
    const head = drawn.createTHead().insertRow();
    for (const name of heads) {
      const cell = element("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    const body = drawn.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = value;
    }
    const scroll = element("div", "table-scroll chart-figures-body");
    scroll.tabIndex = 0;
    scroll.append(drawn);
    details.append(scroll);
  });
  return details;
}

// What the browser remembers of the reader's choices; without storage it remembers nothing.
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // the choice holds for this page
  }
}
