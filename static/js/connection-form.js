// The connection's form: shows the fields of the chosen method, guards unsaved changes, saves and
// tests by keyboard. Without it every field is visible, with the name of its method.

import { startConnectionTest } from "./connection-test.js";
import { startKeyFile } from "./key-file.js";
import { showMethod } from "./method-cards.js";

const form = document.querySelector("[data-connection-form]");
const unsaved = form.querySelector("[data-unsaved]");
const test = form.querySelector("[data-test]");
let changed = false;

function setChanged(value) {
  changed = value;
  unsaved.textContent = value ? "Unsaved changes" : "";
}

/** An input inside a closed <details> can't be reached: open it. */
function reveal(input) {
  for (let box = input.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
}

form.addEventListener("change", (event) => {
  if (event.target.name === "method") showMethod(form);
  setChanged(true);
});
form.addEventListener("input", () => setChanged(true));
form.addEventListener("submit", () => {
  changed = false;
});
addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  // In the box for pasting, the same keys fill the form.
  const other = event.target.closest("form[data-paste]");
  event.preventDefault();
  if (other) other.requestSubmit();
  else if (event.shiftKey) test?.click();
  else form.requestSubmit();
});
for (const link of document.querySelectorAll("[data-leave], [data-other-type]")) {
  link.addEventListener("click", () => {
    changed = false;
  });
}
document.querySelector("form[data-paste]").addEventListener("submit", (event) => {
  changed = false;
  const wish = event.target.elements.conn_id;
  if (wish) wish.value = form.elements.conn_id.value;
});
document.querySelector(".menu:has([data-paste])").addEventListener("toggle", (event) => {
  if (event.target.open) event.target.querySelector("textarea").focus();
});
for (const box of form.querySelectorAll("details.replace")) {
  box.addEventListener("toggle", () => {
    const input = box.querySelector("textarea, input:not([type=file])");
    if (box.open) input.focus();
    else if (input.value) {
      // Closed again: the stored secret stays.
      input.value = "";
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
}
for (const drop of form.querySelectorAll("[data-key-file]")) startKeyFile(drop);
if (test) startConnectionTest(test, document.querySelector("[data-test-place]"));

showMethod(form);
if ("changed" in form.dataset) setChanged(true);
const wrong = document.querySelector("main [aria-invalid=true]:not(:disabled)");
if (wrong) {
  reveal(wrong);
  wrong.focus();
}
