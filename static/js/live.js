// A live page: applies the events of its stream, and says how live it is.

import { morph, parse } from "./morph.js";
import { Stream } from "./stream.js";
import { localise, tick } from "./times.js";

/** After so many tries in vain the session may have ended. */
const TRIES = 4;
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
const log = document.getElementById("run-log");
const drawn = new Map();
let lost = false;
let unsaid = [];

/** Tell a screen reader, each thing once. */
function say(words) {
  if (!unsaid.length) {
    setTimeout(() => {
      said.textContent = unsaid.join(". ");
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

function replace(id, html) {
  const old = document.getElementById(id);
  if (!old || drawn.get(id) === html) return;
  drawn.set(id, html);
  const before = old.dataset.say;
  const [next] = parse(html);
  if (!next) return;
  morph(old, next);
  const now = document.getElementById(id);
  localise(now);
  tick(now);
  if (now.dataset.say !== before) say(taskOf(now) + now.dataset.say);
  if (now.dataset.title) document.title = now.dataset.title;
}

function append(id, html) {
  const list = document.getElementById(id);
  for (const line of parse(html)) {
    if (line.id && document.getElementById(line.id)) continue;
    list?.append(line);
    localise(line);
  }
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
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const text = answer.ok && !answer.redirected ? await answer.text() : "";
    const rail = new DOMParser().parseFromString(text, "text/html").getElementById("rail");
    if (rail) morph(document.getElementById("rail"), rail);
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
    for (const [id, html] of Object.entries(data.replace ?? {})) replace(id, html);
    for (const [id, html] of Object.entries(data.append ?? {})) append(id, html);
    follow();
    count();
  },

  onEnd(data, cursor) {
    badge?.querySelector(".dot")?.remove();
    show("", `complete ${cursor}/${data.sequence}`);
    for (const element of document.querySelectorAll("[data-when-over]")) element.hidden = false;
    note.hidden = true;
    if (following) following.hidden = true;
    refreshRail();
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

// The log follows its end until the reader scrolls up.

const again = document.querySelector("[data-follow]");
const following = document.querySelector("[data-following]");
let follows = true;

function follow() {
  if (log && follows) log.scrollTop = log.scrollHeight;
}

function setFollows(value) {
  follows = value;
  if (again) again.hidden = value;
  if (following) following.hidden = !value || !page;
}

log?.addEventListener("scroll", () => {
  setFollows(log.scrollHeight - log.scrollTop - log.clientHeight < 24);
});
again?.addEventListener("click", () => {
  setFollows(true);
  follow();
});
follow();

if (page) new Stream(page.dataset.liveUrl, Number(page.dataset.cursor), watcher);
