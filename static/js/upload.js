// Sends the file of a form straight to the store, with a bar, and then the form without it.
// Without this script, or where the store cannot be reached from here, the form carries the file itself.

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector('input[type="file"]');
  const block = form.querySelector("[data-upload-progress]");
  const bar = block.querySelector("progress");
  const told = form.querySelector("[data-upload-words]");
  const fault = form.querySelector("[data-upload-error]");
  const button = form.querySelector('button[type="submit"]');
  const stop = form.querySelector("[data-upload-stop]");
  const drop = input.closest(".drop");
  const say = form.dataset;

  form.addEventListener("submit", (event) => {
    if (form.elements.file_id.value || form.dataset.plain) return;
    if (!input.files.length && form.elements.pasted?.value.trim()) return; // small: it comes with the form
    event.preventDefault();
    if (!button.disabled) send(input.files[0]);
  });

  for (const name of ["dragover", "dragleave", "drop"]) {
    drop?.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("is-over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    });
  }

  async function send(file) {
    if (!file) return fail(say.wordsChoose);
    if (file.size > Number(say.limit)) return fail(say.wordsLarge);
    begin();
    const target = await ask(file);
    if (target.error) return fail(target.error);
    const sent = target.url ? await put(target, file) : "failed";
    if (sent === "stopped") return reset();
    if (sent === "failed") return sendPlain();
    told.textContent = say.wordsChecking;
    form.elements.file_id.value = target.file_id;
    input.disabled = true;
    form.submit();
  }

  function begin() {
    fault.hidden = true;
    block.hidden = false;
    button.disabled = true;
    bar.value = 0;
    told.textContent = say.wordsSending;
  }

  function fail(sentence) {
    fault.textContent = sentence;
    fault.hidden = false;
    block.hidden = true;
    button.disabled = false;
    input.focus();
  }

  function reset() {
    block.hidden = true;
    input.disabled = button.disabled = false;
    form.elements.file_id.value = "";
    delete form.dataset.plain;
  }

  function sendPlain() {
    form.dataset.plain = "yes";
    bar.removeAttribute("value");
    form.submit();
  }

  async function ask(file) {
    const workbook = say.xlsx && file.name.toLowerCase().endsWith(".xlsx");
    const [kind, type] = workbook ? ["xlsx", say.xlsx] : [say.kind, say.type];
    const body = new URLSearchParams({ kind, filename: file.name.slice(-255), content_type: type });
    if (file.size) body.set("size", file.size);
    const token = document.querySelector('meta[name="csrf-token"]').content;
    try {
      const answer = await fetch(say.upload, { method: "POST", body, headers: { "X-CSRFToken": token } });
      return await answer.json();
    } catch {
      return {};
    }
  }

  function put(target, file) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("PUT", target.url);
      for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        const share = Math.floor((100 * event.loaded) / event.total);
        bar.value = share;
        told.textContent = `${say.wordsSending}: ${share}%`;
      });
      request.addEventListener("load", () => done(request.status >= 200 && request.status < 300 ? "sent" : "failed"));
      for (const failure of ["error", "timeout"]) request.addEventListener(failure, () => done("failed"));
      request.addEventListener("abort", () => done("stopped"));
      if (stop) stop.onclick = () => request.abort();
      request.send(file);
    });
  }

  // Back from the next page: the form is as it was before.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) reset();
  });
}
