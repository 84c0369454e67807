// A custom series: what was to be expected, as a band of 5 to 95%, one of 25 to 75% in it, and the median dotted.
import { customSeriesDefaultOptions } from "lightweight-charts";

class ConeRenderer {
  draw(target, toCoordinate) {
    const { bars, visibleRange, options } = this;
    if (!bars?.length || !visibleRange) return;
    const shown = bars.slice(visibleRange.from, visibleRange.to).filter(({ originalData }) => originalData.p50 !== undefined);
    if (!shown.length) return;
    target.useMediaCoordinateSpace(({ context }) => {
      const path = (name, back) =>
        (back ? [...shown].reverse() : shown).map(({ x, originalData }) => [x, toCoordinate(originalData[name])]);
      const trace = (line) => line.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
      for (const [low, high, color] of [["p5", "p95", options.outer], ["p25", "p75", options.inner]]) {
        context.fillStyle = color;
        context.beginPath();
        trace([...path(high), ...path(low, true)]);
        context.fill();
      }
      context.strokeStyle = options.median;
      context.lineWidth = 1;
      context.setLineDash([1, 3]);
      context.beginPath();
      trace(path("p50"));
      context.stroke();
    });
  }
}

export class Cone {
  constructor() {
    this.view = new ConeRenderer();
  }

  renderer() {
    return this.view;
  }

  priceValueBuilder(row) {
    return [row.p5, row.p95, row.p50];
  }

  isWhitespace(row) {
    return row.p50 === undefined;
  }

  update(data, options) {
    Object.assign(this.view, { bars: data.bars, visibleRange: data.visibleRange, options });
  }

  defaultOptions() {
    return { ...customSeriesDefaultOptions, outer: "transparent", inner: "transparent", median: "transparent" };
  }
}
