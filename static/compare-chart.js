// A kind of chart for several equity curves on one scale. Lines differ in colour and stroke, as in the page's key
// (tables.css).
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const level = (value) => value.toFixed(2);

  function draw(view, data) {
    const { LineSeries, LineStyle } = LightweightCharts;
    const strokes = [LineStyle.Solid, LineStyle.LargeDashed, LineStyle.Dashed, LineStyle.Dotted];
    const options = { priceLineVisible: false, priceFormat: { type: "custom", minMove: 0.01, formatter: level } };
    // A line at the common start value over all dates: the curves may start and end on different dates.
    view.times = [...new Set(data.lines.flatMap((line) => line.data.map((row) => row.time)))].sort();
    const baseline = { ...options, lineWidth: 1, lastValueVisible: false, crosshairMarkerVisible: false };
    view.main = view.chart.addSeries(LineSeries, baseline);
    view.main.setData(view.times.map((time) => ({ time, value: data.base })));
    const restyle = () => view.main.applyOptions({ color: css("--chart-text") });
    restyle();
    view.restyle.push(restyle);
    data.lines.forEach((line, index) => {
      const color = () => css(`--compare-${index + 1}`);
      const style = () => ({ color: color(), lineStyle: strokes[index], lineWidth: 2, crosshairMarkerRadius: 3 });
      const series = view.chart.addSeries(LineSeries, { ...options, ...style() });
      series.setData(line.data);
      view.entries.push({ series, name: line.name, write: (row) => ({ text: level(row.value) }), style, swatch: color });
    });
  }

  deskChartKinds.comparison = { draw, of: "lines", ranges: true, scales: true };
})();
