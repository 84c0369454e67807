// Zooming and moving with the wheel and the keyboard.
const FEWEST = 10; // bars

export function zoom(view, factor, anchor) {
  const scale = view.chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (!range) return;
  const width = Math.min(Math.max((range.to - range.from) * factor, FEWEST), view.times.length + 10);
  const at = anchor ?? range.to;
  const share = (at - range.from) / (range.to - range.from);
  scale.setVisibleLogicalRange({ from: at - share * width, to: at + (1 - share) * width });
}

function move(view, bars) {
  const scale = view.chart.timeScale();
  const range = scale.getVisibleLogicalRange();
  if (range) scale.setVisibleLogicalRange({ from: range.from + bars, to: range.to + bars });
}

// The crosshair at a bar, with its values in the legend.
export function point(view, index) {
  const within = Math.min(Math.max(index, 0), view.times.length - 1);
  const range = view.chart.timeScale().getVisibleLogicalRange();
  if (range && within > range.to) move(view, within - range.to);
  if (range && within < range.from) move(view, within - range.from);
  view.shown = within;
  const row = view.main.dataByIndex(within);
  const level = row?.close ?? row?.value;
  if (level !== undefined) view.chart.setCrosshairPosition(level, row.time, view.main);
  view.writeLegend(within);
}

export function listenForZoom(view) {
  view.canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !view.chart) return;
      event.preventDefault();
      const left = event.clientX - view.canvas.getBoundingClientRect().left;
      zoom(view, Math.exp(event.deltaY / 300), view.chart.timeScale().coordinateToLogical(left) ?? undefined);
    },
    { passive: false },
  );
  const at = () => view.shown ?? view.times.length - 1;
  const keys = {
    ArrowLeft: (event) => (event.shiftKey ? move(view, -10) : point(view, at() - 1)),
    ArrowRight: (event) => (event.shiftKey ? move(view, 10) : point(view, at() + 1)),
    Home: () => point(view, 0),
    End: () => point(view, view.times.length - 1),
    "+": () => zoom(view, 0.7),
    "=": () => zoom(view, 0.7),
    "-": () => zoom(view, 1.4),
    Enter: () => view.choose?.(at()),
    Escape: () => {
      view.shown = undefined;
      view.chart.clearCrosshairPosition();
      view.writeLegend();
    },
  };
  view.canvas.addEventListener("keydown", (event) => {
    if (!view.chart || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    // Without a chosen bar, Escape closes the dialog that the chart is in.
    if (event.key === "Escape" && view.shown === undefined) return;
    event.preventDefault();
    keys[event.key](event);
  });
}
