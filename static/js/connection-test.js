// Tests what is on the screen: sends the form, and fills the panel as the stages pass.

const PAUSE = 400;
const LONGEST = 330_000;

function put(place, text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const panel = page.querySelector("[data-test-panel]");
  if (!panel) throw new Error("no panel");
  place.replaceChildren(panel);
  return panel;
}

function tellFailure(place, words) {
  const note = document.createElement("p");
  note.className = "err";
  note.textContent = words;
  place.replaceChildren(note);
}

async function ask(url, options = {}) {
  const headers = { "X-Requested-With": "fetch" };
  const answer = await fetch(url, { ...options, headers });
  if (!answer.ok && answer.status !== 422) {
    const why = answer.status === 403 ? "You may not test connections, or signed out meanwhile." : `The server answered ${answer.status}.`;
    throw new Error(why);
  }
  return answer.text();
}

/** Follow a test until it has ended; `isCurrent` tells whether somebody began another. */
async function follow(place, panel, isCurrent) {
  const end = Date.now() + LONGEST;
  while (panel.dataset.testRuns && Date.now() < end) {
    await new Promise((done) => setTimeout(done, PAUSE));
    if (!isCurrent()) return;
    panel = put(place, await ask(panel.dataset.testRuns));
  }
  const said = panel.querySelector("[data-say]");
  const status = document.querySelector("[data-test-status]");
  if (said && status) status.textContent = `Test: ${said.textContent.trim()}`;
}

/** Let `button` test its form; the panel appears in `place`. */
export function startConnectionTest(button, place) {
  let latest = 0;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    const mine = ++latest;
    const isCurrent = () => mine === latest;
    button.setAttribute("aria-busy", "true");
    place.hidden = false;
    try {
      const body = new FormData(button.form);
      const text = await ask(button.hasAttribute("formaction") ? button.formAction : button.form.action, { method: "POST", body });
      if (isCurrent()) await follow(place, put(place, text), isCurrent);
    } catch (error) {
      if (isCurrent()) tellFailure(place, `Not tested. ${error.message}`);
    } finally {
      if (isCurrent()) button.removeAttribute("aria-busy");
    }
  });
}

// A test's own page follows it, too.
const alone = document.querySelector("main > .stack > [data-test-panel][data-test-runs]");
if (alone) follow(alone.parentElement, alone, () => true);
