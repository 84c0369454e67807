// Kinds of plots as SVG: heat map, histogram and parallel coordinates. Colours are variables of the theme, so a plot
// changes with the theme.
//
// Each kind draws into an empty SVG of a given width and returns
// { height, summary, defaultText, start, at(x, y), step(index, key), describe(index), highlight(index) }. summary: text of
// the whole plot. defaultText: shown when no item is selected. start: the first item for the arrow keys. at: the item at a
// point, -1 for none. step: the item that an arrow key moves to. describe: the text of an item.
(() => {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const TOP_LINES = 20;
  const MIN_AXIS_GAP = 72; // pixels between two axes that remain readable

  function draw(parent, tag, attributes, text) {
    const made = document.createElementNS(NAMESPACE, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  const figure = (value) => value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 0.1 ? 4 : 2 });
  const ratio = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const percent = (value) =>
    value.toLocaleString("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const writerOf = (data) => (data.format === "percent" ? percent : ratio);
  const whole = (value) => value.toLocaleString("en-US");
  const range = ([least, greatest]) => (least === greatest ? figure(least) : `${figure(least)}–${figure(greatest)}`);
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const moved = (index, by, count) => within(index + by, 0, count - 1);
  // n, where only every n-th label of this width fits.
  const labelStep = (space, width, count) => Math.max(Math.ceil((width * count) / Math.max(space, 1)), 1);

  // Unless a search is completed, only its best rows are known.
  const counted = (data, number, noun) =>
    data.complete ? `${whole(number)} ${noun}` : `the best ${whole(number)} ${noun} kept so far`;

  // The colour scale, from the lowest to the highest score.
  function scale(svg, right, low, high, score) {
    const band = draw(draw(svg, "defs", {}), "linearGradient", { id: "heat-scale" });
    draw(band, "stop", { offset: 0, "stop-color": "var(--heat-low)" });
    draw(band, "stop", { offset: 1, "stop-color": "var(--heat-high)" });
    draw(svg, "text", { x: right - 148, y: 11, "text-anchor": "end" }, score(low));
    draw(svg, "rect", { x: right - 142, y: 3, width: 96, height: 9, fill: "url(#heat-scale)" });
    draw(svg, "text", { x: right - 40, y: 11 }, score(high));
  }

  // --- Heat map -------------------------------------------------------------------------------------------

  function heatMap(svg, data, width) {
    const { x, y, cells, counts, tried } = data;
    const score = writerOf(data);
    const [across, up] = [x.ends.length, y.ends.length];
    const box = { left: 48, top: 22, width: width - 56, cell: within(320 / up, 9, 30) };
    const wide = box.width / across;
    const bottom = box.top + box.cell * up;
    const known = cells.flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const share = (value) => (high > low ? ((value - low) / (high - low)) * 100 : 100);
    const place = (index) => [index % across, Math.floor(index / across)];
    // The first row of the data is at the bottom.
    const corner = (index) => [box.left + (index % across) * wide, bottom - (Math.floor(index / across) + 1) * box.cell];

    const hatch = draw(draw(svg, "defs", {}), "pattern", {
      id: "no-score",
      width: 5,
      height: 5,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    });
    draw(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 5, stroke: "var(--color-base-300)", "stroke-width": 2 });
    cells.flat().forEach((value, index) => {
      const [left, top] = corner(index);
      const fill =
        value === null
          ? tried.flat()[index]
            ? "var(--color-base-300)"
            : "url(#no-score)"
          : `color-mix(in oklab, var(--heat-high) ${share(value).toFixed(1)}%, var(--heat-low))`;
      draw(svg, "rect", { x: left, y: top, width: Math.max(wide - 0.5, 0.5), height: box.cell - 0.5, fill });
    });
    scale(svg, box.left + box.width, low, high, score);
    const sideways = labelStep(box.width, 34, across);
    x.ends.forEach(([least], index) => {
      if (index % sideways) return;
      const middle = box.left + (index + 0.5) * wide;
      draw(svg, "text", { x: middle, y: bottom + 14, "text-anchor": "middle" }, figure(least));
    });
    const upwards = labelStep(box.cell * up, 14, up);
    y.ends.forEach(([least], index) => {
      if (index % upwards) return;
      const middle = bottom - (index + 0.5) * box.cell + 4;
      draw(svg, "text", { x: box.left - 6, y: middle, "text-anchor": "end" }, figure(least));
    });
    draw(svg, "text", { x: box.left + box.width / 2, y: bottom + 30, "text-anchor": "middle", class: "axis" }, x.label);
    const title = { x: 10, y: (box.top + bottom) / 2, "text-anchor": "middle", class: "axis" };
    draw(svg, "text", { ...title, transform: `rotate(-90 ${title.x} ${title.y})` }, y.label);

    const at = cells.flat();
    const best = at.indexOf(high);
    const where = (index) => `${x.label} ${range(x.ends[place(index)[0]])}, ${y.label} ${range(y.ends[place(index)[1]])}`;
    const [left, top] = corner(best);
    draw(svg, "rect", { x: left, y: top, width: wide, height: box.cell, class: "plot-winner" });
    const cursor = draw(svg, "rect", { width: wide, height: box.cell, class: "plot-cursor" });
    const kind = data.statistic === "median" ? "Median" : "Best";
    const describe = (index) => {
      const number = counts.flat()[index];
      const nothing = tried.flat()[index] ? "tested, not ranked" : "not tested";
      const found = at[index] === null ? nothing : `${kind.toLowerCase()} ${data.score} ${score(at[index])}`;
      return `${where(index)}: ${found}${number > 1 ? ` of ${whole(number)}` : ""}`;
    };
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    return {
      height: bottom + 36,
      summary:
        `${kind} ${data.score} of each cell, ${counted(data, data.of, "combinations")}: from ${score(low)} to ${score(high)}, ` +
        `the highest at ${where(best)}. Grey: tested, but not ranked. Hatched: not tested.`,
      defaultText: describe(best),
      start: best,
      at: (px, py) => {
        const [column, row] = [Math.floor((px - box.left) / wide), Math.floor((bottom - py) / box.cell)];
        return column >= 0 && column < across && row >= 0 && row < up ? row * across + column : -1;
      },
      step: (index, key) => {
        const [column, row] = place(index);
        const [right, above] = steps[key];
        return moved(row, above, up) * across + moved(column, right, across);
      },
      describe,
      highlight: (index) => {
        const [px, py] = corner(index);
        cursor.setAttribute("x", px);
        cursor.setAttribute("y", py);
      },
    };
  }

  // --- Histogram ------------------------------------------------------------------------------------------

  function histogram(svg, data, width) {
    const { edges, counts, winner } = data;
    const score = writerOf(data);
    const [first, last] = [edges[0], edges.at(-1)];
    const box = { left: 8, top: 26, width: width - 16, height: 240 };
    const bottom = box.top + box.height;
    const most = Math.max(...counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const px = (value) => box.left + ((within(value, first, last) - first) / (last - first)) * box.width;
    const wide = box.width / counts.length;
    counts.forEach((count, index) => {
      const high = (count / most) * box.height;
      const bar = { x: box.left + index * wide, y: bottom - high, width: Math.max(wide - 1, 0.5), height: high };
      draw(svg, "rect", { ...bar, class: "plot-bar" });
    });
    draw(svg, "line", { x1: box.left, x2: box.left + box.width, y1: bottom, y2: bottom, class: "plot-axis" });
    const marks = within(Math.floor(box.width / 70), 2, 8);
    for (let mark = 0; mark <= marks; mark += 1) {
      const value = first + ((last - first) * mark) / marks;
      const anchor = mark === 0 ? "start" : mark === marks ? "end" : "middle";
      draw(svg, "text", { x: px(value), y: bottom + 14, "text-anchor": anchor }, score(value));
    }
    draw(svg, "text", { x: box.left + box.width / 2, y: bottom + 30, "text-anchor": "middle", class: "axis" }, data.score);
    // The axis covers nearly all scores, so that a few outliers do not compress the others.
    const beyond = winner > last ? ", beyond the axis" : "";
    if (winner !== null) {
      const right = px(winner) > box.left + box.width / 2;
      draw(svg, "line", { x1: px(winner), x2: px(winner), y1: 18, y2: bottom, class: "plot-winner" });
      const label = { x: px(winner), y: 13, "text-anchor": right ? "end" : "start", class: "plot-winner-name" };
      draw(svg, "text", label, `Rank 1: ${score(winner)}${beyond}`);
    }
    const cursor = draw(svg, "rect", { width: wide, y: box.top, height: box.height, class: "plot-cursor" });
    return {
      height: bottom + 36,
      summary:
        `${data.score} of ${counted(data, total, "rows")}, most of them near ${score(edges[counts.indexOf(most)])}` +
        `${winner === null ? "." : `; rank 1 has ${score(winner)}.`} The first and the last bar include all scores beyond the axis.`,
      defaultText: winner === null ? "No row is ranked." : `Rank 1 has ${score(winner)}${beyond || ", marked by the line"}.`,
      start: counts.indexOf(most),
      at: (x) => {
        const index = Math.floor((x - box.left) / wide);
        return index >= 0 && index < counts.length ? index : -1;
      },
      step: (index, key) => moved(index, key === "ArrowLeft" || key === "ArrowDown" ? -1 : 1, counts.length),
      describe: (index) => {
        const rows = `${whole(counts[index])} ${counts[index] === 1 ? "row" : "rows"}`;
        if (index === 0) return `Up to ${score(edges[1])}, and all below ${score(first)}: ${rows}`;
        if (index === counts.length - 1) return `From ${score(edges[index])}, and all above ${score(last)}: ${rows}`;
        return `${score(edges[index])} to ${score(edges[index + 1])}: ${rows}`;
      },
      highlight: (index) => cursor.setAttribute("x", box.left + index * wide),
    };
  }

  // --- Parallel coordinates -------------------------------------------------------------------------------

  function parallel(svg, data, width) {
    const { axes, rows } = data;
    const score = writerOf(data);
    const box = { left: 44, top: 34, width: width - 88, height: 250 };
    const gap = box.width / (axes.length - 1);
    if (gap < MIN_AXIS_GAP) return null;
    const spans = axes.map((_, axis) => {
      const values = rows.map((row) => row[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    const py = (value, [low, high]) =>
      box.top + (high > low ? 1 - (value - low) / (high - low) : 0.5) * box.height;
    const points = rows.map((row) => row.map((value, axis) => [box.left + axis * gap, py(value, spans[axis])]));
    const path = (line) => line.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    const last = rows.length - 1;
    points.forEach((line, index) => {
      const name = index === last ? "plot-line-best" : index > last - TOP_LINES ? "plot-line-top" : "plot-line";
      draw(svg, "polyline", { points: path(line), class: name });
    });
    axes.forEach((axis, index) => {
      const x = box.left + index * gap;
      const [low, high] = spans[index];
      const write = axis.name === "score" ? score : figure;
      draw(svg, "line", { x1: x, x2: x, y1: box.top, y2: box.top + box.height, class: "plot-axis" });
      draw(svg, "text", { x, y: box.top - 20, "text-anchor": "middle", class: "axis" }, axis.label);
      draw(svg, "text", { x, y: box.top - 6, "text-anchor": "middle" }, write(high));
      draw(svg, "text", { x, y: box.top + box.height + 14, "text-anchor": "middle" }, write(low));
    });
    const cursor = draw(svg, "polyline", { points: "", class: "plot-line-cursor" });
    const heightAt = (line, x) => {
      const axis = within(Math.floor((x - box.left) / gap), 0, axes.length - 2);
      const fraction = within((x - line[axis][0]) / gap, 0, 1);
      return line[axis][1] + (line[axis + 1][1] - line[axis][1]) * fraction;
    };
    const describe = (index) =>
      axes.map((axis, at) => `${axis.label} ${(axis.name === "score" ? score : figure)(rows[index][at])}`).join(", ");
    return {
      height: box.top + box.height + 20,
      summary:
        `${whole(rows.length)} of ${counted(data, data.of, "combinations")}, evenly spaced by score. ` +
        `The best: ${describe(last)}.`,
      defaultText: `The best: ${describe(last)}`,
      start: last,
      at: (x, y) => {
        const away = points.map((line) => Math.abs(heightAt(line, x) - y));
        return away.indexOf(Math.min(...away));
      },
      step: (index, key) => moved(index, key === "ArrowLeft" || key === "ArrowDown" ? -1 : 1, rows.length),
      describe,
      highlight: (index) => cursor.setAttribute("points", path(points[index])),
    };
  }

  // of: whether there are data to draw.
  window.deskPlotKinds = {
    "heat-map": { draw: heatMap, of: (data) => data.cells.flat().some((value) => value !== null) },
    histogram: { draw: histogram, of: (data) => data.counts.length },
    parallel: { draw: parallel, of: (data) => data.rows.length },
  };
})();
