// The timeline: its lanes are drawn in seconds of the run, so that they grow by themselves.

import { forget, fresh, replace } from "./live.js";
import { parse } from "./morph.js";
import { since } from "./times.js";

const PAUSE = 500;
const lanes = document.getElementById("run-timeline");

function setScale(length) {
  const box = `0 0 ${length.toFixed(3)} 10`;
  for (const track of lanes.querySelectorAll(".track")) track.setAttribute("viewBox", box);
}

/** What goes on reaches to the present. */
function grow() {
  if (!lanes || !("goesOn" in lanes.dataset) || document.hidden) return;
  const length = Math.max(since(lanes.dataset.start), 0.001);
  setScale(length);
  for (const part of lanes.querySelectorAll("[data-going]")) {
    part.setAttribute("width", Math.max(length - Number(part.getAttribute("x")), 0).toFixed(3));
  }
}

/** id -> html; one that isn't there yet comes last. */
export function addLanes(found) {
  if (!lanes) return;
  for (const [id, html] of Object.entries(found)) {
    if (replace(id, html)) continue;
    for (const lane of parse(html)) {
      lanes.append(lane);
      fresh(lane);
    }
  }
  if (lanes.dataset.goesOn !== undefined) grow();
  else setScale(Number(lanes.dataset.length));
}

/** The lanes of these, and no others, in the order of the list. */
export function setLanes(html) {
  if (!lanes) return;
  const next = parse(html);
  const ids = new Set(next.map((lane) => lane.id));
  for (const lane of [...lanes.children]) {
    if (ids.has(lane.id)) continue;
    lane.remove();
    forget(lane.id);
  }
  addLanes(Object.fromEntries(next.map((lane) => [lane.id, lane.outerHTML])));
  for (const lane of next) lanes.append(document.getElementById(lane.id));
}

/** The run is over, and took so many seconds; without a length it goes on. */
export function setLength(length) {
  if (!lanes) return;
  if (length === null) {
    lanes.dataset.goesOn = "";
    return;
  }
  delete lanes.dataset.goesOn;
  lanes.dataset.length = length;
  setScale(length);
}

if (lanes) setInterval(grow, PAUSE);
