// An RCS message on a phone, drawn from its content. The same elements as templates/message_templates/_rcs_phone.html
// draws from sintalk/message_templates/preview.py: a test holds this file to them.

const rcsPhone = (facts, sprite) => {
  const SVG = "http://www.w3.org/2000/svg";

  function make(tag, classes, ...children) {
    const element = document.createElement(tag);
    if (classes) element.className = classes;
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("focusable", "false");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `${sprite}#${name}`);
    svg.append(use);
    return svg;
  }

  // A text with its gaps filled and marked.
  function filled(text, values) {
    return smsText.pieces(text).map((piece) => {
      if (!piece.name) return piece.text;
      const words = smsText.fill(piece, values);
      return words && make("mark", "", words);
    });
  }

  const plain = (text, values) =>
    smsText.pieces(text).map((piece) => piece.text ?? smsText.fill(piece, values)).join("");

  function nameOf(url) {
    try {
      return decodeURIComponent(new URL(url).pathname.split("/").pop());
    } catch {
      return "";
    }
  }

  function kindOf(url) {
    const ending = nameOf(url).split(".").pop().toLowerCase();
    return Object.keys(facts.mediaKinds).find((kind) => facts.mediaKinds[kind].includes(ending)) ?? "file";
  }

  function media(it, height, values) {
    const url = plain(it.file_url ?? "", values);
    const kind = kindOf(url);
    const shown = kind === "image" ? url : plain(it.thumbnail_url ?? "", values);
    const tall = height ? it.height || height : "";
    const box = make("div", ["rcs-media", tall && `is-${tall}`, `is-${kind}`].filter(Boolean).join(" "));
    if (shown) {
      const image = make("img");
      image.setAttribute("src", shown);
      image.alt = "";
      box.append(image);
    }
    if (!shown || kind !== "image") {
      box.append(make("span", "rcs-media-name", icon(facts.mediaIcons[kind]), make("span", "", nameOf(url))));
    }
    return box;
  }

  function chips(suggestions, classes, values) {
    if (!suggestions?.length) return null;
    return make("ul", classes, suggestions.map((chip) => {
      const name = facts.chipIcons[chip.type];
      return make("li", "", name && icon(name), make("span", "", filled(chip.text, values)));
    }));
  }

  function card(it, values) {
    const horizontal = it.orientation === "horizontal";
    const layout = horizontal ? `is-horizontal is-${it.thumbnail_alignment || "left"}` : "is-vertical";
    return make("article", `rcs-card ${layout}`,
      it.media && media(it.media, horizontal ? "" : "short", values),
      make("div", "rcs-card-words",
        it.title && make("p", "rcs-card-title", filled(it.title, values)),
        it.description && make("p", "rcs-card-description", filled(it.description, values))),
      chips(it.suggestions, "rcs-card-chips", values));
  }

  // The elements of a message; `values` by folded name, as for SMS.
  function message(content, values) {
    const drawn = [];
    if (content.type === "text") drawn.push(make("p", "rcs-bubble", filled(content.text.body, values)));
    if (content.type === "file") drawn.push(make("div", "rcs-file", media(content.file, "", values)));
    if (content.type === "card") drawn.push(card(content.card, values));
    if (content.type === "carousel") {
      const cards = content.carousel.cards.map((it) => card(it, values));
      const carousel = make("div", `rcs-carousel is-${content.carousel.card_width || "medium"}`, cards);
      carousel.tabIndex = 0;  // what can be pushed sideways is reached by keyboard
      drawn.push(carousel);
    }
    const below = chips(content.suggestions, "rcs-chips", values);
    return below ? [...drawn, below] : drawn;
  }

  return { message, plain };
};

// A picture that cannot be had leaves its place empty instead of a torn page.
document.addEventListener("error", (event) => {
  if (event.target.matches?.(".rcs-media img")) event.target.classList.add("is-broken");
}, true);
