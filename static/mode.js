// The mode in this tab. The server decides what it is; every tab of the browser follows, and the dialog asks.
(() => {
  const root = document.documentElement;
  if (!root.dataset.mode) return; // nobody is logged in
  const KEY = "desk-mode";
  const regions = "[hx-trigger*='every']";

  // Other tabs hear of a change, and ask the server: a page that loads slowly may still say the mode of before.
  function tellOthers() {
    try {
      if (localStorage.getItem(KEY) !== root.dataset.mode) localStorage.setItem(KEY, root.dataset.mode);
    } catch {
      // the browser blocks storage: the event stream and the polls tell the tabs
    }
  }
  const ask = () => {
    for (const region of document.querySelectorAll(regions)) htmx.trigger(region, "sse:changed");
  };
  addEventListener("storage", (event) => {
    if (event.key === KEY && event.newValue !== root.dataset.mode) ask();
  });

  function follow() {
    const { mode } = document.getElementById("status")?.dataset ?? {};
    if (!mode || mode === root.dataset.mode) return;
    root.dataset.mode = mode;
    tellOthers();
    dialog.close();
    ask();
    // A form that is being sent leaves the page anyway, and perhaps made this change.
    if (document.querySelector("form[data-sent], [data-submit-once][aria-busy]")) return;
    if (!wouldLoseInput()) location.replace(location.pathname + location.search);
    else if (isRefused(mode)) document.getElementById("mode-changed").hidden = false;
  }

  // Whether a form of this page shows the other mode. Those in regions are made anew.
  function isRefused(mode) {
    const fields = [...document.querySelectorAll("[name='shown_mode']")];
    return fields.some((field) => field.value !== mode && !field.closest(regions));
  }

  // The page was made by a form, or something is typed in one.
  function wouldLoseInput() {
    const fields = document.querySelectorAll("form[method='post'] :is(input, textarea, select)");
    return document.body.dataset.method !== "GET" || [...fields].some(isChanged);
  }
  function isChanged(field) {
    if (!field.options) return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
    return field.value !== (field.querySelector("option[selected]") ?? field.options[0])?.value;
  }

  // The address of a page that has the mode shows it.
  function showInAddress() {
    const page = document.querySelector("[data-address-mode]");
    const address = new URL(location.href);
    if (!page || address.searchParams.get("mode") === page.dataset.addressMode) return;
    address.searchParams.set("mode", page.dataset.addressMode);
    history.replaceState(history.state, "", address);
  }

  const dialog = document.getElementById("mode-dialog");
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-dialog-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  // A form that asks for something can be sent once it is given; until then its button says what is missing.
  function guard(form) {
    const valid = form.checkValidity();
    for (const button of form.querySelectorAll("[type='submit']")) {
      button.disabled = !valid;
      button.title = valid ? "" : (button.dataset.untilValid ?? "");
    }
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-when-valid]");
    if (form) guard(form);
  });
  const guardAll = () => document.querySelectorAll("[data-when-valid]").forEach(guard);

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === dialog) {
      guardAll();
      dialog.showModal();
    }
    follow();
    showInAddress();
  });
  tellOthers();
  showInAddress();
  guardAll();
  // After going back the browser may have filled in the form again.
  addEventListener("pageshow", guardAll);
})();
