// Runs before the first paint, so that a page never flashes in the other theme.
// Key and values are those of the Django admin: one choice for both.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // Storage is switched off: the system's theme it is.
  }
  root.dataset.theme = theme === "light" || theme === "dark" ? theme : "auto";
})();
