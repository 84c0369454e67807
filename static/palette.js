// The command palette: Ctrl-K or / opens it, arrows choose, Enter goes.
(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return; // nobody is logged in
  const DELAY = 120;
  const LONGEST = 5000;
  const input = document.getElementById("palette-input");
  const list = document.getElementById("palette-list");
  const said = document.getElementById("palette-said");
  let asked = null; // the request that is on its way
  let timer = 0;
  let chosen = -1;
  let shownFor = null; // the query of the results that are shown
  let entered = false; // Enter was pressed before its results were there

  const options = () => [...list.querySelectorAll("[role='option']")];

  function choose(index) {
    const all = options();
    chosen = all.length ? (index + all.length) % all.length : -1;
    all.forEach((option, number) => option.setAttribute("aria-selected", String(number === chosen)));
    if (chosen < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", all[chosen].id);
      all[chosen].scrollIntoView({ block: "nearest" });
    }
  }

  function iconOf(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `${dialog.dataset.icons}#${name}`);
    svg.append(use);
    return svg;
  }

  function optionOf(entry, number) {
    const option = document.createElement("a");
    option.id = `palette-option-${number}`;
    option.className = "palette-option";
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.tabIndex = -1;
    option.href = entry.url || "#";
    if (entry.do) option.dataset.do = entry.do;
    const label = document.createElement("span");
    label.className = "palette-label";
    label.textContent = entry.label;
    const detail = document.createElement("span");
    detail.className = "palette-detail";
    detail.textContent = entry.detail;
    option.append(iconOf(entry.icon), label, detail);
    return option;
  }

  function show(entries, query) {
    const groups = new Map();
    entries.forEach((entry, number) => {
      if (!groups.has(entry.group)) groups.set(entry.group, []);
      groups.get(entry.group).push(optionOf(entry, number));
    });
    list.replaceChildren(
      ...[...groups].map(([name, found], number) => {
        const group = document.createElement("div");
        group.setAttribute("role", "group");
        const heading = document.createElement("div");
        heading.id = `palette-group-${number}`;
        heading.className = "palette-group";
        heading.setAttribute("role", "presentation");
        heading.textContent = name;
        group.setAttribute("aria-labelledby", heading.id);
        group.append(heading, ...found);
        return group;
      }),
    );
    input.setAttribute("aria-expanded", String(entries.length > 0));
    const count = entries.length === 1 ? "1 result" : `${entries.length} results`;
    shownFor = query;
    say(entries.length ? `${count} · ↑ ↓ to choose, Enter to open` : "Nothing found. Try a symbol or the name of a page.");
    choose(0);
    if (entered && query === input.value && entries.length) go(options()[0]);
    else entered = false;
  }

  const say = (text) => {
    said.textContent = text;
  };

  async function ask() {
    asked?.abort();
    clearTimeout(timer);
    const query = input.value;
    const mine = new AbortController();
    asked = mine;
    const limit = setTimeout(() => mine.abort("late"), LONGEST);
    try {
      const response = await fetch(`${dialog.dataset.url}?${new URLSearchParams({ q: query })}`, {
        signal: mine.signal,
        headers: { Accept: "application/json" },
      });
      if (response.redirected) return location.reload(); // the session has ended
      const answer = await response.json();
      if (asked !== mine) return;
      if (response.ok) show(answer.results, query);
      else say(answer.detail ?? "The search failed. Try again.");
    } catch {
      if (asked === mine) say("The search has no answer. Check that the desk is running, then try again.");
    } finally {
      clearTimeout(limit);
    }
  }

  function open() {
    if (dialog.open) return input.select();
    for (const other of document.querySelectorAll(":popover-open")) other.hidePopover();
    input.value = "";
    list.replaceChildren();
    chosen = -1;
    shownFor = null;
    entered = false;
    say("Searching…");
    dialog.showModal();
    ask();
  }

  function go(option) {
    entered = false;
    dialog.close();
    if (option.dataset.do === "theme") document.querySelector("[data-theme-toggle]").click();
    else location.assign(option.href);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "PageDown") choose(Math.min(chosen + 6, all.length - 1));
    else if (event.key === "PageUp") choose(Math.max(chosen - 6, 0));
    else if (event.key === "Enter" && shownFor !== input.value) {
      // What is shown is not of this text.
      entered = true;
      ask();
    } else if (event.key === "Enter" && all[chosen]) go(all[chosen]);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role='option']");
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(option);
  });
  list.addEventListener("mousemove", (event) => {
    const index = options().indexOf(event.target.closest("[role='option']"));
    if (index >= 0 && index !== chosen) choose(index);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    asked?.abort();
    asked = null;
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) open();
  });

  const types = (element) => element?.matches?.("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    const byName = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    const bySlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !types(event.target);
    if (!byName && !(bySlash && !dialog.open)) return;
    // Not over a dialog that asks something.
    if (!dialog.open && document.querySelector("dialog:modal")) return;
    event.preventDefault();
    open();
  });
})();
