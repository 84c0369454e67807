// The trades page: days that fold, and the dialog with the chart of a trade.
(() => {
  const KEY = "trades-folded";
  const toggles = () => [...document.querySelectorAll("[data-day]")];
  let folded = new Set();
  try {
    folded = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));
  } catch {
    // the browser blocks storage: days stay folded until the page is left
  }

  function show() {
    for (const toggle of toggles()) {
      const open = !folded.has(toggle.dataset.day);
      toggle.setAttribute("aria-expanded", String(open));
      document.getElementById(toggle.getAttribute("aria-controls")).hidden = !open;
    }
    const button = document.querySelector("[data-collapse-all]");
    if (!button) return;
    button.hidden = !toggles().length;
    button.textContent = toggles().every(({ dataset }) => folded.has(dataset.day)) ? "Expand all" : "Collapse all";
  }

  function keep() {
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...folded]));
    } catch {
      // as above
    }
    show();
  }

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-day]");
    if (toggle) {
      if (!folded.delete(toggle.dataset.day)) folded.add(toggle.dataset.day);
      keep();
    } else if (event.target.closest("[data-collapse-all]")) {
      const days = toggles().map(({ dataset }) => dataset.day);
      const all = days.every((day) => folded.has(day));
      for (const day of days) {
        if (all) folded.delete(day);
        else folded.add(day);
      }
      keep();
    }
  });

  const dialog = document.getElementById("trade-dialog");
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-dialog-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === dialog && !dialog.open) dialog.showModal();
    show();
  });
  show();
})();
