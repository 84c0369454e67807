// Draws the API documentation in the theme of the page. Requests from it use the session of the browser.
(() => {
  const page = document.getElementById("api-docs");
  const html = document.documentElement;
  const applyTheme = () => html.classList.toggle("dark-mode", html.dataset.theme === "desk-dark");

  applyTheme();
  document.addEventListener("desk:theme", applyTheme);
  SwaggerUIBundle({
    ...JSON.parse(page.dataset.settings),
    domNode: page,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: (request) => {
      request.headers["X-CSRFToken"] = page.dataset.csrfToken;
      return request;
    },
  });
})();
