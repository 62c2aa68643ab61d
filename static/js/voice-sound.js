// Gets the sound of a call to the server: a chosen file straight to the store, with a bar, or what the microphone
// hears. Tells its form about it with the event "sound": {file_id, filename, duration_ms, url}.
// Without this file the form carries the audio itself.

for (const form of document.querySelectorAll("[data-voice-editor]")) startSound(form);

function startSound(form) {
  const say = form.dataset;
  const input = form.elements.file;
  const block = form.querySelector("[data-sound-progress]");
  const bar = block.querySelector("progress");
  const told = form.querySelector("[data-sound-words]");
  const fault = form.querySelector("[data-sound-error]");
  const token = document.querySelector('meta[name="csrf-token"]').content;

  input.addEventListener("change", () => { if (input.files[0]) sendFile(input.files[0]); });
  if (navigator.mediaDevices && window.MediaRecorder) startRecorder(form, { sendRecording, fail });

  async function sendFile(file) {
    if (file.size > Number(say.limit)) return fail(say.wordsLarge);
    begin();
    const target = await ask(say.upload, {
      kind: "audio", filename: file.name.slice(-255), content_type: file.type, size: String(file.size),
    });
    // The browser may not know the type, or the store may be out of its reach: then it comes through us.
    const there = target.url && (await transfer("PUT", target.url, target.headers, file)).ok;
    return there ? done(await ask(say.confirm.replace(say.anyId, target.file_id))) : sendThroughUs(file, file.name);
  }

  function sendRecording(blob) {
    begin();
    return sendThroughUs(blob, say.wordsRecording, { recorded: "1" });
  }

  async function sendThroughUs(blob, name, more = {}) {
    const body = new FormData();
    for (const [key, value] of Object.entries(more)) body.set(key, value);
    body.set("file", blob, name);
    const sent = await transfer("POST", say.take, { "X-CSRFToken": token }, body);
    done(sent.answer);
  }

  function begin() {
    fault.hidden = true;
    block.hidden = false;
    bar.value = 0;
    told.textContent = say.wordsSending;
  }

  function done(answer) {
    if (!answer.file_id) return fail(answer.error || say.wordsBroken);
    block.hidden = true;
    input.value = "";
    form.dispatchEvent(new CustomEvent("sound", { detail: answer }));
  }

  function fail(sentence) {
    block.hidden = true;
    input.value = "";
    fault.textContent = sentence;
    fault.hidden = false;
  }

  async function ask(address, fields = {}) {
    try {
      const body = new URLSearchParams(fields);
      const answer = await fetch(address, { method: "POST", body, headers: { "X-CSRFToken": token } });
      return await answer.json();
    } catch {
      return {};
    }
  }

  function transfer(method, address, headers, body) {
    return new Promise((settle) => {
      const request = new XMLHttpRequest();
      request.open(method, address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        bar.value = Math.floor((100 * event.loaded) / event.total);
        told.textContent = bar.value < 100 ? `${say.wordsSending}: ${bar.value}%` : say.wordsChecking;
      });
      request.addEventListener("load", () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* the store answers in XML or not at all */ }
        settle({ ok: request.status >= 200 && request.status < 300, answer });
      });
      for (const failure of ["error", "abort", "timeout"]) {
        request.addEventListener(failure, () => settle({ ok: false, answer: {} }));
      }
      request.send(body);
    });
  }
}

// The microphone: a level that moves, a clock, and an end by itself at the longest that is taken.
function startRecorder(form, { sendRecording, fail }) {
  const say = form.dataset;
  const longest = JSON.parse(say.voiceEditor).longestMs;
  const box = form.querySelector("[data-recorder]");
  const button = box.querySelector("[data-record]");
  const stop = box.querySelector("[data-stop]");
  const level = box.querySelector("[data-level]");
  const clock = box.querySelector("[data-clock]");
  let recorder;

  box.hidden = false;
  button.addEventListener("click", start);
  stop.addEventListener("click", () => recorder?.stop());

  async function start() {
    let microphone;
    try {
      microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      return fail(say.wordsMicrophone);
    }
    const parts = [];
    const type = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg"].find((each) => MediaRecorder.isTypeSupported(each));
    recorder = new MediaRecorder(microphone, { mimeType: type, audioBitsPerSecond: 96000 });
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    const watch = watchLevel(microphone);
    recorder.addEventListener("stop", () => {
      watch.end();
      microphone.getTracks().forEach((track) => track.stop());
      running(false);
      button.querySelector("span").textContent = say.wordsAgain;
      button.focus();
      sendRecording(new Blob(parts, { type: recorder.mimeType }));
    });
    recorder.start(1000);
    running(true);
    stop.focus();
  }

  function running(yes) {
    box.classList.toggle("is-recording", yes);
    button.hidden = yes;
    stop.hidden = level.hidden = clock.hidden = !yes;
  }

  function watchLevel(microphone) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(microphone).connect(analyser);
    const wave = new Float32Array(analyser.fftSize);
    const began = performance.now();
    let frame = requestAnimationFrame(look);
    function look() {
      analyser.getFloatTimeDomainData(wave);
      const loud = Math.sqrt(wave.reduce((sum, each) => sum + each * each, 0) / wave.length);
      level.value = Math.min(1, loud * 4);
      const passed = performance.now() - began;
      clock.textContent = voiceTime(passed);
      if (passed >= longest && recorder.state === "recording") recorder.stop();
      else frame = requestAnimationFrame(look);
    }
    return { end: () => { cancelAnimationFrame(frame); context.close(); } };
  }
}

// 83400 milliseconds as 1:23.
function voiceTime(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
