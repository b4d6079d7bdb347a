// The connection's form: shows the fields of the chosen method, guards unsaved changes, saves by
// keyboard. Without it every field is visible, with the name of its method.

import { startKeyFile } from "./key-file.js";

const form = document.querySelector("[data-connection-form]");
const unsaved = form.querySelector("[data-unsaved]");
let changed = false;

/** Show only what belongs to the chosen method; what isn't seen isn't sent. */
function showMethod() {
  const method = form.querySelector("input[name=method]:checked")?.value;
  for (const field of form.querySelectorAll("[data-methods]")) {
    const belongs = field.dataset.methods.split(" ").includes(method);
    const stays = "stays" in field.dataset;
    field.classList.toggle("off", !belongs && !stays);
    field.classList.toggle("stray", !belongs && stays);
    for (const input of field.querySelectorAll("input, textarea")) {
      input.disabled = !belongs && !stays;
    }
  }
}

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
  if (event.target.name === "method") showMethod();
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
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
    event.preventDefault();
    form.requestSubmit();
  }
});
form.querySelector("[data-leave]").addEventListener("click", () => {
  changed = false;
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

showMethod();
if ("changed" in form.dataset) setChanged(true);
const wrong = form.querySelector("[aria-invalid=true]:not(:disabled)");
if (wrong) {
  reveal(wrong);
  wrong.focus();
}
