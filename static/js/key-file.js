// A key file, dropped or chosen: read here, put into its field, and told whose key it is.

const LARGEST = 100_000;

function accountOf(text) {
  try {
    const key = JSON.parse(text);
    return key && typeof key === "object" ? key : null;
  } catch {
    return null;
  }
}

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

  function look() {
    const text = area.value;
    if (!text.trim()) {
      unfill();
      tell("");
      return;
    }
    const key = accountOf(text);
    if (!key) {
      tell("This is not JSON yet: the whole file is needed.", true);
      return;
    }
    if (!key.client_email) {
      tell("This JSON has no client_email: it is not a service account key.", true);
      return;
    }
    unfill();
    if (project && !project.value && key.project_id) {
      project.value = filled = key.project_id;
      project.dispatchEvent(new Event("change", { bubbles: true }));
    }
    tell(`Key of ${key.client_email}${key.project_id ? `, project ${key.project_id}` : ""}`);
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
