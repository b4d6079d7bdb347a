// Colours the nodes of the graph as their tasks change.

/** `nodes`: position -> state; `words`: state -> [icon, word]. */
export function colourNodes(nodes, words) {
  for (const [position, state] of Object.entries(nodes ?? {})) {
    const node = document.getElementById(`node-${position}`);
    if (!node) continue;
    for (const cable of document.querySelectorAll(`.cables [data-from="${position}"]`)) {
      cable.setAttribute("class", state === "success" ? "lit" : "");
    }
    const others = (node.getAttribute("class") ?? "").split(" ").filter((name) => !name.startsWith("s-"));
    node.setAttribute("class", [...others, `s-${state}`].join(" "));
    const [icon, word] = words[state];
    const mark = node.querySelector("use.mark");
    if (mark) mark.setAttribute("href", `${mark.getAttribute("href").split("#")[0]}#${icon}`);
    const text = node.querySelector(".word");
    if (text) text.textContent = word;
  }
}
