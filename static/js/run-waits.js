// "for 40 s" and "in 40 s, at 12:03:20" go on by themselves.

import { duration, since } from "./times.js";

function whole(seconds) {
  return seconds < 60 ? `${Math.floor(seconds)} s` : duration(seconds);
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-wait-since]")) {
    const seconds = since(element.dataset.waitSince);
    set(element, seconds < 1 ? "" : `for ${whole(seconds)}`);
  }
  for (const element of document.querySelectorAll("[data-wait-until]")) {
    const until = new Date(element.dataset.waitUntil);
    const left = Math.max(0, -since(element.dataset.waitUntil));
    const at = until.toLocaleTimeString(undefined, { hour12: false });
    set(element, left ? `in ${whole(Math.ceil(left))}, at ${at}` : `now, at ${at}`);
  }
}

export function startWaits() {
  tick();
  setInterval(tick, 500);
}
