// What an SMS costs, counted as it is typed. The tables come from the server (sintalk/message_templates/sms.py),
// and a test holds this file to what the server counts.

const smsText = (() => {
  const HOLE = /\{\{([^{}|\\\n\r]*)(?:\|((?:\\[{}|\\]|[^{}\\\n\r])*))?\}\}/y;
  const LOOKS_MEANT = /\{\{\s*[\p{L}\p{N}_]/uy;
  const BEHIND_A_HOST = /(?:https?:\/\/|www\.)[^\s/?#]+[/?#]\S*$/i;
  const lineFeeds = (text) => text.replace(/\r\n?/g, "\n");

  function fold(name) {
    const key = name.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[\s\-_.]+/g, "").toLowerCase();
    return { name: "nome", phone: "telefone", mail: "email" }[key] ?? key;
  }

  function readHole(found) {
    const name = found[1].trim();
    if (!name || name.length > 100) return { slip: true, text: found[0] };
    if (!/^\p{N}+$/u.test(name) && !/\p{L}/u.test(name)) return null;
    const standIn = found[2]?.trim().replace(/\\([{}|\\])/g, "$1");
    return { name, key: fold(name), standIn };
  }

  // Whether what comes next continues a link behind its host; see sintalk/message_templates/links.py.
  function goesOn(before) {
    const text = before.map((piece) => (piece.name ? "x" : piece.text)).join("");
    return BEHIND_A_HOST.test(text.slice(Math.max(...[..." \n\t\r"].map((blank) => text.lastIndexOf(blank))) + 1));
  }

  // What stands in a placeholder's place: the person's value, its default, or its name where neither is known.
  function fill(piece, values) {
    const value = values[piece.key]?.trim() || null;
    if (!piece.inLink) return value ?? piece.standIn ?? piece.name;
    if (value === null && piece.standIn !== undefined) return encodeURI(piece.standIn).replaceAll("%25", "%");
    return encodeURIComponent(value ?? piece.name);
  }

  // The text in pieces: {text}, {name, key, standIn} for a placeholder, {slip} for what is not closed.
  function pieces(text) {
    const found = [];
    let start = 0;
    for (let at = text.indexOf("{{"); at >= 0; at = text.indexOf("{{", start)) {
      const before = text.slice(start, at);
      const slashes = before.match(/\\*$/)[0].length;
      found.push({ text: before.slice(0, before.length - slashes) + "\\".repeat(slashes >> 1) });
      if (slashes % 2) {
        found.push({ text: "{{" });
        start = at + 2;
        continue;
      }
      HOLE.lastIndex = LOOKS_MEANT.lastIndex = at;
      const match = HOLE.exec(text);
      const hole = match && readHole(match);
      if (hole) {
        found.push(hole.name ? { ...hole, inLink: goesOn(found) } : hole);
        start = at + match[0].length;
        continue;
      }
      found.push({ text: "{", slip: !match && LOOKS_MEANT.test(text) });
      start = at + 1;
    }
    found.push({ text: text.slice(start) });
    return found;
  }

  function counter(tables) {
    const basic = new Set(tables.basic);
    const extension = new Set(tables.extension);
    const inGsm = (letter) => basic.has(letter) || extension.has(letter);

    function plainLetter(letter) {
      if (inGsm(letter)) return letter;
      if (letter in tables.replacements) return tables.replacements[letter];
      if (/^[\p{M}\p{C}\p{Z}]$/u.test(letter)) return /^\p{Zs}$/u.test(letter) ? " " : "";
      const parts = letter.normalize("NFKD");
      if (parts !== letter) return [...parts].map(plainLetter).join("");
      return /^[\p{So}\p{Sk}]$/u.test(letter) ? "" : "?";
    }

    const transliterate = (text) => [...text].map(plainLetter).join("");
    const outsideGsm = (text) => [...new Set([...lineFeeds(text).normalize("NFC")].filter((l) => !inGsm(l)))];

    function measure(text, encoding) {
      text = lineFeeds(text);
      if ([...text].some((letter) => !basic.has(letter))) {
        text = encoding === "gsm7" ? transliterate(text) : text.normalize("NFC");
      }
      const letters = [...text];
      const alphabet = encoding !== "ucs2" && letters.every(inGsm) ? "gsm7" : "ucs2";
      const width = alphabet === "gsm7" ? (l) => (extension.has(l) ? 2 : 1) : (l) => l.length;
      const units = letters.reduce((sum, letter) => sum + width(letter), 0);
      const [single, perPart] = tables.room[alphabet];
      if (units <= single) {
        return { text, alphabet, characters: letters.length, units, segments: units ? 1 : 0, left: single - units };
      }
      let segments = 1, used = 0;
      for (const letter of letters) {
        if (used + width(letter) > perPart) {
          segments += 1;
          used = 0;
        }
        used += width(letter);
      }
      return { text, alphabet, characters: letters.length, units, segments, left: perPart - used };
    }

    return { measure, outsideGsm, transliterate };
  }

  return { pieces, fill, fold, counter };
})();
