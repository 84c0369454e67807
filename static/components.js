// Words of the glossary, tables that scroll by keyboard, and times in the reader's own clock.
(() => {
  const box = document.getElementById("term-text");
  let terms = null;
  let shown = null;
  let timer = 0;

  async function explain(word) {
    terms ??= fetch(box.dataset.url, { headers: { Accept: "application/json" } })
      .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
      .then((answer) => answer.terms);
    let term;
    try {
      term = (await terms)[word.dataset.term];
    } catch {
      terms = null; // asked again the next time
      return;
    }
    if (!term || !word.isConnected) return;
    for (const [part, text] of Object.entries({ name: term.name, text: term.text, formula: term.formula, source: term.source })) {
      const element = box.querySelector(`[data-part="${part}"]`);
      element.textContent = text;
      element.hidden = !text;
    }
    hide();
    shown = word;
    word.setAttribute("aria-describedby", box.id);
    box.showPopover();
    place(word.getBoundingClientRect());
  }

  // Below the word, inside the window.
  function place(word) {
    const { width, height } = box.getBoundingClientRect();
    const below = word.bottom + 6 + height < innerHeight;
    box.style.left = `${Math.max(8, Math.min(word.left, innerWidth - width - 8))}px`;
    box.style.top = `${below ? word.bottom + 6 : Math.max(8, word.top - height - 6)}px`;
  }

  function hide() {
    clearTimeout(timer);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    if (box.matches(":popover-open")) box.hidePopover();
  }

  if (box) {
    document.addEventListener("click", (event) => {
      const word = event.target.closest?.(".term");
      if (word) explain(word);
      else if (!event.target.closest?.("#term-text")) hide();
    });
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "mouse") return;
      const word = event.target.closest?.(".term");
      clearTimeout(timer);
      if (word && word !== shown) timer = setTimeout(() => explain(word), 300);
      else if (shown && !word && !event.target.closest?.("#term-text")) timer = setTimeout(hide, 200);
    });
    document.addEventListener("focusout", hide);
    document.addEventListener("keydown", (event) => event.key === "Escape" && shown && hide());
    addEventListener("scroll", hide, { passive: true });
  }

  // A table that is wider than its place can be scrolled with the arrow keys.
  function reachScrollers() {
    for (const place of document.querySelectorAll(".table-scroll")) {
      const needed = place.scrollWidth > place.clientWidth && !place.querySelector("a[href], button, input, select, [tabindex]");
      if (needed) place.tabIndex = 0;
      else place.removeAttribute("tabindex");
    }
  }

  function tellTimes() {
    for (const time of document.querySelectorAll("time[data-clock]")) {
      time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    }
  }

  const refresh = () => {
    reachScrollers();
    tellTimes();
  };
  refresh();
  addEventListener("resize", reachScrollers);
  document.addEventListener("htmx:afterSettle", refresh);
})();
