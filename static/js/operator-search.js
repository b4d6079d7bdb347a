// The catalogue of operators filters while one types; Enter takes the first that is left.

function filter(input) {
  const place = input.closest("[data-operators]");
  const words = input.value.trim().toLowerCase().split(/\s+/);
  let count = 0;
  for (const section of place.querySelectorAll("[data-category]")) {
    const items = [...section.querySelectorAll("[data-words]")];
    for (const item of items) {
      item.hidden = !words.every((word) => item.dataset.words.includes(word));
      item.firstElementChild.classList.remove("best");
      if (!item.hidden) count += 1;
    }
    section.hidden = items.every((item) => item.hidden);
  }
  place.querySelector("[data-nothing]").hidden = count > 0;
  place.querySelector("[data-found-operators]").textContent = input.value.trim()
    ? `${count} operator${count === 1 ? "" : "s"}`
    : "";
  if (input.value.trim()) best(place, input.value)?.classList.add("best");
}

function buttons(place) {
  return [...place.querySelectorAll("[data-words]:not([hidden]) > button")];
}

/** The one that Enter takes: of those whose name begins with what was typed the shortest, else the first. */
function best(place, typed) {
  const all = buttons(place);
  const start = typed.trim().toLowerCase();
  const name = (button) => button.querySelector("b").textContent.toLowerCase();
  const begin = all.filter((button) => name(button).startsWith(start));
  return begin.sort((one, other) => name(one).length - name(other).length)[0] ?? all[0];
}

function next(button, step) {
  const all = buttons(button.closest("[data-operators]"));
  return all[all.indexOf(button) + step];
}

/** Listen in `root`; the catalogue may come and go. */
export function search(root) {
  root.addEventListener("input", (event) => {
    if (event.target.matches("[data-find-operator]")) filter(event.target);
  });
  root.addEventListener("keydown", (event) => {
    const input = event.target.closest("[data-find-operator]");
    const button = event.target.closest("[data-operators] .type");
    if (input && event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (input.value.trim()) best(input.closest("[data-operators]"), input.value)?.click();
    } else if (input && event.key === "ArrowDown") {
      event.preventDefault();
      buttons(input.closest("[data-operators]"))[0]?.focus();
    } else if (button && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const other = next(button, event.key === "ArrowDown" ? 1 : -1);
      (other ?? root.querySelector("[data-find-operator]")).focus();
    }
  });
}
