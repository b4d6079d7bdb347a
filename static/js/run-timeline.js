// The timeline: its lanes are drawn in seconds of the run, so that they grow by themselves.

import { fresh, replace } from "./live.js";
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

/** The run is over, and took so many seconds. */
export function setLength(length) {
  if (!lanes) return;
  delete lanes.dataset.goesOn;
  lanes.dataset.length = length;
  setScale(length);
}

if (lanes && "goesOn" in lanes.dataset) setInterval(grow, PAUSE);
