// The reference: our own document, tried against our own server, whatever name it is reached by.
(() => {
  const place = document.getElementById("reference");
  if (!place) return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => {
    const chosen = document.documentElement.dataset.bsTheme;
    document.documentElement.classList.toggle("dark-mode", chosen ? chosen === "dark" : dark.matches);
  };
  theme();
  dark.addEventListener("change", theme);
  fetch(place.dataset.document)
    .then((answer) => answer.json())
    .then((spec) => {
      window.SwaggerUIBundle({
        spec: { ...spec, servers: [{ url: place.dataset.server }] },
        domNode: place,
        deepLinking: true,
        docExpansion: "list",
        defaultModelsExpandDepth: 0,
        displayRequestDuration: true,
        filter: true,
        tryItOutEnabled: true,
        validatorUrl: null,
        presets: [window.SwaggerUIBundle.presets.apis],
        layout: "BaseLayout",
      });
    });
})();
