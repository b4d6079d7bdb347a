// While tests run, the list asks for itself again, and shows what became of them.

import { morph } from "./morph.js";
import { localise, tick } from "./times.js";

const PAUSE = 2_000;
/** After so many answers in vain the server is gone, or the session has ended. */
const TRIES = 5;

const before = new Map();
let failures = 0;

function rows(root = document) {
  return [...root.querySelectorAll("[data-row]")];
}

function testing() {
  return rows().filter((row) => row.dataset.health === "testing");
}

async function ask() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Only these cells change: the focus, the ticks and the place on the page stay. */
function update(row, next) {
  row.dataset.health = next.dataset.health;
  for (const name of [".c-health", ".c-tested"]) {
    const cell = row.querySelector(name);
    const fresh = next.querySelector(name);
    if (!cell || !fresh) continue;
    localise(fresh);
    morph(cell, fresh);
    tick(cell);
  }
}

/** A row that the filters don't show any more stays where it is until the next page. */
function leave(row) {
  row.dataset.health = "";
  const words = row.querySelector(".c-health .health");
  if (!words) return;
  words.className = "health wait";
  const link = words.querySelector("a");
  (link ?? words).textContent = "Tested";
}

function updateChips(page) {
  const chips = document.querySelector(".list-chips");
  const fresh = page.querySelector(".list-chips");
  if (chips && fresh && !chips.contains(document.activeElement)) morph(chips, fresh);
}

/** Once, when the last one has ended: how many came to which end. */
function sayEnd() {
  const ends = new Map();
  for (const row of rows()) {
    if (!before.has(row.dataset.row)) continue;
    const words = row.querySelector(".c-health")?.textContent.trim() ?? "";
    ends.set(words, (ends.get(words) ?? 0) + 1);
  }
  before.clear();
  const told = [...ends].map(([words, count]) => `${count} ${words}`).join(", ");
  const said = document.querySelector("[data-list-said]");
  if (said && told) said.textContent = `Tests ended: ${told}`;
}

async function refresh() {
  try {
    const page = await ask();
    const found = new Map(rows(page).map((row) => [row.dataset.row, row]));
    for (const row of testing()) {
      const next = found.get(row.dataset.row);
      if (next) update(row, next);
      else leave(row);
    }
    updateChips(page);
    failures = 0;
  } catch {
    failures += 1;
  }
  follow();
}

function follow() {
  const running = testing();
  for (const row of running) before.set(row.dataset.row, true);
  if (running.length && failures < TRIES) setTimeout(refresh, PAUSE);
  else if (before.size && !running.length) sayEnd();
}

follow();
