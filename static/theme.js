// The saved theme, otherwise the system's. Loaded before the first paint, so that no page flashes in the other theme.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const savedTheme = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // the browser blocks storage: use the system's theme
    }
  };
  const apply = () => {
    const theme = savedTheme() || (system.matches ? "desk-dark" : "desk-light");
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("desk:theme"));
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply); // another tab has switched the theme
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = root.dataset.theme === "desk-dark" ? "desk-light" : "desk-dark";
    try {
      localStorage.setItem("theme", theme);
      apply();
    } catch {
      root.dataset.theme = theme;
      document.dispatchEvent(new CustomEvent("desk:theme"));
    }
  });
})();
