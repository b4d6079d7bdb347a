// Keeps a long list in the order of what matters most. While somebody reads in it nothing moves by
// itself: then a button says that the order has changed.

const PAUSE = 3_000;
/** Whoever moved in the list a moment ago reads in it. */
const READS_FOR = 4_000;
const button = document.querySelector("[data-resort]");
let list = null;
let wanted = null;
let sortedAt = 0;
let movedAt = -READS_FOR;
let timer = 0;

function isInOrder() {
  const now = list.heads().map((head) => Number(head.dataset.position));
  return wanted.every((position, at) => now[at] === position);
}

function isRead() {
  const { panel } = list;
  const hasMoved = performance.now() - movedAt < READS_FOR;
  return hasMoved || panel.scrollTop > 4 || panel.contains(document.activeElement) || list.isKept();
}

/** Those that failed and stand below one that did not. */
function failedBelow() {
  const states = list.heads().map((head) => head.dataset.state);
  const first = states.findIndex((state) => state !== "failed");
  return first < 0 ? 0 : states.slice(first).filter((state) => state === "failed").length;
}

function tell() {
  const count = failedBelow();
  const words = count ? `${count} failed further down` : "The order has changed";
  const place = button.querySelector("[data-resort-words]");
  if (place.textContent !== words) place.textContent = words;
  button.hidden = false;
}

function look() {
  clearTimeout(timer);
  if (!wanted) return;
  if (isInOrder()) {
    button.hidden = true;
    return;
  }
  const left = sortedAt + PAUSE - performance.now();
  if (isRead()) tell();
  else if (left <= 0 && !document.hidden) {
    sort();
    return;
  }
  timer = setTimeout(look, Math.max(left, 1_000));
}

async function sort() {
  sortedAt = performance.now();
  button.hidden = true;
  try {
    await list.refresh();
    wanted = null;
  } catch {
    timer = setTimeout(look, PAUSE);
  }
}

/** `positions` are those that the list should begin with. */
export function setOrder(positions) {
  if (!list || !positions) return;
  wanted = positions;
  look();
}

/** `given` has `panel`, `heads()`, `isKept()` (something was opened by hand) and `refresh()`. */
export function startOrder(given) {
  if (!button || !given.panel) return;
  list = given;
  for (const name of ["pointermove", "wheel", "keydown"]) {
    list.panel.addEventListener(name, () => (movedAt = performance.now()), { passive: true });
  }
  button.addEventListener("click", () => {
    list.panel.scrollTop = 0;
    list.panel.focus({ preventScroll: true });
    sort();
  });
}
