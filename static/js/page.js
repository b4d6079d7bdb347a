// Small comforts of every page. Nothing here is needed to read one.

import { startThemeSwitch } from "./theme-switch.js";
import { startTimes } from "./times.js";

const COPIED_FOR = 1_500;

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain http offers no clipboard: take the old way.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "vh";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  if (button.dataset.busy) return;
  const before = [...button.childNodes];
  button.dataset.busy = "1";
  button.replaceChildren(button.classList.contains("only-icon") ? "✓" : "Copied");
  setTimeout(() => {
    button.replaceChildren(...before);
    delete button.dataset.busy;
  }, COPIED_FOR);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  if (event.target.closest("[data-dismiss]")) event.target.closest(".note").remove();
});

function isTyping(element) {
  return element.matches("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.activeElement?.closest("[data-menu][open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  }
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search && !isTyping(event.target) && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.select();
    search.focus();
  }
});

/** The words of what is wrong with a JSON object, or nothing. */
function jsonError(text) {
  if (!text.trim()) return "";
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? "" : "A JSON object is needed, for example {}.";
  } catch (error) {
    return `Not JSON: ${error.message}`;
  }
}

for (const area of document.querySelectorAll("textarea[data-json]")) {
  area.addEventListener("input", () => area.setCustomValidity(jsonError(area.value)));
}

// A trigger that is clicked twice must not start two runs.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

for (const button of document.querySelectorAll("[data-theme-switch]")) startThemeSwitch(button);
startTimes();

// On a phone the rail scrolls sideways: bring the present entry into view.
const current = document.querySelector("#rail [aria-current]");
if (current) current.closest("ul").scrollLeft = current.offsetLeft - 90;
