// Live regions: one event stream a page, closed while the tab is hidden; polls pause then, too.
(() => {
  const regions = "[hx-trigger*='every']";

  // Stands in for the EventSource that htmx's extension opens; its listeners outlive a pause.
  class PausingStream {
    constructor(url) {
      this.url = url;
      this.listeners = [];
      this.toggle = () => (document.hidden ? this.source?.close() : this.open());
      document.addEventListener("visibilitychange", this.toggle);
      // A page kept for the back button must let go of its connection; it opens again when it is shown.
      addEventListener("pagehide", () => this.source?.close());
      addEventListener("pageshow", (event) => event.persisted && this.open());
      if (!document.hidden) this.open();
    }
    open() {
      this.source?.close();
      this.source = new EventSource(this.url);
      this.source.onopen = (event) => this.onopen?.(event);
      this.source.onerror = (event) => this.onerror?.(event);
      for (const [name, listener] of this.listeners) this.source.addEventListener(name, listener);
    }
    get readyState() {
      return this.source ? this.source.readyState : EventSource.CLOSED;
    }
    addEventListener(name, listener) {
      this.listeners.push([name, listener]);
      this.source?.addEventListener(name, listener);
    }
    removeEventListener(name, listener) {
      this.listeners = this.listeners.filter((entry) => entry[0] !== name || entry[1] !== listener);
      this.source?.removeEventListener(name, listener);
    }
    close() {
      document.removeEventListener("visibilitychange", this.toggle);
      this.source?.close();
    }
  }
  htmx.createEventSource = (url) => new PausingStream(url);
  // What somebody is typing is not taken from under their fingers.
  Idiomorph.defaults.ignoreActiveValue = true;
  // Nor is what somebody has ticked.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "checked" && node.matches("[data-keep-tick]"));
  // A form on its way keeps its busy button and its one-time key.
  const onItsWay = "[data-submit-once][aria-busy], form:has([data-submit-once][aria-busy])";
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !(node instanceof HTMLElement && node.matches(onItsWay));

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches(regions)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const region of document.querySelectorAll(regions)) htmx.trigger(region, "sse:changed");
  });

  // The session has ended: the answer is the login page, which has no place inside a region.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answered = event.detail.xhr.responseURL;
    if (!answered || new URL(answered).pathname !== document.body.dataset.loginUrl) return;
    if (location.pathname === document.body.dataset.loginUrl) return;
    event.detail.shouldSwap = false;
    location.reload();
  });

  const lost = (isLost) => {
    const line = document.getElementById("connection-lost");
    if (line) line.hidden = !isLost;
  };
  const failed = (event, text) => {
    if (event.detail.elt.matches(regions)) lost(true);
    else desk.toast("error", text);
  };
  document.addEventListener("htmx:sendError", (event) => {
    failed(event, "The desk does not answer. Check that it is running, then try again.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    failed(event, `The desk could not do that (error ${event.detail.xhr.status}). Reload the page and try again.`);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) lost(false);
  });
})();
