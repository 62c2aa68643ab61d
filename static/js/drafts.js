// What is written in an editor is kept in this browser, person by person, until it is saved: a closed tab loses nothing.
// On return it is offered; going on with it sends it to the server, which draws the form from it.

{
  const DAYS = 30;
  const keys = Object.keys(localStorage).filter((key) => key.startsWith("draft:"));
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  for (const key of keys) if (!(read(key)?.at > Date.now() - DAYS * 864e5)) localStorage.removeItem(key);

  // A page that says "saved" ends the draft that was sent.
  const sent = sessionStorage.getItem("draft-sent");
  if (sent && document.querySelector("#flashes .is-ok")) localStorage.removeItem(sent);
  sessionStorage.removeItem("draft-sent");

  for (const form of document.querySelectorAll("form[data-draft]")) startDraft(form, read);
}

function startDraft(form, read) {
  const key = `draft:${form.dataset.draft}:${new URL(form.action).pathname}`;
  const PASSING = ["csrf_token", "person", "list_id"];
  const pairs = () => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !PASSING.includes(name));
  const offer = form.querySelector("[data-draft-offer]");
  const untouched = JSON.stringify(pairs());
  const bare = (list) => list.filter(([, value]) => value !== "").length;
  let changed = false, pause;

  function keep() {
    if (!changed) return;
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), pairs: pairs() }));
    } catch {
      // no room, or not allowed: then there is no draft
    }
  }

  function resume(kept) {
    const again = document.createElement("form");
    again.method = "post";
    again.action = form.action;
    const more = [["csrf_token", form.elements.csrf_token.value], ["do", "show:"], ["preview", "1"]];
    for (const [name, value] of [...more, ...kept.pairs]) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      again.append(field);
    }
    again.hidden = true;
    document.body.append(again);
    again.submit();
  }

  const kept = read(key);
  if (kept && JSON.stringify(kept.pairs) !== untouched && bare(kept.pairs)) {
    offer.hidden = false;
    offer.querySelector("[data-draft-time]").textContent =
      new Date(kept.at).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
    offer.querySelector("[data-draft-take]").addEventListener("click", () => resume(kept));
    offer.querySelector("[data-draft-drop]").addEventListener("click", () => {
      localStorage.removeItem(key);
      offer.hidden = true;
      form.elements.name.focus();
    });
  }
  if (form.querySelector('[aria-invalid="true"]')) changed = true;

  form.addEventListener("input", (event) => {
    if (PASSING.includes(event.target.name)) return;
    changed = true;
    clearTimeout(pause);
    pause = setTimeout(keep, 400);
  });
  form.addEventListener("submit", () => { keep(); sessionStorage.setItem("draft-sent", key); });
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") keep(); });
}
