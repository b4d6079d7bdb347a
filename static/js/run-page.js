// A run's page and a task's: opens and folds the steps of tasks, brings further tasks while one
// scrolls, and tells the stream what the page shows, so that nothing else is sent.

import { apply, forget, fresh, onEvent, replace, start, stream } from "./live.js";
import { parse } from "./morph.js";
import "./run-log.js";
import { logQuery } from "./run-log.js";
import { colourNodes } from "./run-graph.js";
import { setOrder, startOrder } from "./run-order.js";
import { addLanes, setLanes, setLength } from "./run-timeline.js";
import { startWaits } from "./run-waits.js";

const page = document.getElementById("run-page");
const scroller = document.querySelector(".steps-panel.long");
/** What the reader opened or folded by hand stays so, whatever becomes of the task. */
const kept = new Set();
const shut = new Set();
let chosen = null;

const heads = () => [...page.querySelectorAll(".task-head[data-position]")];
const headAt = (position) => document.getElementById(`task-${position}`);
const rowsOf = (position) => [...page.querySelectorAll(`tbody[data-of="${position}"]`)];

/** `0-3,7` */
function ranges(numbers) {
  const found = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(",");
}

/** The address of the stream says what this page shows. */
function streamUrl() {
  const url = new URL(page.dataset.liveUrl, location.href);
  const asked = new URLSearchParams(page.dataset.stream ?? location.search);
  for (const name of ["state", "q", "sort", "keep"]) {
    if (asked.get(name)) url.searchParams.set(name, asked.get(name));
  }
  for (const [name, value] of new URLSearchParams(logQuery())) url.searchParams.set(name, value);
  const shown = heads();
  if (shown.length) {
    const opened = shown.filter((head) => "open" in head.dataset);
    url.searchParams.set("shown", ranges(shown.map((head) => Number(head.dataset.position))));
    url.searchParams.set(
      "open",
      opened.map((head) => `${head.dataset.position}.${head.dataset.try}`).join(","),
    );
  } else {
    // A run of one task shows its steps without a head.
    const steps = [...page.querySelectorAll("tbody[data-of][data-try]")];
    const pairs = new Set(steps.map((step) => `${step.dataset.of}.${step.dataset.try}`));
    if (pairs.size) url.searchParams.set("open", [...pairs].join(","));
  }
  if (kept.size) url.searchParams.set("keep", ranges(kept));
  if (shut.size) url.searchParams.set("shut", ranges(shut));
  if (chosen !== null) url.searchParams.set("chosen", chosen);
  url.searchParams.set("stay", "1");
  return url.href;
}

/** Where the line is made anew by itself, it asks for what the page shows by then. */
function tellStream({ now = false } = {}) {
  if (!stream) return;
  stream.url = streamUrl();
  if (now) stream.open();
}

function setOpen(head, isOpen) {
  if (!head) return;
  if (isOpen) head.dataset.open = "";
  else delete head.dataset.open;
  head.querySelector("[data-fold]")?.setAttribute("aria-expanded", String(isOpen));
}

/** Bring the rows below a task's head to `html`; without any the task is folded. */
function setRows(position, html) {
  const head = headAt(position);
  let before = head ?? rowsOf(position)[0]?.previousElementSibling;
  if (!before) return;
  const next = parse(html);
  const ids = new Set(next.map((row) => row.id));
  for (const row of rowsOf(position)) {
    if (ids.has(row.id)) continue;
    row.remove();
    forget(row.id);
  }
  for (const row of next) {
    if (!replace(row.id, row.outerHTML)) {
      before.after(row);
      fresh(row);
    }
    before = document.getElementById(row.id);
  }
  setOpen(head, next.length > 0);
}

/** A task that was not on the page, and matters now, comes first. */
function setHead(id, html) {
  if (replace(id, html)) return;
  const first = document.getElementById("step-0");
  const [head] = parse(html);
  if (!first || !head) return;
  first.after(head);
  fresh(head);
}

function setConditions(conditions) {
  for (const element of document.querySelectorAll("[data-when]")) {
    element.hidden = !conditions.includes(element.dataset.when);
  }
}

/** A task's page says its state above as well, and offers what can be done now. */
function setTask(isRunNew) {
  const only = page.querySelector(".steps.one .task-head");
  const badge = document.getElementById("task-state");
  const mark = only?.querySelector(".result > .state");
  if (!badge || !mark) return;
  if (badge.textContent.trim() === mark.textContent.trim() && !isRunNew) return;
  badge.className = mark.className.replace("state", "pill");
  badge.replaceChildren(...mark.cloneNode(true).childNodes);
  document.title = document.title.replace(/: [^:]*? · /, `: ${mark.textContent.trim()} · `);
  ask(new URLSearchParams({ part: "acts" })).then(apply, () => {});
}

let isOver = page !== null && "complete" in page.dataset;

/** Another's note is no reason to lose what one writes. */
function setNote() {
  const words = document.getElementById("run-note");
  const box = words?.closest("details");
  if (box && !box.open) box.querySelector("textarea").value = words.dataset.note;
}

onEvent((data) => {
  for (const [id, html] of Object.entries(data.heads ?? {})) setHead(id, html);
  for (const [position, html] of Object.entries(data.rows ?? {})) setRows(position, html);
  addLanes(data.lanes ?? {});
  colourNodes(data.nodes, data.words);
  if ("length" in data) setLength(data.length);
  if (data.is) setConditions(data.is);
  const now = data.is?.includes("over") ?? isOver;
  setTask(now !== isOver);
  isOver = now;
  setNote();
  tellStream();
  setOrder(data.order);
});

// Open and fold

async function ask(query) {
  const url = new URL(page.dataset.runPage, location.href);
  url.search = query;
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return answer.json();
}

async function open(head) {
  const { position, task } = head.dataset;
  kept.add(Number(position));
  shut.delete(Number(position));
  chosen = Number(position);
  head.setAttribute("aria-busy", "true");
  try {
    apply(await ask(new URLSearchParams({ part: "task", task })));
    tellStream({ now: true });
  } catch {
    location.href = `?${new URLSearchParams({ task })}#task-${position}`;
  } finally {
    headAt(position)?.removeAttribute("aria-busy");
  }
}

function fold(head) {
  const position = Number(head.dataset.position);
  shut.add(position);
  kept.delete(position);
  if (chosen === position) chosen = null;
  setRows(position, "");
  tellStream({ now: true });
}

function toggle(head) {
  if ("open" in head.dataset) fold(head);
  else open(head);
}

page?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("[data-fold]");
  if (link) {
    event.preventDefault();
    toggle(link.closest(".task-head"));
    return;
  }
  if (event.target.closest("[data-more]")) {
    event.preventDefault();
    more();
    return;
  }
  // A node of the graph leads to its task in the list, where it is there.
  const node = event.target.closest(".dag-graph [data-position], .graph-list a");
  const position = node?.dataset.position ?? node?.hash?.replace("#task-", "");
  const head = position && headAt(position);
  if (!head) return;
  event.preventDefault();
  if (!("open" in head.dataset)) open(head);
  head.scrollIntoView({ block: "center" });
  head.querySelector("[data-fold]")?.focus({ preventScroll: true });
});

// j and k go from task to task, Enter opens.

document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[event.key];
  const isTyping = event.target.matches("input, textarea, select, [contenteditable]");
  if (!step || !page || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const folds = [...page.querySelectorAll(".steps [data-fold]")];
  const now = folds.indexOf(document.activeElement);
  folds[Math.min(Math.max(now + step, 0), folds.length - 1)]?.focus();
});

// Further tasks

let asking = false;

async function more() {
  const row = document.getElementById("run-more");
  const link = row?.querySelector("[data-more]");
  if (!link || asking) return;
  asking = true;
  try {
    const query = new URL(link.href).searchParams;
    query.set("part", "heads");
    const { heads: html, lanes } = await ask(query);
    row.remove();
    const end = page.querySelector(".task-head.end");
    for (const each of parse(html)) {
      if (each.id && document.getElementById(each.id)) continue;
      end.before(each);
      fresh(each);
    }
    addLanes(Object.fromEntries(parse(lanes).map((lane) => [lane.id, lane.outerHTML])));
    tellStream({ now: true });
    watchEnd();
  } catch {
    location.href = link.href;
  } finally {
    asking = false;
  }
}

/** The list from its beginning, as it would be on a new page. */
async function refresh() {
  const query = new URLSearchParams(location.search);
  query.delete("task");
  query.set("part", "heads");
  for (const position of kept) query.append("task", headAt(position)?.dataset.task ?? "");
  const { heads: html, lanes } = await ask(query);
  const next = parse(html);
  const ids = new Set(next.map((row) => row.id));
  let before = document.getElementById("step-0");
  const end = page.querySelector(".task-head.end");
  while (before.nextElementSibling !== end) {
    const row = before.nextElementSibling;
    if (ids.has(row.id)) before = row;
    else {
      row.remove();
      forget(row.id);
    }
  }
  before = document.getElementById("step-0");
  for (const row of next) {
    const old = document.getElementById(row.id);
    if (before.nextElementSibling !== old || !old) before.after(old ?? row);
    if (old) replace(row.id, row.outerHTML);
    else fresh(row);
    before = document.getElementById(row.id);
  }
  for (const position of shut) setRows(position, "");
  setLanes(lanes);
  tellStream({ now: true });
  watchEnd();
}

const nearEnd = new IntersectionObserver(
  (entries) => {
    if (entries.some((entry) => entry.isIntersecting)) more();
  },
  { root: scroller, rootMargin: "300px" },
);

function watchEnd() {
  nearEnd.disconnect();
  const row = document.getElementById("run-more");
  // Without a place of its own to scroll in, the end of the page must stay in reach.
  if (scroller && row) nearEnd.observe(row);
}

if (page) {
  for (const id of new URLSearchParams(location.search).getAll("task")) {
    const head = heads().find((each) => each.dataset.task === id);
    if (!head) continue;
    kept.add(Number(head.dataset.position));
    chosen = Number(head.dataset.position);
  }
  start(streamUrl());
  watchEnd();
  if (!new URLSearchParams(location.search).get("page")) {
    const panel = document.querySelector(".steps-panel");
    startOrder({ panel, heads, isKept: () => kept.size > 0, refresh });
  }
  startWaits();
}
