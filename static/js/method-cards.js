// The cards of methods: shows what belongs to the chosen one, and tells what saving would drop.

/** What somebody typed into a field; the boxes beside it are acts, not values. */
function isFilled(field) {
  return [...field.querySelectorAll("input, textarea, select")].some(
    (input) => !["file", "checkbox", "radio"].includes(input.type) && input.value.trim(),
  );
}

function isHeld(field) {
  const clear = field.querySelector(".clear input");
  return isFilled(field) || ("held" in field.dataset && !clear?.checked);
}

/** Show only what belongs to the chosen method; what isn't seen isn't sent. */
export function showMethod(form) {
  const cards = [...form.querySelectorAll("input[name=method]")];
  const label = (name) => cards.find((card) => card.value === name)?.dataset.label ?? name;
  const method = cards.find((card) => card.checked)?.value;
  const dropped = new Map();
  for (const field of form.querySelectorAll("[data-methods]")) {
    const owners = field.dataset.methods.split(" ");
    const belongs = owners.includes(method);
    const stays = "stays" in field.dataset;
    field.classList.toggle("off", !belongs && !stays);
    field.classList.toggle("stray", !belongs && stays);
    for (const input of field.querySelectorAll("input, textarea, select")) {
      input.disabled = !belongs && !stays;
    }
    if (!belongs && !stays && isHeld(field)) {
      dropped.set(owners[0], [...(dropped.get(owners[0]) ?? []), field.dataset.label]);
    }
  }
  for (const needed of form.querySelectorAll("[data-needed-by]")) {
    needed.classList.toggle("off", !needed.dataset.neededBy.split(" ").includes(method));
  }
  tell(form.querySelector("[data-drops]"), dropped, label);
}

function tell(line, dropped, label) {
  if (!line) return;
  const parts = [...dropped].map(([owner, labels]) => `${labels.join(", ")} of “${label(owner)}”`);
  line.textContent = parts.length ? `Saving drops: ${parts.join("; ")}.` : "";
  line.hidden = !parts.length;
}
