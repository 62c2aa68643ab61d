// What plain HTML leaves to be wished for: every page works without this file.

const words = document.body.dataset;

function announce(text) {
  const region = document.getElementById("announcer");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

function each(root, selector, act) {
  if (root.matches?.(selector)) act(root);
  root.querySelectorAll(selector).forEach(act);
}

// Every request of htmx carries the CSRF token.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector('meta[name="csrf-token"]').content;
});

// A request that failed says so, and everything on the page stays as it is.
function tellFailure() {
  const notice = document.createElement("div");
  notice.className = "notice is-bad";
  notice.textContent = words.wordsFailed;
  document.getElementById("flashes")?.replaceChildren(notice);
  announce(words.wordsFailed);
}
// A poll that fails says nothing: the next one comes by itself.
const polls = (element) => element.hasAttribute?.("data-poll");
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => { if (!polls(event.target)) tellFailure(); });
}

// A poll never takes away what is being typed in what it draws again.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
  name !== "value" || !node.matches("input, textarea") || node.value === node.defaultValue;

// After an answer: speak what is new, and go to the first field that is wrong.
function settle(root) {
  const spoken = [];
  each(root, "[data-announce]", (element) => {
    spoken.push(element.textContent.trim().replace(/\s+/g, " "));
    element.removeAttribute("data-announce");
  });
  if (spoken.length) announce(spoken.join(" "));
  const wrong = [...root.querySelectorAll('[aria-invalid="true"]')][0];
  if (wrong) (wrong.matches("fieldset") ? wrong.querySelector("input") : wrong)?.focus();
}
settle(document);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt?.id === "balance") return;
  if (!polls(event.target)) settle(event.target);
  htmx.trigger(document.body, "moved");
});

// Dialogs, for browsers without invoker commands.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog.close();
  });
}

// Menus close by a click elsewhere and by Escape.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Copy buttons.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source.value ?? source.textContent;
  try {
    await navigator.clipboard.writeText(text.trim());
  } catch {
    source.select?.();
    document.execCommand("copy");
  }
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  label.textContent = words.wordsCopied;
  announce(words.wordsCopied);
  setTimeout(() => { label.textContent = before; }, 2000);
});

// A filter applies as soon as it is chosen, and leaves no empty parameters in the address.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-autosubmit]") && event.target.matches("select, [type=date], [type=checkbox]")) {
    form.requestSubmit();
  }
});
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-autosubmit]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
function forgetSent(root) {
  each(root, "[data-sent]", (form) => { delete form.dataset.sent; });
  each(root, "button[aria-busy]", (button) => button.removeAttribute("aria-busy"));
}
window.addEventListener("pageshow", () => forgetSent(document));
document.addEventListener("htmx:afterRequest", (event) => forgetSent(event.target.closest?.("form") ?? document));
