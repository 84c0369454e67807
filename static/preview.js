// The page of a strategy: while its form changes, the chart shows the rules as they are typed.
(() => {
  const WAIT = 250; // milliseconds without a change
  const form = document.querySelector("[data-preview-form]");
  const chart = document.querySelector("[data-preview-chart]");
  if (!form || !chart) return;
  const note = document.querySelector("[data-preview-note]");
  const unsaved = form.querySelector("[data-preview-unsaved]");
  const NOT_SHOWN = ["csrfmiddlewaretoken", "name", "shown_kind"];
  let timer;

  const fields = () => new URLSearchParams([...new FormData(form)].filter(([name]) => !NOT_SHOWN.includes(name)));
  const rules = () => String(new URLSearchParams([...new FormData(form)].filter(([name]) => !name.startsWith("preview_"))));
  const saved = rules();

  // The chart loads a changed address, and gives up the request before.
  function show() {
    clearTimeout(timer);
    chart.dataset.url = `${chart.dataset.sourceUrl}?${fields()}`;
  }

  function changed(event) {
    unsaved.textContent = rules() === saved ? "" : "Not saved. Backtest and Deploy use the saved rules.";
    // The parameters of another kind follow in an answer of their own.
    if (event.target.name === "kind" || event.target.name === "name") return;
    clearTimeout(timer);
    timer = setTimeout(show, WAIT);
  }

  // --- Errors at their fields ---

  function clearErrors() {
    for (const list of form.querySelectorAll("#kind-fields .errorlist, [data-preview-error]")) list.remove();
    for (const field of document.querySelectorAll("[data-preview-invalid]")) {
      field.removeAttribute("data-preview-invalid");
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", field.dataset.describedBefore);
      if (!field.dataset.describedBefore) field.removeAttribute("aria-describedby");
    }
  }

  function showError(name, message) {
    const field = form.elements[name];
    const place = field?.closest?.(".field");
    if (!field?.setAttribute) return false;
    field.dataset.describedBefore ??= field.getAttribute("aria-describedby") ?? "";
    field.setAttribute("data-preview-invalid", "");
    field.setAttribute("aria-invalid", "true");
    if (!place) return false;
    const list = document.createElement("ul");
    list.className = "errorlist";
    list.id = `preview-error-${name}`;
    list.dataset.previewError = "";
    const line = document.createElement("li");
    line.textContent = message;
    list.append(line);
    place.append(list);
    field.setAttribute("aria-describedby", `${field.dataset.describedBefore} ${list.id}`.trim());
    return true;
  }

  const plural = (count, word) => `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`;

  chart.addEventListener("desk:chart-data", ({ detail: { signals } }) => {
    clearErrors();
    chart.classList.remove("chart-stale");
    note.classList.remove("text-live");
    note.textContent = signals
      ? `${plural(signals.buys, "buy signal")} and ${plural(signals.sells, "sell signal")} in ${plural(signals.bars, "bar")}, ` +
        "at the close of their bar, before position size, stops and costs."
      : note.dataset.plugin;
  });

  chart.addEventListener("desk:chart-refused", (event) => {
    event.preventDefault();
    clearErrors();
    const elsewhere = [];
    for (const [name, message] of Object.entries(event.detail.errors ?? {})) {
      if (!showError(name, message)) elsewhere.push(message);
    }
    const text = elsewhere.join(" ") || (event.detail.errors ? "" : event.detail.detail ?? "The preview could not be loaded.");
    chart.classList.add("chart-stale");
    note.classList.toggle("text-live", Boolean(text));
    const before = event.detail.drawn ? " The chart shows the rules before the last change." : "";
    note.textContent = `${text}${before}`.trim();
  });

  form.addEventListener("input", changed);
  for (const each of form.elements) if (each.name?.startsWith("preview_")) each.addEventListener("input", changed);
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (target.id === "kind-fields") show();
  });
  show();
})();
