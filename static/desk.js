// Toasts, buttons that submit once, and the user's local time.
(() => {
  const FADE_AFTER = 6000;
  const LEVELS = ["info", "success", "warning", "error"];

  function close(toast) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      toast.remove();
      return;
    }
    toast.addEventListener("transitionend", () => toast.remove(), { once: true });
    toast.classList.add("toast-leaving");
  }

  // An error stays until it is closed. Other toasts close after a while, but not while the pointer or focus is on them.
  function start(toast) {
    if (toast.dataset.level === "error") return;
    const closeLater = () =>
      toast.matches(":hover, :focus-within") ? setTimeout(closeLater, FADE_AFTER) : close(toast);
    setTimeout(closeLater, FADE_AFTER);
  }

  function show(level, text) {
    const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    toast.dataset.level = LEVELS.includes(level) ? level : "info";
    toast.querySelector("[data-toast-text]").textContent = text;
    document.getElementById("toasts").append(toast);
    start(toast);
  }

  window.desk = { toast: show };
  for (const toast of document.querySelectorAll("[data-toast]")) start(toast);
  document.addEventListener("toast", (event) => show(event.detail.level, event.detail.text));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) close(event.target.closest("[data-toast]"));
  });

  function busy(button, isBusy) {
    button.toggleAttribute("disabled", isBusy);
    if (isBusy) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }

  // The button of a request that changes something. A region that refreshes has none, even if it contains such a button.
  function onceButton({ elt, requestConfig }) {
    if (requestConfig.verb === "get") return null;
    return elt.matches("[data-submit-once]") ? elt : elt.querySelector("[data-submit-once]");
  }

  // A plain form: the button is disabled only after the browser has collected the values, which include its own.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter?.matches("[data-submit-once]") ? event.submitter : null;
    if (!button || form.matches("[hx-post], [hx-get], [hx-put], [hx-delete]")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
    setTimeout(() => busy(button, true));
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[data-submit-once][aria-busy]")) busy(button, false);
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const button = onceButton(event.detail);
    if (button) busy(button, true);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const leaving = /^hx-(redirect|location|refresh):/im.test(event.detail.xhr.getAllResponseHeaders());
    const button = onceButton(event.detail);
    if (button && !(leaving && event.detail.successful)) busy(button, false);
  });

  function addLocalTimes(root) {
    for (const time of root.querySelectorAll("time[data-local]:not([title])")) {
      const moment = new Date(time.dateTime);
      time.title = `Your time: ${moment.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`;
    }
  }
  addLocalTimes(document);
  document.addEventListener("htmx:load", (event) => addLocalTimes(event.detail.elt));
})();
