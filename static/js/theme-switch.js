// The button that goes through the themes: as the system, light, dark.

const WORDS = { auto: "as the system", light: "light", dark: "dark" };
const root = document.documentElement;

function next(theme) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const order = dark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
  return order[(order.indexOf(theme) + 1) % order.length];
}

function name(button) {
  const words = `Theme: ${WORDS[root.dataset.theme]}`;
  button.setAttribute("aria-label", words);
  button.title = words;
}

export function startThemeSwitch(button) {
  name(button);
  button.addEventListener("click", () => {
    root.dataset.theme = next(root.dataset.theme);
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Not remembered, but used until the page is left.
    }
    name(button);
  });
}
