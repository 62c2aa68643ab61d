// What is written in an editor is kept in this browser, person by person, until it is saved: a closed tab loses nothing.
// Every opening of an editor keeps a draft of its own, so that two tabs, or an offer that is passed over, take nothing
// from each other. On return all of them are offered; going on with one sends it to the server, which draws the form.

{
  const DAYS = 30;
  for (const key of Object.keys(localStorage).filter((each) => each.startsWith("draft:"))) {
    if (!(readDraft(key)?.at > Date.now() - DAYS * 864e5)) localStorage.removeItem(key);
  }
  // A page that says "saved" ends the draft that was sent.
  const sent = sessionStorage.getItem("draft-sent");
  sessionStorage.removeItem("draft-sent");
  if (sent && document.querySelector("#flashes .is-ok")) localStorage.removeItem(sent);

  for (const form of document.querySelectorAll("form[data-draft]")) startDraft(form, sent);
}

function readDraft(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

function startDraft(form, sent) {
  const place = `draft:${form.dataset.draft}:${new URL(form.action).pathname}:`;
  const PASSING = ["csrf_token", "person", "list_id"];
  const OFFERED = 5;
  const pairs = () => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !PASSING.includes(name));
  const offer = form.querySelector("[data-draft-offer]");
  const untouched = JSON.stringify(pairs());
  const kept = Object.keys(localStorage).filter((each) => each.startsWith(place))
    .map((each) => ({ key: each, ...readDraft(each) }))
    .filter((each) => each.pairs?.some(([, value]) => value !== ""))
    .sort((one, other) => other.at - one.at);
  const key = own();
  let changed = Boolean(form.querySelector('[aria-invalid="true"]')), pause;

  // A form that comes back from the server (an error, a draft that is gone on with) stays the draft that it was, also
  // when the page is loaded again; so does one whose fields the browser has filled in again. All others are new.
  function own() {
    const before = "draftAnswer" in form.dataset ? sent ?? history.state?.draft : null;
    const found = before?.startsWith(place) ? before : kept.find((each) => JSON.stringify(each.pairs) === untouched)?.key;
    const mine = found ?? place + Date.now().toString(36) + Math.random().toString(36).slice(2);
    history.replaceState({ ...history.state, draft: mine }, "");
    return mine;
  }

  function keep() {
    if (!changed) return;
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), pairs: pairs() }));
    } catch {
      // no room, or not allowed: then there is no draft
    }
  }

  function resume(draft) {
    keep();
    sessionStorage.setItem("draft-sent", draft.key);
    const again = document.createElement("form");
    again.method = "post";
    again.action = form.action;
    const more = [["csrf_token", form.elements.csrf_token.value], ["do", "show:"], ["preview", "1"]];
    for (const [name, value] of [...more, ...draft.pairs]) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      again.append(field);
    }
    again.hidden = true;
    document.body.append(again);
    again.submit();
  }

  function offerAll(drafts) {
    const rows = offer.querySelector("[data-drafts]");
    rows.replaceChildren(...drafts.map((draft) => offered(draft, (row) => {
      localStorage.removeItem(draft.key);
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      offer.hidden = !next;
      (next?.querySelector("[data-draft-drop]") ?? form.elements.name).focus();
    })));
    offer.hidden = drafts.length === 0;
  }

  function offered(draft, drop) {
    const row = offer.querySelector("template").content.cloneNode(true).firstElementChild;
    const named = draft.pairs.find(([name]) => name === "name")?.[1];
    const told = row.querySelector("[data-draft-name]");
    if (named?.trim()) told.textContent = named;
    row.querySelector("time").textContent =
      new Date(draft.at).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
    row.querySelector("[data-draft-take]").addEventListener("click", () => resume(draft));
    row.querySelector("[data-draft-drop]").addEventListener("click", () => drop(row));
    return row;
  }

  offerAll(kept.filter((each) => each.key !== key && JSON.stringify(each.pairs) !== untouched).slice(0, OFFERED));

  form.addEventListener("input", (event) => {
    if (PASSING.includes(event.target.name)) return;
    changed = true;
    clearTimeout(pause);
    pause = setTimeout(keep, 400);
  });
  // What was sent is kept until the answer says that it is saved, and not written again by leaving this page.
  form.addEventListener("submit", () => {
    keep();
    clearTimeout(pause);
    changed = false;
    sessionStorage.setItem("draft-sent", key);
  });
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") keep(); });
}
