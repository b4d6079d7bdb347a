// Code fields with their parts in colour. The textarea stays what it is: its text is see-through,
// and a copy in colour lies behind it.

const TEMPLATE = String.raw`\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}`;
const NUMBER = String.raw`\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b`;
const SQL_WORDS = `add all alter and any array as asc begin between bool boolean by case cast check
  column commit constraint copy create cross current_date current_timestamp database date datetime
  default delete desc distinct drop else end except exists explain extract false fetch filter first
  float64 for foreign from full function grant group having if ilike in index inner insert int64
  integer intersect interval into is join key language last lateral left like limit merge natural
  not null numeric offset on or order outer over partition primary procedure qualify range
  recursive references replace returning revoke right rollback row rows schema select set string
  struct table temp temporary text then timestamp to true truncate union unique unnest update using
  vacuum values varchar view when where window with`.split(/\s+/);

const LANGUAGES = {
  sql: {
    pattern: new RegExp(
      [
        `(?<template>${TEMPLATE})`,
        String.raw`(?<comment>--[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
        String.raw`(?<text>'(?:[^']|'')*(?:'|$))`,
        String.raw`(?:"[^"]*"|${"`"}[^${"`"}]*${"`"})`,
        `(?<number>${NUMBER})`,
        String.raw`(?<name>[A-Za-z_]\w*)`,
      ].join("|"),
      "g",
    ),
    words: new Set(SQL_WORDS),
  },
  json: {
    pattern: new RegExp(
      [
        String.raw`(?<word>"(?:[^"\\\n]|\\.)*"(?=\s*:))`,
        String.raw`(?<text>"(?:[^"\\\n]|\\.)*"?)`,
        `(?<template>${TEMPLATE})`,
        `(?<number>-?${NUMBER})`,
        "(?<name>[a-z]+)",
      ].join("|"),
      "g",
    ),
    words: new Set(["true", "false", "null"]),
  },
};
/** Longer texts stay plain. */
const LONGEST = 50_000;

function kindOf(groups, words) {
  const [kind] = Object.entries(groups).find(([, text]) => text !== undefined) ?? [];
  if (kind !== "name") return kind;
  return words.has(groups.name.toLowerCase()) ? "word" : undefined;
}

const TEMPLATES = new RegExp(TEMPLATE, "g");

function coloured(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  return span;
}

/** A text in quotes, with the templates in it. */
function quoted(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(TEMPLATES)) {
    if (match.index > at) nodes.push(coloured("text", text.slice(at, match.index)));
    nodes.push(coloured("template", match[0]));
    at = match.index + match[0].length;
  }
  return at < text.length ? [...nodes, coloured("text", text.slice(at))] : nodes;
}

/** The parts of `text` in order: nodes, those in colour with their class. */
function parts(text, { pattern, words }) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = kindOf(match.groups, words);
    if (!kind) continue;
    if (match.index > at) nodes.push(text.slice(at, match.index));
    nodes.push(...(kind === "text" ? quoted(match[0]) : [coloured(kind, match[0])]));
    at = match.index + match[0].length;
  }
  // A last line that is empty needs something to be as high as the field's.
  nodes.push(`${text.slice(at)}\n`);
  return nodes;
}

function follow(field) {
  const area = field.querySelector("textarea");
  const copy = field.querySelector(".paint");
  copy.scrollTop = area.scrollTop;
  copy.scrollLeft = area.scrollLeft;
}

function paintOne(field) {
  const area = field.querySelector("textarea");
  const language = LANGUAGES[field.dataset.language];
  const isPainted = Boolean(language) && area.value.length > 0 && area.value.length <= LONGEST;
  field.classList.toggle("painted", isPainted);
  field.querySelector(".paint").replaceChildren(...(isPainted ? parts(area.value, language) : []));
  follow(field);
}

/** Paint every code field in `root` as it stands. */
export function paint(root = document) {
  for (const field of root.querySelectorAll(".code-field")) paintOne(field);
}

document.addEventListener("input", (event) => {
  const field = event.target.closest(".code-field");
  if (field) paintOne(field);
});
document.addEventListener(
  "scroll",
  (event) => {
    const field = event.target instanceof Element && event.target.closest(".code-field");
    if (field) follow(field);
  },
  true,
);
