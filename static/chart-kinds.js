// Kinds of charts: price, equity, line and histogram, with their axes, colours and series.
(() => {
  const MARKER_WIDTH = 64; // pixels that the text of a marker needs
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dollars = (value) => value.toLocaleString("en-US", { style: "currency", currency: "USD" });
  const wholeDollars = (value) =>
    value.toLocaleString("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
  const decimals = (digits) => (value) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  // Two decimals; four for prices below one dollar.
  const priceFormatter = (rows) => decimals(rows.every((row) => Math.abs(row.value ?? row.close ?? 0) < 1) ? 4 : 2);
  const percent = (value) => `${(Math.abs(value) < 0.005 ? 0 : value).toFixed(2)}%`;
  const shape = (formatter) => ({ type: "custom", minMove: 0.0001, formatter });

  // --- Time: dates are text; unix seconds are shifted so that the axis shows New York time ----------------

  const newYork = new Intl.DateTimeFormat("en-US", {
    timeZone: "America/New_York",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
  });
  const offsets = new Map();
  function offset(seconds) {
    const hour = Math.floor(seconds / 3600);
    if (!offsets.has(hour)) {
      const part = Object.fromEntries(newYork.formatToParts(hour * 3600e3).map(({ type, value }) => [type, +value]));
      offsets.set(hour, Date.UTC(part.year, part.month - 1, part.day, part.hour) / 1000 - hour * 3600);
    }
    return offsets.get(hour);
  }
  const chartTime = (time) => (typeof time === "number" ? time + offset(time) : time);
  const points = (rows) =>
    rows.map((row) => (row.value === null ? { time: chartTime(row.time) } : { ...row, time: chartTime(row.time) }));

  // --- Style: all colours come from the theme -------------------------------------------------------------

  const primary = () => css("--color-primary");
  const dashed = () => ({ lineStyle: LightweightCharts.LineStyle.Dashed });
  const lineColor = (index) => css(`--chart-line-${(index % 6) + 1}`);
  const chartStyle = () => ({
    layout: {
      background: { color: "transparent" },
      textColor: css("--chart-text"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: false,
      panes: { separatorColor: css("--color-base-300"), separatorHoverColor: css("--chart-grid") },
    },
    grid: { vertLines: { color: css("--chart-grid") }, horzLines: { color: css("--chart-grid") } },
    crosshair: {
      vertLine: { color: css("--chart-text"), labelBackgroundColor: css("--color-neutral") },
      horzLine: { color: css("--chart-text"), labelBackgroundColor: css("--color-neutral") },
    },
    rightPriceScale: { borderColor: css("--color-base-300") },
    timeScale: { borderColor: css("--color-base-300") },
  });

  // --- Kinds: each adds its series with their format and colours ------------------------------------------

  function add(view, definition, pane, name, data, write, axis, style, swatch) {
    const series = view.chart.addSeries(definition, { priceFormat: shape(axis), ...style() }, pane);
    series.setData(data);
    view.entries.push({ series, name, write, style, swatch });
    return series;
  }

  function addLine(view, line, color, options, write, axis) {
    const style = () => ({
      color: color(),
      lineWidth: 1.5,
      priceLineVisible: false,
      lastValueVisible: false,
      crosshairMarkerRadius: 3,
      ...options,
    });
    const pane = line.pane || 0;
    return add(view, LightweightCharts.LineSeries, pane, line.name, points(line.data), write, axis, style, color);
  }

  function drawPrice(view, data) {
    const bars = points(data.bars);
    const style = () => ({
      upColor: css("--chart-up"),
      downColor: css("--chart-down"),
      wickUpColor: css("--chart-up"),
      wickDownColor: css("--chart-down"),
      borderVisible: false,
    });
    const price = priceFormatter(bars);
    const write = (bar, before) => {
      const change = (bar.close / (before?.close ?? bar.open) - 1) * 100;
      const levels = `O ${price(bar.open)} H ${price(bar.high)} L ${price(bar.low)} C ${price(bar.close)}`;
      return { text: `${levels} ${change > 0 ? "+" : ""}${percent(change)}`, tone: change < 0 ? "loss" : "gain" };
    };
    // The margin for markers can extend below zero, where there are no prices.
    const axis = (value) => (value < 0 ? "" : price(value));
    view.times = bars.map((bar) => bar.time);
    view.main = add(view, LightweightCharts.CandlestickSeries, 0, "", bars, write, axis, style);
    (data.lines || []).forEach((line, index) => {
      const level = priceFormatter(line.data);
      addLine(view, line, () => lineColor(index), {}, (row) => ({ text: level(row.value) }), level);
    });
    drawMarkers(view, data.markers || []);
    drawLevels(view, data.levels || [], price);
  }

  function drawLevels(view, rows, price) {
    const place = (time) => view.chart.timeScale().timeToIndex(chartTime(time), true);
    view.levels = new DeskLevels(rows.map((row) => ({ ...row, from: place(row.from), to: place(row.to) })));
    view.main.attachPrimitive(view.levels);
    view.restyle.push(() => view.levels.select(view.levels.selected));
    view.extraEntries = (index) => {
      const { stop, target } = view.levels.at(index) ?? {};
      return [
        { name: "Stop", level: stop, color: "--chart-down" },
        { name: "Target", level: target, color: "--chart-up" },
      ]
        .filter(({ level }) => level)
        .map(({ name, level, color }) => ({ name, text: price(level), swatch: () => css(color) }));
    };
  }

  function drawMarkers(view, rows) {
    const times = rows.map((row) => chartTime(row.time)).sort();
    const plugin = LightweightCharts.createSeriesMarkers(view.main, []);
    let hasText = null;
    const build = (withText) =>
      rows.map((row) => ({
        time: chartTime(row.time),
        position: row.side === "buy" ? "belowBar" : "aboveBar",
        shape: row.side === "buy" ? "arrowUp" : "arrowDown",
        color: css(row.side === "buy" ? "--chart-buy" : "--chart-sell"),
        text: withText ? row.text : "",
      }));
    const update = (again) => {
      const range = view.chart.timeScale().getVisibleRange();
      if (!range) return;
      const visible = times.filter((time) => time >= range.from && time <= range.to).length;
      const room = visible * MARKER_WIDTH <= view.canvas.clientWidth;
      if (again !== true && hasText === room) return;
      hasText = room;
      plugin.setMarkers(build(hasText));
    };
    view.chart.timeScale().subscribeVisibleLogicalRangeChange(update);
    view.restyle.push(() => update(true));
  }

  function drawEquity(view, data) {
    const equity = points(data.equity);
    const style = () => ({
      lineColor: css("--color-primary"),
      topColor: css("--chart-area-top"),
      bottomColor: css("--chart-area-bottom"),
      lineWidth: 2,
      priceLineVisible: false,
    });
    const money = (row) => ({ text: dollars(row.value) });
    view.times = equity.map((row) => row.time);
    view.main = add(view, LightweightCharts.AreaSeries, 0, "Equity", equity, money, wholeDollars, style, () =>
      css("--color-primary"),
    );
    if (data.buy_and_hold?.length) {
      const hold = { name: "Buy and hold", data: data.buy_and_hold };
      addLine(view, hold, () => lineColor(0), dashed(), money, wholeDollars);
    }
    if (!data.drawdown?.length) return;
    const drawdown = () => ({
      lineColor: css("--chart-down"),
      topColor: css("--chart-loss-top"),
      bottomColor: css("--chart-loss-bottom"),
      invertFilledArea: true,
      lineWidth: 1,
      priceLineVisible: false,
    });
    const depth = (row) => ({ text: percent(row.value) });
    add(view, LightweightCharts.AreaSeries, 1, "Drawdown", points(data.drawdown), depth, percent, drawdown, () =>
      css("--chart-down"),
    );
  }

  function drawLines(view, data) {
    const write = view.root.dataset.unit === "percent" ? percent : decimals(2);
    const valueText = (row) => ({ text: write(row.value) });
    const [main, ...others] = data.lines;
    // A part of a whole: the axis always spans 0% to 100%.
    const whole = { autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }) };
    const style = { lineWidth: 2, ...(view.root.dataset.unit === "percent" ? whole : {}) };
    view.main = addLine(view, main, primary, style, valueText, write);
    others.forEach((line, index) => addLine(view, line, () => lineColor(index), dashed(), valueText, write));
    view.times = points(main.data).map((row) => row.time);
    const zero = view.main.createPriceLine({ price: 0, lineWidth: 1, axisLabelVisible: false });
    const restyle = () => zero.applyOptions({ color: css("--chart-text") });
    restyle();
    view.restyle.push(restyle);
  }

  const HALF_A_LABEL = 24; // pixels

  function drawHistogram(view, data) {
    const write = view.root.dataset.unit === "dollars" ? wholeDollars : decimals(2);
    const trades = (count) => `${count} ${count === 1 ? "trade" : "trades"}`;
    const color = (bin) => css(bin.from < 0 ? "--chart-down" : "--chart-up");
    // Bars are centred, so the axis shows the middle of each bin.
    const middles = data.bins.map((bin) => (bin.from + bin.to) / 2);
    const build = () => data.bins.map((bin, index) => ({ time: middles[index], value: bin.count, color: color(bin) }));
    const options = { priceFormat: { ...shape((value) => String(Math.round(value))), minMove: 1 }, priceLineVisible: false };
    view.main = view.chart.addSeries(LightweightCharts.HistogramSeries, { ...options, lastValueVisible: false });
    view.main.setData(build());
    view.restyle.push(() => view.main.setData(build()));
    view.times = middles;
    view.chart.applyOptions({ localization: { precision: middles.every(Number.isInteger) ? 0 : 2 } });
    // Empty bins at both ends, so that the labels of the first and the last bar are not clipped.
    view.fit = () => {
      const scale = view.chart.timeScale();
      const room = Math.max(1, Math.ceil((data.bins.length * HALF_A_LABEL) / (scale.width() || Infinity)));
      scale.setVisibleLogicalRange({ from: -room, to: data.bins.length - 1 + room });
    };
    view.legendText = (index) => {
      const bin = data.bins[index];
      const all = data.bins.reduce((sum, { count }) => sum + count, 0);
      return bin ? [`${write(bin.from)} to ${write(bin.to)}`, trades(bin.count)] : ["All", trades(all)];
    };
  }

  window.deskChartKinds = {
    price: { draw: drawPrice, of: "bars", ranges: true, scales: true },
    equity: { draw: drawEquity, of: "equity", ranges: true, scales: true },
    line: { draw: drawLines, of: "lines", ranges: true },
    histogram: { draw: drawHistogram, of: "bins", create: (...of) => LightweightCharts.createOptionsChart(...of) },
    style: chartStyle,
    time: chartTime,
  };
})();
