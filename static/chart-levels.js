// Stop and target of each trade on a price chart, as dashed lines from entry to exit; the selected trade is highlighted.
(() => {
  const MAX_DISTANCE = 1.5; // levels of the selected trade within this factor of its entry stay visible
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  class Levels {
    // trades: [{from, to, entry, stop, target}] in the order of time; from and to are indexes on the time scale
    constructor(trades) {
      this.trades = trades;
      this.selected = null;
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

    // The trade open at an index.
    at(index) {
      return this.trades.findLast((trade) => trade.from <= index && index <= trade.to);
    }

    select(trade) {
      this.selected = trade ?? null;
      this.requestUpdate();
    }

    autoscaleInfo() {
      if (!this.selected) return null;
      const { entry, stop, target } = this.selected;
      const near = [stop, target].filter((level) => level && level < entry * MAX_DISTANCE && level > entry / MAX_DISTANCE);
      return { priceRange: { minValue: Math.min(entry, ...near), maxValue: Math.max(entry, ...near) } };
    }

    draw({ context, mediaSize }) {
      const scale = this.chart.timeScale();
      const half = scale.options().barSpacing / 2;
      for (const trade of this.trades) {
        const left = scale.logicalToCoordinate(trade.from) - half;
        const right = Math.max(scale.logicalToCoordinate(trade.to) + half, left + 2);
        if (right < 0 || left > mediaSize.width) continue;
        if (trade === this.selected) {
          context.fillStyle = css("--chart-chosen");
          context.fillRect(left, 0, right - left, mediaSize.height);
        }
        context.lineWidth = trade === this.selected ? 2 : 1;
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
