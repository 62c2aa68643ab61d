// The SMS editor: the phone and the counters follow every keystroke. Without this file a button shows them.

for (const form of document.querySelectorAll("[data-sms-editor]")) startSmsEditor(form);

function startSmsEditor(form) {
  const tables = JSON.parse(form.dataset.smsEditor);
  const count = smsText.counter(tables);
  const textarea = form.elements.text;
  const bubble = form.querySelector("[data-bubble]");
  const spoken = form.querySelector("[data-spoken]");
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const show = (name, text) => form.querySelectorAll(`[data-count="${name}"]`).forEach((e) => { e.textContent = text; });
  const when = (name, yes) => form.querySelectorAll(`[data-when="${name}"]`).forEach((e) => { e.hidden = !yes; });

  form.querySelectorAll("[data-without-script]").forEach((e) => { e.hidden = true; });
  form.querySelectorAll("[data-chips], [data-take-accents-off]").forEach((e) => { e.hidden = false; });

  const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));
  let values = tables.values;
  const filled = (piece) => piece.text ?? smsText.fill(piece, values);

  function draw(pieces, encoding) {
    const written = encoding === "gsm7" ? count.transliterate : (text) => text;
    bubble.replaceChildren(...pieces.map((piece) => {
      if (!piece.name) return document.createTextNode(written(piece.text));
      const mark = document.createElement("mark");
      mark.textContent = written(filled(piece));
      return mark;
    }));
  }

  function follow() {
    const pieces = smsText.pieces(textarea.value);
    const encoding = form.elements.encoding.value;
    const whole = pieces.map(filled).join("");
    const now = count.measure(whole, encoding);
    const letters = now.alphabet === "ucs2" ? count.outsideGsm(whole) : [];
    draw(pieces, encoding);
    show("characters", numbers.format(now.characters));
    show("alphabet", now.alphabet === "gsm7" ? "GSM-7" : "UCS-2");
    show("segments", numbers.format(now.segments));
    show("left", numbers.format(now.left));
    show("plain", numbers.format(count.measure(whole, "gsm7").segments));
    when("slip", pieces.some((piece) => piece.slip));
    when("long", now.segments > tables.maxParts);
    when("gaps", pieces.some((piece) => piece.name));
    when("letters", encoding === "auto" && letters.length > 0);
    form.querySelector("[data-letters]").replaceChildren(...letters.flatMap((letter) => {
      const key = document.createElement("kbd");
      key.textContent = letter === "\t" ? "Tab" : letter;
      return [key, " "];
    }));
  }

  // Screen readers hear the size when the writer pauses, not at every letter.
  let pause;
  function speakLater() {
    clearTimeout(pause);
    pause = setTimeout(() => {
      spoken.textContent = [...form.querySelectorAll(".counters > div")]
        .map((pair) => [...pair.children].map((e) => e.textContent).join(": ")).join(", ");
    }, 1500);
  }

  form.addEventListener("input", () => { follow(); speakLater(); });
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (chip) {
      textarea.setRangeText(`{{${chip.dataset.insert}}}`, textarea.selectionStart, textarea.selectionEnd, "end");
      textarea.focus();
      changed();
    }
    if (event.target.closest("[data-take-accents-off]")) {
      // its button goes with the advice: the focus moves to what it has chosen
      const plain = form.querySelector('[name="encoding"][value="gsm7"]');
      plain.checked = true;
      plain.focus();
      changed();
    }
  });
  form.addEventListener("person", (event) => { values = event.detail ?? tables.values; follow(); });
  form.addEventListener("columns", (event) => offerColumns(form.querySelector("[data-chips]"), event.detail));
  follow();
}
