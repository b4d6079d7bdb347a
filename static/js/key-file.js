// A key file, dropped or chosen: read here, put into its field, and told what it is.

const LARGEST = 100_000;

/** What a service account's key says of itself: {words, project}, or {words, isBad}. */
function keyJson(text) {
  let key;
  try {
    key = JSON.parse(text);
  } catch {
    return { words: "This is not JSON yet: the whole file is needed.", isBad: true };
  }
  if (!key || typeof key !== "object" || !key.client_email) {
    return { words: "This JSON has no client_email: it is not a service account key.", isBad: true };
  }
  const project = key.project_id ?? "";
  return { words: `Key of ${key.client_email}${project ? `, project ${project}` : ""}`, project };
}

/** Which kinds of keys and certificates a text holds, by their frames. */
function pem(text) {
  const kinds = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, kind]) => kind);
  if (/^PuTTY-User-Key-File-/.test(text.trim())) kinds.push("PUTTY PRIVATE KEY");
  if (!kinds.length) {
    return { words: "There is no -----BEGIN …----- in it yet: the whole file is needed.", isBad: true };
  }
  const counts = new Map();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const told = [...counts].map(([kind, count]) => (count > 1 ? `${count} × ${kind}` : kind));
  const isLocked = kinds.some((kind) => kind.startsWith("ENCRYPTED")) || /^Proc-Type: 4,ENCRYPTED/m.test(text);
  return { words: `${told.join(", ")}${isLocked ? ": it needs its passphrase" : ""}` };
}

const READERS = { key_json: keyJson, pem };

export function startKeyFile(drop) {
  const area = document.getElementById(drop.dataset.keyFile);
  const project = document.getElementById(drop.dataset.project);
  const input = drop.querySelector("input[type=file]");
  const found = drop.parentElement.querySelector("[data-found]");
  let filled = "";

  function tell(words, isBad = false) {
    found.textContent = words;
    found.hidden = !words;
    found.classList.toggle("bad", isBad);
  }

  /** Take back what an earlier key filled, if it wasn't edited since. */
  function unfill() {
    if (project && filled && project.value === filled) project.value = "";
    filled = "";
  }

  function fill(value) {
    if (!project || project.value || !value) return;
    project.value = filled = value;
    project.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function look() {
    const text = area.value;
    if (!text.trim()) {
      unfill();
      tell("");
      return;
    }
    const key = READERS[drop.dataset.kind](text);
    if (!key.isBad) {
      unfill();
      fill(key.project);
    }
    tell(key.words, key.isBad);
  }

  async function read(file) {
    if (file.size > LARGEST) {
      tell("This file is too large for a key.", true);
      return;
    }
    area.value = await file.text();
    // The text is sent with its field; the file need not be sent a second time.
    input.value = "";
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  area.addEventListener("input", look);
  input.addEventListener("change", () => input.files.length && read(input.files[0]));
  for (const target of [drop, area]) {
    target.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("over");
    });
    target.addEventListener("dragleave", () => drop.classList.remove("over"));
    target.addEventListener("drop", (event) => {
      drop.classList.remove("over");
      const [file] = event.dataTransfer.files;
      if (!file) return;
      event.preventDefault();
      read(file);
    });
  }
  if (area.value) look();
}
