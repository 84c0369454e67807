// The colours of charts: variables of the theme (charts.css), so that a chart follows the theme and the mode.
const root = document.documentElement;

export const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
export const font = () => getComputedStyle(document.body).fontFamily;
export const lineColor = (index) => css(`--chart-line-${(index % 6) + 1}`);

// Calls back when the theme or the mode of the page changes.
export function onTheme(callback) {
  document.addEventListener("desk:theme", callback);
  new MutationObserver(callback).observe(root, { attributeFilter: ["data-mode"] });
}
