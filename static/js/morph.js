// Brings an element to the state of a newer one, and leaves alone what is the same: focus, the
// selection, open <details> and scroll positions stay.

const ELEMENT = 1;

function same(old, next) {
  return old.nodeType === next.nodeType && old.nodeName === next.nodeName && old.id === next.id;
}

function syncAttributes(old, next) {
  for (const { name } of [...old.attributes]) {
    // The reader opens and closes <details>; a newer page doesn't.
    if (name === "open" && old.nodeName === "DETAILS") continue;
    if (!next.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (name === "open" && old.nodeName === "DETAILS") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function ownChild(parent, id) {
  return [...parent.children].find((child) => child.id === id);
}

function syncChildren(old, next) {
  let place = old.firstChild;
  for (const child of [...next.childNodes]) {
    const known = child.id ? ownChild(old, child.id) : null;
    if (known && known !== place) old.insertBefore(known, place);
    if (known) {
      place = known;
    } else if (!place || child.id || place.id || !same(place, child)) {
      old.insertBefore(child, place);
      continue;
    }
    const after = place.nextSibling;
    morph(place, child);
    place = after;
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

export function morph(old, next) {
  if (!same(old, next)) {
    old.replaceWith(next);
  } else if (old.nodeType !== ELEMENT) {
    if (old.data !== next.data) old.data = next.data;
  } else if (!old.isEqualNode(next)) {
    syncAttributes(old, next);
    syncChildren(old, next);
  }
}

/** The elements that `html` holds; a template takes rows of tables as well. */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}
