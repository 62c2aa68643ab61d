// The voice editor: the phone and the figures follow the form. Without this file a button shows them.

for (const form of document.querySelectorAll("[data-voice-editor]")) startVoiceEditor(form);

function startVoiceEditor(form) {
  const tables = JSON.parse(form.dataset.voiceEditor);
  const count = voiceLength(tables);
  const say = form.dataset;
  const language = document.documentElement.lang;
  const money = (micros) => new Intl.NumberFormat(language, {
    style: "currency", currency: "BRL", minimumFractionDigits: micros % 10000 ? 4 : 2,
  }).format(micros / 1e6);
  const one = (name) => form.querySelector(`[data-${name}]`);
  const show = (name, text) => form.querySelectorAll(`[data-count="${name}"]`).forEach((e) => { e.textContent = text; });
  const when = (name, yes) => form.querySelectorAll(`[data-when="${name}"]`).forEach((e) => { e.hidden = !yes; });
  const player = one("player");
  const rows = one("keys");
  const most = one("key-row").content.querySelector("select").options.length - 1; // one row a key
  const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));
  let soundMs = Number(say.duration) || 0;
  let values = tables.values;
  let speech = ""; // the text that was last listened to, with its voice and speed

  form.querySelectorAll("[data-without-script]").forEach((e) => { e.hidden = true; });
  form.querySelectorAll("[data-with-script]").forEach((e) => { e.hidden = false; });
  rows.querySelectorAll("[data-spare]").forEach((row) => row.remove());

  const source = () => form.elements.source.value;
  const whole = (name, otherwise) => Math.max(0, Number.parseInt(form.elements[name].value, 10) || otherwise);

  function keys() {
    return [...rows.children].map((row) => ({
      key: row.querySelector("select").value,
      label: row.querySelector("input").value,
      out: row.querySelector("[name=effect]").value === "opt_out",
    })).filter((each) => each.key || each.label.trim());
  }

  function drawWords() {
    const pieces = smsText.pieces(form.elements.text.value);
    one("call-words").replaceChildren(...pieces.map((piece) => {
      if (!piece.name) return document.createTextNode(piece.text);
      const mark = document.createElement("mark");
      mark.textContent = filled(piece);
      return mark;
    }));
    when("slip", pieces.some((piece) => piece.slip));
    return pieces.map(filled).join("");
  }

  const filled = (piece) => piece.text ?? smsText.fill(piece, values);

  function drawKeys(chosen) {
    const used = new Map(chosen.map((each) => [each.key, each]));
    form.querySelectorAll("[data-pad]").forEach((pad) => {
      pad.classList.toggle("is-used", used.has(pad.dataset.pad));
      pad.classList.toggle("is-out", Boolean(used.get(pad.dataset.pad)?.out));
    });
    one("call-keys").replaceChildren(...chosen.filter((each) => each.key).map((each) => {
      const pair = document.createElement("div");
      const key = document.createElement("dt");
      const words = document.createElement("dd");
      const press = document.createElement("kbd");
      press.textContent = each.key;
      key.append(press);
      words.textContent = each.label || say.wordsNoLabel;
      if (each.out) words.className = "is-out";
      pair.append(key, words);
      return pair;
    }));
    when("keys", chosen.length > 0);
    one("add-key").disabled = rows.children.length >= most;
  }

  function follow() {
    const audio = source() === "audio";
    const text = drawWords();
    const chosen = keys();
    drawKeys(chosen);
    when("audio", audio);
    when("tts", !audio);
    when("sound", audio && soundMs > 0);
    when("silent", audio && !soundMs);
    const spoken = audio ? soundMs : count.speechMs(text, Number(form.elements.rate.value) || 1);
    const timing = { timeout: whole("timeout_s", 5), repeat: whole("repeat", 0) };
    const call = count.length(spoken, chosen.length ? timing : null);
    const known = audio ? soundMs > 0 : Boolean(text.trim());
    show("spoken", known ? `${audio ? "" : "≈ "}${voiceTime(call.spokenMs + (audio ? 0 : 999))}` : "–");
    show("billed", known ? `${call.billed} s` : "–");
    show("once", known ? money(count.micros(call.billed)) : "–");
    show("most", known ? money(count.micros(call.mostBilled)) : "–");
    show("left", new Intl.NumberFormat(language).format(Math.max(0, tables.textLimit - [...text].length)));
    when("gaps", !audio && form.elements.text.value.includes("{{"));
  }

  // What is played on the phone: the audio, or the text once it was listened to and while it is unchanged.
  const said = () => smsText.pieces(form.elements.text.value).map(filled).join("");
  const words = () => [said(), form.elements.voice.value, form.elements.rate.value].join("\u0000");
  function tunePlayer() {
    const fits = source() === "audio" ? soundMs > 0 : speech === words();
    player.hidden = !fits;
    if (!fits) player.pause();
  }

  form.addEventListener("sound", ({ detail }) => {
    soundMs = detail.duration_ms;
    form.elements.file_id.value = detail.file_id;
    form.elements.source.value = "audio";
    player.src = detail.url;
    one("sound-name").textContent = detail.filename;
    one("sound-length").textContent = voiceTime(soundMs);
    one("spoken").textContent = say.wordsReady;
    form.elements.file_id.dispatchEvent(new Event("input", { bubbles: true }));
  });

  one("listen")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const button = event.currentTarget;
    const fault = one("listen-error");
    const asked = words();
    button.disabled = true;
    fault.hidden = true;
    try {
      const answer = await fetch(say.speak, {
        method: "POST",
        body: new URLSearchParams({ text: said(), voice: form.elements.voice.value, rate: form.elements.rate.value }),
        headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
      });
      if (!answer.ok) throw new Error((await answer.json()).error);
      URL.revokeObjectURL(player.src);
      player.src = URL.createObjectURL(await answer.blob());
      speech = asked;
      tunePlayer();
      await player.play();
    } catch (error) {
      fault.textContent = error.message;
      fault.hidden = false;
    } finally {
      button.disabled = false;
    }
  });

  function restore(row, before) {
    if (rows.children.length >= most) {
      announce(say.wordsFull.replace("{n}", most));
      return false;
    }
    rows.insertBefore(row, before);
    row.querySelector("input").focus();
    changed();
    announce(say.wordsRestored.replace("{n}", [...rows.children].indexOf(row) + 1));
    return true;
  }

  one("add-key").addEventListener("click", () => {
    const row = one("key-row").content.cloneNode(true).firstElementChild;
    row.querySelector("[data-remove-key]").hidden = false;
    const taken = new Set(keys().map((each) => each.key));
    row.querySelector("select").value = [...row.querySelector("select").options].map((o) => o.value).find((key) => key && !taken.has(key)) ?? "";
    rows.append(row);
    row.querySelector("input").focus();
    changed();
    announce(say.wordsAdded.replace("{n}", rows.children.length));
  });

  form.addEventListener("click", (event) => {
    const gone = event.target.closest("[data-remove-key]");
    if (gone) {
      const row = gone.closest("[data-key]");
      const at = [...rows.children].indexOf(row);
      const title = row.querySelector("input").value.trim() || row.querySelector("select").value;
      row.remove();
      changed();
      offerUndo(rows, at, title ? say.wordsGoneNamed.replace("{title}", title) : say.wordsGone, (before) => restore(row, before));
      announce(say.wordsRemoved.replace("{n}", rows.children.length));
    }
    const chip = event.target.closest("[data-insert]");
    if (chip) {
      const text = form.elements.text;
      text.setRangeText(`{{${chip.dataset.insert}}}`, text.selectionStart, text.selectionEnd, "end");
      text.focus();
      changed();
    }
  });
  form.addEventListener("input", () => { follow(); tunePlayer(); });
  form.addEventListener("person", ({ detail }) => { values = detail ?? tables.values; follow(); tunePlayer(); });
  form.addEventListener("columns", ({ detail }) => offerColumns(one("chips"), detail));
  if (source() === "audio" && say.sound) player.src = say.sound;
  follow();
  tunePlayer();
}
