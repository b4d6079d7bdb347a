// The catalogue of types: filters while one types, and goes by arrows.

const search = document.querySelector("[data-catalogue-search]");
const input = search.elements.q;
const items = [...document.querySelectorAll("[data-words]")];
const found = document.querySelector("[data-found-types]");
const nothing = document.querySelector("[data-nothing]");

function links() {
  return items.filter((item) => !item.hidden).map((item) => item.firstElementChild);
}

/** The type whose name or label begins with what was typed, else the first that is left. */
function best(text) {
  const left = links();
  const begins = (link) => {
    const [label, name] = link.querySelectorAll("b, small");
    return [label, name].some((part) => part.textContent.toLowerCase().startsWith(text));
  };
  return left.find(begins) ?? left[0];
}

function filter() {
  const text = input.value.trim().toLowerCase();
  const words = text.split(/\s+/);
  for (const item of items) {
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
    item.firstElementChild.classList.remove("best");
  }
  for (const group of document.querySelectorAll("[data-category]")) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
  }
  const count = links().length;
  nothing.hidden = count > 0;
  found.textContent = text ? `${count} of ${items.length} types` : `${items.length} types`;
  if (text && count) best(text).classList.add("best");
}

/** The nearest link in the next row, up or down; in the same column if there is one. */
function beside(link, direction) {
  const at = link.getBoundingClientRect();
  const rows = links()
    .map((other) => ({ other, box: other.getBoundingClientRect() }))
    .filter(({ box }) => (box.top - at.top) * direction > 4)
    .sort((a, b) => Math.abs(a.box.top - at.top) - Math.abs(b.box.top - at.top));
  const row = rows.filter(({ box }) => Math.abs(box.top - rows[0].box.top) < 4);
  row.sort((a, b) => Math.abs(a.box.left - at.left) - Math.abs(b.box.left - at.left));
  return row[0]?.other;
}

function next(link, key) {
  const left = links();
  const place = left.indexOf(link);
  if (key === "ArrowRight") return left[place + 1];
  if (key === "ArrowLeft") return left[place - 1] ?? input;
  return beside(link, key === "ArrowDown" ? 1 : -1) ?? (key === "ArrowUp" ? input : undefined);
}

input.addEventListener("input", filter);
input.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  (input.value.trim() ? best(input.value.trim().toLowerCase()) : links()[0])?.focus();
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.value.trim()) best(input.value.trim().toLowerCase())?.click();
});
document.addEventListener("keydown", (event) => {
  const link = event.target.closest("a.type");
  if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    next(link, event.key)?.focus();
  } else if (event.key.length === 1 && event.key !== " ") {
    // Whoever types on means the search; the letter goes there.
    input.focus();
  }
});

if (input.value) filter();
const wrong = document.querySelector("[aria-invalid=true]");
if (wrong) wrong.focus();
