// Times: "12 s ago" and "12.6 s" go on by themselves, clocks show the reader's time zone.
// The server's clock counts: `data-now` of <main> tells how far ours is from it.

const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"]];

function serverAhead() {
  const main = document.querySelector("main[data-now]");
  const [load] = performance.getEntriesByType("navigation");
  if (!main || !load) return 0;
  const ours = performance.timeOrigin + load.responseStart;
  const ahead = Date.parse(main.dataset.now) - ours;
  // Less than a second is the way here, not the clock.
  return Math.abs(ahead) > 1_000 ? ahead : 0;
}

const ahead = serverAhead();

/** Seconds since a moment by the server's clock; negative before it. */
export function since(text) {
  return (Date.now() + ahead - Date.parse(text)) / 1_000;
}

function secondsSince(text) {
  return Math.max(0, since(text));
}

/** As the filter `duration` of the server. */
export function duration(seconds) {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** As the filter `ago` of the server. */
export function ago(seconds) {
  if (seconds < 2) return "just now";
  for (const [size, word] of UNITS) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${word} ago`;
  }
  return `${Math.floor(seconds)} s ago`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function clock(date) {
  const two = (number) => String(number).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** Show the times in `root` in the reader's time zone. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    element.title = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    if ("clock" in element.dataset) set(element, clock(date));
    element.dataset.local = "";
  }
}

export function tick(root = document) {
  for (const element of root.querySelectorAll("[data-since]")) {
    set(element, duration(secondsSince(element.dataset.since)));
  }
  for (const element of root.querySelectorAll("time[data-ago]")) {
    set(element, ago(secondsSince(element.dateTime)));
  }
}

export function startTimes() {
  localise(document);
  tick();
  setInterval(() => {
    if (!document.hidden) tick();
  }, 200);
}
