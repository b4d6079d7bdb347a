// Comforts of the pages of DAGs: times to come count down, and a link into a folded part opens it.

const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"]];

/** As the filter `until` of the server. */
export function ahead(seconds) {
  if (seconds <= 0) return "now";
  for (const [size, word] of UNITS) {
    if (seconds >= size) return `in ${Math.floor(seconds / size)} ${word}`;
  }
  return `in ${Math.floor(seconds)} s`;
}

function countDown() {
  for (const element of document.querySelectorAll("time[data-ahead]")) {
    const words = ahead((Date.parse(element.dateTime) - Date.now()) / 1_000);
    if (element.textContent !== words) element.textContent = words;
  }
}

/** What the address names may lie in a folded part: open it, and go there. */
function reveal() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  const folded = target && target.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  target.scrollIntoView({ block: "center" });
}

addEventListener("hashchange", reveal);
reveal();
countDown();
setInterval(() => document.hidden || countDown(), 1_000);
