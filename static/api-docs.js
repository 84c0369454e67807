// The documentation of the API: draws it, in the reader's theme, and lets calls be tried with the reader's session.
(() => {
  const page = document.getElementById("api-docs");
  const html = document.documentElement;
  const follow = () => html.classList.toggle("dark-mode", html.dataset.theme === "desk-dark");

  follow();
  document.addEventListener("desk:theme", follow);
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
