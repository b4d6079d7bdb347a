// The editor of a DAG: each button's answer comes in place, so that nothing typed is ever lost, and
// the graph and the next runs follow what one types. Without it each button loads the page anew.

import { paint } from "./code-field.js";
import { forget, keep, kept } from "./kept-draft.js";
import { morph, parse } from "./morph.js";
import { search } from "./operator-search.js";

const PAUSE = 350;
const said = document.querySelector("[data-editor-said]");
let changed = "changed" in form().dataset;
let last = Promise.resolve();
let timer = 0;
let keeping = 0;

function form() {
  return document.getElementById("editor");
}

function showChanged() {
  form().querySelector("[data-unsaved]").textContent = changed ? "Unsaved changes" : "";
}

/** Say above the form what went wrong with sending it; what was typed stays. */
function complain(words) {
  const note = document.createElement("div");
  note.className = "note error";
  note.setAttribute("role", "alert");
  note.append(words);
  document.getElementById("editor-notes").replaceChildren(note);
  note.scrollIntoView({ block: "center" });
}

async function post(name, value, sent = undefined) {
  const data = sent ?? new FormData(form());
  data.set(name, value);
  const headers = { "X-Editor": "1" };
  const send = () => fetch(form().action, { method: "POST", body: data, headers });
  const answer = await send();
  if (answer.status !== 403) return answer;
  // After a new sign-in the form's token is not that of the session: a new form has it.
  const fresh = await fetch(location.href, { headers });
  if (fresh.redirected || !fresh.ok) return fresh;
  const [page] = parse(await fresh.text());
  data.set("csrfmiddlewaretoken", page.querySelector("[name=csrfmiddlewaretoken]").value);
  return send();
}

function wordsOf(answer) {
  if (answer.redirected) return "You are signed out. Sign in in another tab, and press again here.";
  if (answer.status === 403) return "Your role doesn’t let you change DAGs any more.";
  if (answer.status === 400 || answer.status === 413) {
    return "This was not taken: it may be too large for one DAG.";
  }
  return `The server answered ${answer.status}. Nothing is lost: try again.`;
}

/** Open the folds around an element, so that it can have the focus. */
function reveal(element) {
  for (let box = element.closest("details"); box; box = box.parentElement.closest("details")) {
    box.open = true;
  }
}

/** With its field and what is said below it in sight, above the foot. */
function goTo(element) {
  reveal(element);
  element.focus({ preventScroll: true });
  (element.closest(".field, .before") ?? element).scrollIntoView({ block: "nearest" });
}

/** Fields in folds that the server wants seen are opened: a morph leaves folds as they are. */
function show(html, act, isAnother) {
  const [next] = parse(html);
  // A morph leaves what is typed in a field; what is brought back takes its place.
  if (isAnother) form().replaceWith(next);
  else morph(form(), next);
  paint();
  showChanged();
  for (const wrong of form().querySelectorAll("details [aria-invalid=true]")) reveal(wrong);
  // An alert is heard as it comes; other notes are not.
  said.textContent = form().querySelector(".note:not([role=alert])")?.textContent.trim() ?? "";
  const goal = form().querySelector("[autofocus]");
  if (goal && act !== "look") {
    goTo(goal);
    // The ID that a new task has is there to be typed over.
    if (act.startsWith("operator:") && goal.matches("input")) goal.select();
  }
  else if (["check", "save"].includes(act)) {
    document.getElementById("editor-notes").scrollIntoView({ block: "center" });
  }
}

async function carryOut(name, value, focused, sent) {
  form().setAttribute("aria-busy", "true");
  try {
    const answer = await post(name, value, sent);
    const isForm = answer.ok || answer.status === 422;
    if (answer.redirected || !isForm) return complain(wordsOf(answer));
    if (answer.headers.get("Content-Type").startsWith("application/json")) {
      const { url } = await answer.json();
      changed = false;
      forget();
      location.assign(url);
      return;
    }
    show(await answer.text(), name === "over" ? "save" : value, Boolean(sent));
    keepFocus(focused);
    keepSoon();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    complain("The server can’t be reached. Nothing is lost: try again.");
  } finally {
    form().removeAttribute("aria-busy");
  }
}

/** A button that the answer has taken away leaves the focus nowhere: the list of tasks gets it. */
function keepFocus(focused) {
  if (!focused || document.activeElement !== document.body) return;
  const again = [...form().querySelectorAll("button[name=act]")].find(
    (button) => button.value === focused && !button.disabled,
  );
  (again ?? form().querySelector("[data-check]")).focus({ preventScroll: true });
}

/** One after the other: an answer to what is older must not take the place of a newer one. */
function act(name, value, focused = "", sent = undefined) {
  clearTimeout(timer);
  last = last.then(() => carryOut(name, value, focused, sent));
  return last;
}

function lookSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => act("act", "look"), PAUSE);
}

function clickOn(selector) {
  form().querySelector(selector)?.click();
}

document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  const { name, value } = event.submitter ?? { name: "act", value: "check" };
  if (name === "act" && /^(add|remove|restore|duplicate|up|down|operator)\b/.test(value)) {
    changed = true;
  }
  act(name || "act", value || "check", value);
});
document.addEventListener("input", (event) => {
  if (!form().contains(event.target) || event.target.matches("[data-find-operator]")) return;
  changed = true;
  showChanged();
  keepSoon();
  if (event.target.matches("[data-looks]")) lookSoon();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  clickOn(event.shiftKey ? "[data-check]" : "[data-save]");
});
document.addEventListener("click", (event) => {
  const node = event.target.closest(".dag-graph a, .graph-list a, [data-to-field]");
  if (node && form().contains(node)) {
    event.preventDefault();
    const target = document.getElementById((node.getAttribute("href") ?? "").slice(1));
    if (target?.matches("button")) target.click();
    else if (target) goTo(target);
  }
});
addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});

// What was left without being saved

const offer = document.querySelector("[data-kept]");

/** As long as what was left before is offered, it isn't written over. */
function keepNow() {
  if (changed && offer.hidden) keep(new FormData(form()));
}

function keepSoon() {
  clearTimeout(keeping);
  keeping = setTimeout(keepNow, PAUSE);
}

addEventListener("pagehide", keepNow);

function offerKept() {
  const left = kept();
  if (!left || changed) return;
  offer.querySelector("[data-kept-at]").textContent = `at ${left.at.toLocaleTimeString()}`;
  offer.hidden = false;
}

offer.addEventListener("click", (event) => {
  const isWanted = event.target.matches("[data-bring-back]");
  if (!isWanted && !event.target.matches("[data-forget]")) return;
  const left = kept();
  offer.hidden = true;
  if (!isWanted || !left) return forget();
  left.data.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
  changed = true;
  act("act", "look", "", left.data);
});

search(document);
paint();
showChanged();
offerKept();
const goal = form().querySelector("[autofocus]");
if (goal) goTo(goal);
