// How long a call lasts and what is billed of it, as it is typed. The numbers come from the server
// (sintalk/message_templates/voice.py), and a test holds this file to what the server counts.

function voiceLength(tables) {
  function billed(seconds) {
    if (seconds <= tables.free) return 0;
    if (seconds <= tables.least) return tables.least;
    return tables.least + Math.ceil((seconds - tables.least) / tables.step) * tables.step;
  }

  // Characters are counted as the server counts them: by code point.
  function speechMs(text, rate) {
    const letters = [...text];
    const digits = letters.filter((letter) => /\p{Nd}/u.test(letter)).length;
    const weight = letters.length + digits * (tables.charactersADigit - 1);
    return Math.max(1000, Math.ceil((1000 * weight) / (tables.charactersASecond * rate)));
  }

  // keys: null, or {timeout, repeat}
  function length(spokenMs, keys) {
    const longestMs = keys ? (1 + keys.repeat) * (spokenMs + 1000 * keys.timeout) : spokenMs;
    return { spokenMs, longestMs, billed: billed(spokenMs / 1000), mostBilled: billed(longestMs / 1000) };
  }

  const micros = (seconds) => Math.ceil((tables.rateMicros * seconds) / 60);
  return { billed, speechMs, length, micros };
}
