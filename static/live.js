// Regions that refresh themselves: one event stream per page. While the tab is hidden, the stream is closed and polls pause.
(() => {
  const regions = "[hx-trigger*='every']";

  // Replaces the EventSource that htmx's extension opens. Its listeners survive a pause.
  class PausingStream {
    constructor(url) {
      this.url = url;
      this.listeners = [];
      this.toggle = () => (document.hidden ? this.source?.close() : this.open());
      document.addEventListener("visibilitychange", this.toggle);
      // A page in the browser's back cache closes its stream, and opens it again when it is shown.
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
  // A refresh does not overwrite the field in which the user is typing.
  Idiomorph.defaults.ignoreActiveValue = true;
  // A refresh does not overwrite a checkbox that the user has changed.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "checked" && node.matches("[data-keep-tick]"));
  // A form that is being sent keeps its busy button and its one-time key; a chart keeps what is drawn in it.
  const beingSent = "[data-submit-once][aria-busy], form:has([data-submit-once][aria-busy])";
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !(node instanceof HTMLElement && node.matches(`${beingSent}, [data-chart]`));

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches(regions)) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const region of document.querySelectorAll(regions)) htmx.trigger(region, "sse:changed");
  });

  // A region asks with the tag of what it shows, and keeps it when the answer is that nothing has changed.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (!detail.elt.matches("[data-tagged]")) return;
    const shown = detail.elt.shownTag;
    detail.headers["If-None-Match"] = shown?.tag && shown.path === detail.path ? shown.tag : '"none"';
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status === 304) detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const region = document.getElementById(detail.target.id);
    if (!region?.matches("[data-tagged]")) return;
    // Also what another element has put there, such as a filter: that has no tag.
    region.shownTag = { tag: detail.xhr.getResponseHeader("ETag"), path: detail.pathInfo.requestPath };
  });

  // After the session has ended, the response is the login page. Show it as a page, not inside a region.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const responseUrl = event.detail.xhr.responseURL;
    if (!responseUrl || new URL(responseUrl).pathname !== document.body.dataset.loginUrl) return;
    if (location.pathname === document.body.dataset.loginUrl) return;
    event.detail.shouldSwap = false;
    location.reload();
  });

  const showConnectionLost = (isLost) => {
    const line = document.getElementById("connection-lost");
    if (line) line.hidden = !isLost;
  };
  const showFailure = (event, text) => {
    if (event.detail.elt.matches(regions)) showConnectionLost(true);
    else desk.toast("error", text);
  };
  document.addEventListener("htmx:sendError", (event) => {
    showFailure(event, "The desk is not reachable. Check that it is running, then try again.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    showFailure(event, `The request failed (error ${event.detail.xhr.status}). Reload the page and try again.`);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) showConnectionLost(false);
  });
})();
