// What was typed and isn't saved, kept in this tab until it is: a page that is left or loaded anew
// can give it back.

const KEY = `patchbay-draft ${location.pathname}`;

/** Keep the fields of a form; nothing is kept where the browser has no room for it. */
export function keep(data) {
  const fields = [...data].filter(([name]) => name !== "csrfmiddlewaretoken");
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ at: Date.now(), fields }));
  } catch {
    forget();
  }
}

/** What is kept, with its time; undefined if there is none. */
export function kept() {
  const text = sessionStorage.getItem(KEY);
  if (!text) return undefined;
  const { at, fields } = JSON.parse(text);
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  return { at: new Date(at), data };
}

export function forget() {
  sessionStorage.removeItem(KEY);
}
