// Loaded before the first paint: the remembered theme, else the system's, so that no page flashes in the other one.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is forbidden: the system decides
    }
  };
  const apply = () => {
    const theme = remembered() || (system.matches ? "desk-dark" : "desk-light");
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("desk:theme"));
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply); // another tab has switched
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
