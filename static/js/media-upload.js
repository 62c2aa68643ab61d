// A picture, film or document goes straight to the store; its public address is written into the field beside.

for (const form of document.querySelectorAll("form[data-rcs-editor]")) startMediaUpload(form);

function startMediaUpload(form) {
  const say = JSON.parse(form.dataset.rcsEditor).words;

  async function post(address, pairs) {
    const body = new URLSearchParams({ ...pairs, csrf_token: form.elements.csrf_token.value });
    try {
      return await (await fetch(address, { method: "POST", body })).json();
    } catch {
      return { error: say.uploadFailed };
    }
  }

  function put(target, file, bar) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open("PUT", target.url);
      for (const [name, value] of Object.entries(target.headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
      });
      request.addEventListener("load", () => done(request.status >= 200 && request.status < 300));
      for (const failure of ["error", "abort", "timeout"]) request.addEventListener(failure, () => done(false));
      request.send(file);
    });
  }

  async function send(file, bar) {
    const target = await post(form.dataset.upload, {
      kind: "media", filename: file.name.slice(-255), content_type: file.type, ...(file.size && { size: file.size }),
    });
    if (target.error) return target;
    if (!(await put(target, file, bar))) return { error: say.uploadFailed };
    return post(form.dataset.confirm, { file_id: target.file_id });
  }

  form.addEventListener("change", async (event) => {
    const input = event.target.closest("[data-upload-for]");
    const file = input?.files[0];
    if (!file) return;
    const line = input.closest("[data-upload-line]");
    const bar = line.querySelector("progress"), told = line.querySelector("[data-upload-told]");
    bar.hidden = false;
    bar.value = 0;
    told.textContent = say.uploading;
    const answer = await send(file, bar);
    bar.hidden = true;
    input.value = "";
    told.textContent = answer.error ?? (file.size > 2e6 && (!file.type.startsWith("video") || file.size > 5e6) ? say.uploadLarge : say.uploaded);
    announce(told.textContent);
    if (answer.error) return;
    // the field's name may have changed meanwhile: cards move
    const field = form.elements[input.dataset.uploadFor];
    field.value = answer.url;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
