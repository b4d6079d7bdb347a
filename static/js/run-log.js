// The log: follows its end until the reader scrolls up, and is filtered without a new page.

import { apply, onEnd, onEvent, stream } from "./live.js";

/** As many lines as the server puts on a page; older ones are a link away. */
const MOST_LINES = 500;
const PAUSE = 300;

const page = document.getElementById("run-page");
const panel = document.getElementById("run-log-panel");
let follows = true;
let timer = 0;

const log = () => document.getElementById("run-log");

/** The filter in use, as in an address. */
export function logQuery() {
  return log()?.dataset.query ?? "";
}

function isAtEnd(list) {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 24;
}

function follow() {
  const list = log();
  if (list && follows) list.scrollTop = list.scrollHeight;
}

function showFollowing() {
  const again = panel?.querySelector("[data-follow]");
  const words = panel?.querySelector("[data-following]");
  if (again) again.hidden = follows;
  if (words) words.hidden = !follows || !page.dataset.liveUrl || stream?.over;
}

function setFollows(value) {
  follows = value;
  showFollowing();
}

function trim() {
  const list = log();
  while (follows && list && list.children.length > MOST_LINES) list.firstElementChild.remove();
}

function watchScroll() {
  log()?.addEventListener("scroll", () => setFollows(isAtEnd(log())));
}

/** Show the log as `query` asks for it. */
async function show(query) {
  const url = new URL(page.dataset.runPage, location.href);
  url.search = query;
  url.searchParams.set("part", "log");
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    apply(await answer.json());
  } catch {
    location.search = query;
    return;
  }
  setFollows(true);
  follow();
  // The stream goes on with the same filter.
  if (stream && !stream.over) stream.open();
}

function asked(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.set(name, value);
  return query;
}

panel?.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-log-form]")) return;
  event.preventDefault();
  show(asked(event.target));
});
panel?.addEventListener("change", (event) => {
  const form = event.target.closest("[data-log-form]");
  if (form && event.target.matches("select")) show(asked(form));
});
panel?.addEventListener("input", (event) => {
  const form = event.target.closest("[data-log-form]");
  if (!form || !event.target.matches("input[type=search]")) return;
  clearTimeout(timer);
  timer = setTimeout(() => show(asked(form)), PAUSE);
});
panel?.addEventListener("click", (event) => {
  if (event.target.closest("[data-follow]")) {
    setFollows(true);
    follow();
  }
  const link = event.target.closest("[data-log-link]");
  if (!link) return;
  event.preventDefault();
  show(new URL(link.href).searchParams);
});

onEvent(() => {
  trim();
  follow();
});
onEnd(showFollowing);
watchScroll();
showFollowing();
follow();
