// The keys of a table (`data-keys`): j and k move, Enter opens, x chooses. And choosing rows.

const KEYS = [
  ["/", "Search", () => document.querySelector("[data-search]")],
  ["j", "Next row", () => rows().length],
  ["k", "Previous row", () => rows().length],
  ["Enter", "Open the row", () => rows().length],
  ["x", "Choose the row, or let it go", () => ticks().length],
  ["Shift x", "Choose all up to the row", () => ticks().length],
  ["Esc", "Let all go, close this", () => ticks().length],
  ["?", "Show the keys", () => true],
];

const bar = document.querySelector("[data-bulk]");
let last = null;

function rows() {
  return [...document.querySelectorAll("table[data-keys] > tbody > tr")];
}

function ticks() {
  return [...document.querySelectorAll("[data-tick]")];
}

function present() {
  return document.activeElement?.closest("table[data-keys] > tbody > tr");
}

/** The row's name is what gets the focus, so that a screen reader says it. */
function go(row) {
  const target = row?.querySelector("[data-open]") ?? row?.querySelector("a");
  if (!target) return;
  target.focus();
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const place = all.indexOf(present());
  if (place < 0) go(step > 0 ? all[0] : all.at(-1));
  else go(all[Math.min(Math.max(place + step, 0), all.length - 1)]);
}

/** Bring the bar, the header's box and the rows to what is chosen. */
function show() {
  const all = ticks();
  const chosen = all.filter((tick) => tick.checked);
  const whole = bar?.querySelector("[data-tick-matching]");
  const head = document.querySelector("[data-tick-all]");
  for (const tick of all) tick.closest("tr").classList.toggle("chosen", tick.checked);
  if (head) {
    head.checked = all.length > 0 && chosen.length === all.length;
    head.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  if (!bar) return;
  if (whole && chosen.length < all.length) whole.checked = false;
  bar.classList.toggle("open", chosen.length > 0);
  const count = whole?.checked ? "All" : chosen.length;
  bar.querySelector("[data-chosen]").textContent = chosen.length ? `${count} chosen` : "";
}

/** Choose as `tick` is, everything from the one that was set last up to it. */
function span(tick) {
  const all = ticks();
  const [from, to] = [all.indexOf(last ?? tick), all.indexOf(tick)].sort((a, b) => a - b);
  for (const each of all.slice(Math.max(from, 0), to + 1)) each.checked = tick.checked;
}

function setAll(isChosen) {
  for (const tick of ticks()) tick.checked = isChosen;
  show();
}

function toggle(isSpan) {
  const tick = present()?.querySelector("[data-tick]");
  if (!tick) return;
  tick.checked = !tick.checked;
  if (isSpan) span(tick);
  last = tick;
  show();
}

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function showKeys() {
  const dialog = element("dialog", "", "keys");
  dialog.setAttribute("aria-label", "Keys");
  const list = element("dl");
  for (const [keys, words] of KEYS.filter(([, , isThere]) => isThere())) {
    const name = element("dt");
    for (const key of keys.split(" ")) name.append(element("kbd", key), " ");
    list.append(name, element("dd", words));
  }
  const close = element("button", "Close", "btn");
  close.addEventListener("click", () => dialog.close());
  dialog.append(element("h2", "Keys"), list, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const ACTS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => toggle(false),
  X: () => toggle(true),
  "?": showKeys,
};

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && ticks().some((tick) => tick.checked)) setAll(false);
  const act = ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", (event) => {
  const tick = event.target.closest("[data-tick]");
  if (!tick) return;
  if (event.shiftKey) span(tick);
  last = tick;
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) setAll(event.target.checked);
  if (event.target.matches("[data-tick-matching]")) setAll(event.target.checked);
  if (event.target.matches("[data-tick]")) show();
});

bar?.querySelector("[data-untick]").addEventListener("click", () => {
  setAll(false);
  document.querySelector("[data-tick-all]")?.focus();
});

// A browser that comes back to the page keeps the ticks.
addEventListener("pageshow", show);
show();
