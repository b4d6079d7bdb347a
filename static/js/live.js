// A live page: applies the events of its stream, and says how live it is. What is special to a kind
// of page hears of each event by `onEvent`.

import { morph, parse } from "./morph.js";
import { Stream } from "./stream.js";
import { localise, tick } from "./times.js";

/** After so many tries in vain the session may have ended. */
const TRIES = 4;
/** More changes at once than this are told to a screen reader as a number. */
const MOST_SAID = 3;
const STATUS = {
  live: ["ok", () => "Live"],
  polling: ["warn", () => "Polling"],
  reconnecting: ["warn", () => "Reconnecting"],
  stale: ["bad", (seconds) => `Stale ${seconds} s`],
};

const page = document.querySelector("[data-live-url]");
const badge = document.querySelector("[data-live-badge]");
const word = document.querySelector("[data-live-word]");
const said = document.querySelector("[data-live-said]");
const note = document.querySelector("[data-live-note]");
const drawn = new Map();
const listeners = [];
const endings = [];
let lost = false;
let unsaid = [];
/** The number at which the rail was drawn; a page of what is over has it right already. */
let railAt = page && "complete" in page.dataset ? Number(page.dataset.cursor) : 0;

/** Tell a screen reader, each thing once. */
function say(words) {
  if (!said) return;
  if (!unsaid.length) {
    setTimeout(() => {
      const more = unsaid.length - MOST_SAID;
      const told = unsaid.slice(0, MOST_SAID);
      said.textContent = [...told, ...(more > 0 ? [`${more} more changes`] : [])].join(". ");
      unsaid = [];
    }, 150);
  }
  unsaid.push(words);
}

function taskOf(row) {
  let above = row.previousElementSibling;
  while (above && above.dataset.task === undefined) above = above.previousElementSibling;
  return above?.dataset.task ? `${above.dataset.task}: ` : "";
}

/** Bring the element of this id to the state of `html`; false if it isn't on the page. */
export function replace(id, html) {
  const old = document.getElementById(id);
  if (!old) return false;
  if (drawn.get(id) === html) return true;
  drawn.set(id, html);
  const before = old.dataset.say;
  const [next] = parse(html);
  if (!next) return true;
  morph(old, next);
  const now = document.getElementById(id);
  fresh(now);
  if (now.dataset.say !== before) say((now.dataset.task ? "" : taskOf(now)) + now.dataset.say);
  if (now.dataset.title) document.title = now.dataset.title;
  return true;
}

/** What was drawn by the server a moment ago: times in the reader's zone, counts going on. */
export function fresh(element) {
  localise(element);
  tick(element);
}

/** An element that left the page may come again as it was. */
export function forget(id) {
  drawn.delete(id);
}

function append(id, html) {
  const list = document.getElementById(id);
  for (const line of parse(html)) {
    if (line.id && document.getElementById(line.id)) continue;
    list?.append(line);
    localise(line);
  }
}

/** Apply what an event, or an answer of the same shape, brings. */
export function apply(data) {
  for (const [id, html] of Object.entries(data.replace ?? {})) replace(id, html);
  for (const [id, html] of Object.entries(data.append ?? {})) append(id, html);
  for (const listener of listeners) listener(data);
}

/** `listener` gets the data of each event after the page has it. */
export function onEvent(listener) {
  listeners.push(listener);
}

export function onEnd(listener) {
  endings.push(listener);
}

// The rail counts live runs as well; the dashboard's part brings the number along.
function count() {
  const root = document.querySelector("[data-live-count]");
  const link = [...document.querySelectorAll("#rail a")].find((a) => a.pathname === "/runs/");
  if (!root || !link) return;
  const old = link.querySelector(".count");
  const live = Number(root.dataset.liveCount);
  if (!live) {
    old?.remove();
    return;
  }
  const place = old ?? link.appendChild(document.createElement("span"));
  place.className = "count";
  place.textContent = `${live} live`;
}

async function refreshRail() {
  try {
    const answer = await fetch("/", { headers: { Accept: "text/html" } });
    const text = answer.ok && !answer.redirected ? await answer.text() : "";
    const rail = new DOMParser().parseFromString(text, "text/html").getElementById("rail");
    const now = document.querySelector("#rail");
    // Another page is the present one there.
    for (const link of rail?.querySelectorAll("[aria-current]") ?? []) {
      link.removeAttribute("aria-current");
    }
    const current = now.querySelector("[aria-current]")?.pathname;
    const same = [...(rail?.querySelectorAll("a") ?? [])].find((a) => a.pathname === current);
    same?.setAttribute("aria-current", "page");
    if (rail) morph(now, rail);
  } catch {
    // The rail keeps its old counts until the next page.
  }
}

function show(tone, words) {
  if (!badge) return;
  badge.className = `pill live-badge ${tone}`;
  if (word.textContent !== words) word.textContent = words;
}

const watcher = {
  onChange(data) {
    apply(data);
    count();
  },

  onEnd(data, cursor) {
    show("done", `complete ${cursor}/${data.sequence}`);
    note.hidden = true;
    for (const ending of endings) ending();
    if (cursor > railAt) refreshRail();
    railAt = cursor;
  },

  onGone() {
    show("bad", "deleted");
    say("Somebody has deleted it");
    const [words] = parse(
      '<div class="note warning"><p>Somebody has deleted this run. The page shows what it was.</p></div>',
    );
    note.replaceChildren(words);
    note.hidden = false;
  },

  onStatus(status, detail) {
    const [tone, words] = STATUS[status];
    show(tone, words(detail));
    const isLost = status === "reconnecting" || status === "stale";
    if (isLost && !lost) say("The connection is lost; reconnecting");
    if (!isLost && lost) say("Connected again");
    lost = isLost;
    const isLong = status === "reconnecting" && detail >= TRIES;
    if (isLong && note.hidden) {
      const [words] = parse(
        '<div class="note warning"><p>The server can’t be reached, or you are signed out. <a href="">Reload</a></p></div>',
      );
      note.replaceChildren(words);
    }
    note.hidden = !isLong && (note.hidden || !isLost);
  },
};

/** The page's stream. */
export let stream = null;

export function start(url) {
  const over = "complete" in page.dataset;
  stream = new Stream(url, Number(page.dataset.cursor), watcher, { over });
}

// A run's page begins by itself: its address says what it shows.
if (page && !page.dataset.runPage) start(page.dataset.liveUrl);
