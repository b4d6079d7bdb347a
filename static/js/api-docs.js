// The description of the API, in the place of the plain table. It comes from this server only.

const root = document.documentElement;
const place = document.querySelector("[data-api-docs]");
const system = matchMedia("(prefers-color-scheme: dark)");

// Swagger UI has a dark dress of its own, which goes by a class.
function dress() {
  const { theme } = root.dataset;
  root.classList.toggle("dark-mode", theme === "dark" || (theme !== "light" && system.matches));
}

if (place && window.SwaggerUIBundle) {
  const ui = document.createElement("div");
  window.SwaggerUIBundle({
    url: place.dataset.apiDocs,
    domNode: ui,
    deepLinking: true,
    validatorUrl: null,
    tryItOutEnabled: true,
    onComplete: () => place.replaceChildren(ui),
  });
  dress();
  system.addEventListener("change", dress);
  new MutationObserver(dress).observe(root, { attributeFilter: ["data-theme"] });
}
