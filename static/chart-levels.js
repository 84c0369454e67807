// Stop and target of each trade on a price chart: a dashed line from its entry to its exit. The chosen trade stands out.
(() => {
  const WITHIN = 1.5; // of the chosen trade the levels this near to its price, as a factor, stay in sight
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  class Levels {
    // trades: [{from, to, entry, stop, target}], from and to as places on the time scale, in the order of time
    constructor(trades) {
      this.trades = trades;
      this.chosen = null;
      this.views = [
        {
          zOrder: () => "bottom",
          renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace((scope) => this.draw(scope)) }),
        },
      ];
    }

    attached({ chart, series, requestUpdate }) {
      Object.assign(this, { chart, series, requestUpdate });
    }

    paneViews() {
      return this.views;
    }

    // The trade held at that place.
    at(place) {
      return this.trades.findLast((trade) => trade.from <= place && place <= trade.to);
    }

    choose(trade) {
      this.chosen = trade ?? null;
      this.requestUpdate();
    }

    autoscaleInfo() {
      if (!this.chosen) return null;
      const { entry, stop, target } = this.chosen;
      const near = [stop, target].filter((level) => level && level < entry * WITHIN && level > entry / WITHIN);
      return { priceRange: { minValue: Math.min(entry, ...near), maxValue: Math.max(entry, ...near) } };
    }

    draw({ context, mediaSize }) {
      const scale = this.chart.timeScale();
      const half = scale.options().barSpacing / 2;
      for (const trade of this.trades) {
        const left = scale.logicalToCoordinate(trade.from) - half;
        const right = Math.max(scale.logicalToCoordinate(trade.to) + half, left + 2);
        if (right < 0 || left > mediaSize.width) continue;
        if (trade === this.chosen) {
          context.fillStyle = css("--chart-chosen");
          context.fillRect(left, 0, right - left, mediaSize.height);
        }
        context.lineWidth = trade === this.chosen ? 2 : 1;
        context.setLineDash([4, 3]);
        for (const [level, color] of [
          [trade.stop, "--chart-down"],
          [trade.target, "--chart-up"],
        ]) {
          const height = level === null ? null : this.series.priceToCoordinate(level);
          if (height === null) continue;
          context.strokeStyle = css(color);
          context.beginPath();
          context.moveTo(left, height);
          context.lineTo(right, height);
          context.stroke();
        }
      }
    }
  }

  window.DeskLevels = Levels;
})();
