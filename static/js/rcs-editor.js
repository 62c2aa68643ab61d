// The RCS editor: the phone, the counters and the price follow every keystroke. Without this file the form works
// too: its buttons send it, and the server draws the phone.

for (const form of document.querySelectorAll("[data-rcs-editor]")) startRcsEditor(form);

function startRcsEditor(form) {
  const facts = JSON.parse(form.dataset.rcsEditor);
  const say = facts.words;
  const phone = rcsPhone(facts, form.dataset.sprite);
  const sms = smsText.counter(facts.sms);
  const screen = form.querySelector("[data-screen]");
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const value = (path) => form.elements[path]?.value ?? "";
  const all = (selector, act) => form.querySelectorAll(selector).forEach(act);
  let values = facts.values;

  // --- what is typed, as sintalk/message_templates/rcs_typed.py reads it

  const filled = (pairs) => Object.fromEntries(Object.entries(pairs).filter(([, text]) => text !== ""));
  const itemsOf = (path) => [...(form.querySelector(`[data-items="${CSS.escape(path)}"]`)?.children ?? [])];

  function chips(path) {
    return itemsOf(`${path}.suggestions`).map((item) => ({
      type: value(`${item.dataset.item}.type`), text: value(`${item.dataset.item}.text`),
    }));
  }

  function card(path, alone) {
    const made = { title: value(`${path}.title`), description: value(`${path}.description`), suggestions: chips(path) };
    const horizontal = alone && value(`${path}.orientation`) === "horizontal";
    const fields = ["file_url", "thumbnail_url", ...(horizontal ? [] : ["height"])];
    const media = filled(Object.fromEntries(fields.map((name) => [name, value(`${path}.media.${name}`)])));
    if (media.file_url || media.thumbnail_url) made.media = media;
    if (horizontal) Object.assign(made, { orientation: "horizontal", thumbnail_alignment: value(`${path}.thumbnail_alignment`) });
    return made;
  }

  function content() {
    const type = value("rcs.type");
    const made = { type, suggestions: chips("rcs") };
    if (type === "text") made.text = { body: value("rcs.text.body") };
    if (type === "file") made.file = { file_url: value("rcs.file.file_url"), thumbnail_url: value("rcs.file.thumbnail_url") };
    if (type === "card") made.card = card("rcs.card", true);
    if (type === "carousel") {
      const cards = itemsOf("rcs.carousel.cards").map((item) => card(item.dataset.item));
      made.carousel = { card_width: value("rcs.carousel.card_width"), cards };
    }
    return made;
  }

  // --- what follows it

  function drawPhone(now) {
    const left = screen.querySelector(".rcs-carousel")?.scrollLeft ?? 0;
    screen.replaceChildren(...phone.message(now, values));
    const carousel = screen.querySelector(".rcs-carousel");
    if (carousel) carousel.scrollLeft = left;
    pointAt(document.activeElement);
  }

  function drawPrice(now) {
    const body = now.type === "text" ? phone.plain(now.text.body, values) : "";
    const bytes = new TextEncoder().encode(body).length;
    const reason = now.type !== "text" ? "rich" : now.suggestions.length ? "suggestions" : "bytes";
    const billed = reason === "bytes" && bytes <= facts.basicBytes ? "basic" : "single";
    form.querySelector("[data-billed]").textContent = say[billed];
    const price = form.querySelector("[data-price]");
    price.textContent = price.dataset[billed];
    form.querySelector("[data-why]").textContent = say[reason].replace("{n}", numbers.format(bytes));
  }

  // A limit at save counts what surely stands there: the text without its placeholders.
  function count() {
    all("[data-count-of]", (counter) => {
      const text = value(counter.dataset.countOf);
      const length = smsText.pieces(text).reduce((sum, piece) => sum + (piece.name ? 0 : [...piece.text].length), 0);
      counter.textContent = `${numbers.format(length)} / ${numbers.format(counter.dataset.limit)}`;
      counter.classList.toggle("is-over", length > counter.dataset.limit);
    });
  }

  function nameItems() {
    all("[data-item]", (item) => {
      const title = item.querySelector("[data-title]");
      title.textContent = item.querySelector("[data-title-source]").value.trim() || title.dataset.untitled;
      const kind = item.querySelector(":scope > details > summary [data-kind-word]");
      if (kind) kind.textContent = item.querySelector("[data-chip-kind]").selectedOptions[0].textContent;
    });
  }

  // Tall pictures do not fit small cards: the choice is not offered there.
  function keepHeights() {
    const small = value("rcs.carousel.card_width") === "small";
    let tall = false;
    all('[name^="rcs.carousel.cards"][name$=".height"]', (select) => {
      const option = select.querySelector('[value="tall"]');
      option.disabled = small;
      if (small && option.selected) select.value = "medium";
      tall ||= option.selected;
    });
    form.querySelector('[data-when="tall-medium"]').hidden = !tall;
  }

  function sizeFallback() {
    const line = form.querySelector("[data-sms-size]");
    const text = value("rcs.fallback.sms.text");
    line.hidden = !text;
    if (!text) return;
    const size = sms.measure(phone.plain(text, values), value("rcs.fallback.sms.encoding"));
    line.textContent = say.smsSize.replace("{units}", numbers.format(size.units)).replace("{parts}", size.segments);
  }

  function follow() {
    keepHeights();
    const now = content();
    drawPhone(now);
    drawPrice(now);
    count();
    nameItems();
    sizeFallback();
  }

  // --- form and phone point at each other

  const cardsDrawn = () => [...screen.querySelectorAll(".rcs-carousel .rcs-card")];

  function pointAt(element) {
    const item = element?.closest?.('[data-kind="card"] > [data-item]');
    const at = item ? itemsOf("rcs.carousel.cards").indexOf(item) : -1;
    cardsDrawn().forEach((drawn, number) => drawn.classList.toggle("is-pointed-at", number === at));
    const drawn = cardsDrawn()[at];
    if (drawn) drawn.parentElement.scrollLeft = drawn.offsetLeft - (drawn.parentElement.clientWidth - drawn.offsetWidth) / 2;
  }

  screen.addEventListener("click", (event) => {
    const at = cardsDrawn().indexOf(event.target.closest(".rcs-card"));
    const item = itemsOf("rcs.carousel.cards")[at];
    if (!item) return;
    showPhone(false);
    item.querySelector("details").open = true;
    item.querySelector("[data-title-source]").focus();
  });

  // --- placeholders go where the cursor is, or was last

  let field = null;
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-takes-placeholders]")) field = event.target;
    pointAt(event.target);
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (!button) return;
    const shown = [...form.querySelectorAll("[data-takes-placeholders]")].filter((it) => it.checkVisibility());
    if (!field || !shown.includes(field)) field = shown[0];
    if (!field) return;
    field.setRangeText(`{{${button.dataset.insert}}}`, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // --- somebody of a list instead of the made-up person

  form.addEventListener("person", (event) => { values = event.detail ?? facts.values; follow(); });
  form.addEventListener("columns", (event) => offerColumns(form.querySelector("[data-insert-chips]"), event.detail));

  // --- on small screens the phone is a sheet over the form

  const toggle = form.querySelector("[data-phone-toggle]");
  const toggleWords = toggle.querySelector("[data-phone-words]");
  const openWords = toggleWords.textContent;

  function showPhone(yes) {
    form.querySelector(".editor-aside").classList.toggle("is-shown", yes);
    form.querySelector(".editor-form").inert = yes;
    toggle.setAttribute("aria-expanded", yes);
    toggleWords.textContent = yes ? toggleWords.dataset.shut : openWords;
    if (yes) pointAt(null);
  }
  toggle.addEventListener("click", () => showPhone(toggle.getAttribute("aria-expanded") !== "true"));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && toggle.getAttribute("aria-expanded") === "true") showPhone(false);
  });
  window.matchMedia("(width >= 62rem)").addEventListener("change", () => showPhone(false));

  form.classList.add("has-script");
  all("[data-without-script]", (element) => { element.hidden = true; });
  all("[data-insert-bar], [data-phone-toggle]", (element) => { element.hidden = false; });
  itemLists(form, say);
  form.addEventListener("input", follow);
  follow();
}
