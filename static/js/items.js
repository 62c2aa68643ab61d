// Lists of items in a form (cards, buttons): add, remove, duplicate, move by mouse, finger and keyboard.
// Every control is named by its path, `rcs.carousel.cards[2].title`; after a change the numbers are put right.
// Without this file the same buttons send the form, and the server does it.

const itemLists = (form, say) => {
  const NAMED = ["name", "id", "for", "value", "aria-describedby", "aria-label", "data-item", "data-items", "data-items-count",
    "data-add", "data-count-of", "data-media", "data-upload-for"];
  const changed = () => form.dispatchEvent(new Event("input", { bubbles: true }));
  const tell = (sentence, n, all) => announce(sentence.replace("{n}", n).replace("{all}", all));
  const inside = (item) => item.querySelector(":scope > details");

  function rename(root, from, to) {
    for (const element of [root, ...root.querySelectorAll("*")]) {
      for (const name of NAMED) {
        if (name === "value" && element.name !== "do") continue;
        const value = element.getAttribute(name);
        if (value?.includes(from)) element.setAttribute(name, value.replaceAll(from, to));
      }
    }
  }

  // Numbers, counts, and which buttons have nothing to do.
  function settleList(list) {
    const path = list.dataset.items;
    const items = [...list.children];
    items.forEach((item, at) => {
      const name = `${path}[${at}]`;
      if (item.dataset.item !== name) rename(item, item.dataset.item, name);
      item.querySelector("[data-number]").textContent = at + 1;
      const off = { back: at === 0, forth: at === items.length - 1, remove: items.length <= (list.dataset.least ?? 0) };
      const buttons = item.querySelector(":scope > details > .item-body > .item-buttons");
      for (const [verb, yes] of Object.entries({ ...off, copy: items.length >= list.dataset.most })) {
        buttons.querySelector(`[data-do="${verb}"]`).setAttribute("aria-disabled", yes);
      }
      item.querySelectorAll("[data-items]").forEach(settleList);
    });
    const block = list.closest(".items-block");
    block.querySelector(`[data-items-count="${CSS.escape(path)}"]`).textContent = items.length;
    block.querySelector(`[data-add="${CSS.escape(path)}"]`).disabled = items.length >= list.dataset.most;
  }

  function add(list) {
    const fresh = form.querySelector(`template[data-new="${list.dataset.kind}"]`).content.cloneNode(true).firstElementChild;
    rename(fresh, "§", `${list.dataset.items}[${list.children.length}]`);
    list.append(fresh);
    arrive(list, fresh, say.added);
  }

  function arrive(list, item, sentence) {
    item.querySelectorAll("[data-grip]").forEach((grip) => { grip.hidden = false; });
    settleList(list);
    changed();
    inside(item).open = true;
    item.querySelector("[data-title-source]")?.focus();
    tell(sentence, [...list.children].indexOf(item) + 1);
  }

  function copy(list, item) {
    if (list.children.length >= list.dataset.most) return tell(say.full, list.dataset.most);
    const twin = item.cloneNode(true);
    const values = item.querySelectorAll("input, select, textarea");
    twin.querySelectorAll("input, select, textarea").forEach((control, at) => {
      if (control.type !== "file") control.value = values[at].value;
    });
    item.after(twin);
    // the twin has its original's names: give it some that nobody has before they are numbered
    rename(twin, item.dataset.item, "§");
    twin.querySelectorAll("[data-undo]").forEach((notice) => notice.remove());
    arrive(list, twin, say.copied);
  }

  function remove(list, item) {
    if (list.children.length <= (list.dataset.least ?? 0)) return tell(say.few, list.dataset.least);
    const at = [...list.children].indexOf(item);
    item.remove();
    settleList(list);
    changed();
    const title = item.querySelector("[data-title]");
    const words = (title.textContent === title.dataset.untitled ? say.gone : say.goneNamed).replace("{title}", title.textContent);
    offerUndo(list, at, words, (before) => restore(list, item, before));
    tell(say.removed, list.children.length);
  }

  function restore(list, item, before) {
    if (list.children.length >= list.dataset.most) {
      tell(say.full, list.dataset.most);
      return false;
    }
    list.insertBefore(item, before);
    settleList(list);
    changed();
    item.querySelector("[data-grip]").focus();
    tell(say.restored, [...list.children].indexOf(item) + 1);
    return true;
  }

  // The neighbour goes to the other side: the item itself stays in the page, and with it focus and the pointer.
  function pass(item, forth) {
    const neighbour = forth ? item.nextElementSibling : item.previousElementSibling;
    if (!neighbour) return false;
    if (forth) item.before(neighbour);
    else item.after(neighbour);
    return true;
  }

  function move(list, item, forth) {
    if (!pass(item, forth)) return tell(forth ? say.last : say.first);
    moved(list, item);
  }

  function moved(list, item) {
    settleList(list);
    changed();
    tell(say.moved, [...list.children].indexOf(item) + 1, list.children.length);
  }

  const verbs = { back: (l, i) => move(l, i, false), forth: (l, i) => move(l, i, true), copy, remove };

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add], [data-do]");
    if (!button) return;
    event.preventDefault();
    if (button.dataset.add) return add(form.querySelector(`[data-items="${CSS.escape(button.dataset.add)}"]`));
    const item = button.closest("[data-item]");
    verbs[button.dataset.do](item.parentElement, item);
  });

  form.addEventListener("keydown", (event) => {
    const item = event.target.closest("[data-grip]")?.closest("[data-item]");
    const forth = { ArrowUp: false, ArrowLeft: false, ArrowDown: true, ArrowRight: true }[event.key];
    if (!item || forth === undefined) return;
    event.preventDefault();
    move(item.parentElement, item, forth);
  });

  // Dragging. While it lasts all items of the list are shut, so that they are short to pass.
  form.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("[data-grip]")?.closest("[data-item]");
    if (item && event.button === 0) begin(item, event);
  });

  function begin(item, start) {
    const list = item.parentElement;
    const before = [...list.children];
    const open = before.filter((it) => inside(it).open);
    let dragging = false, y = start.clientY, frame;

    function lift() {
      dragging = true;
      open.forEach((it) => { inside(it).open = false; });
      item.classList.add("is-dragged");
      document.body.classList.add("is-dragging");
      const box = item.getBoundingClientRect();
      window.scrollBy({ top: box.top + box.height / 2 - y, behavior: "instant" });
      scroll();
    }

    function follow(event) {
      if (event.pointerId !== start.pointerId) return;
      y = event.clientY;
      if (!dragging && Math.abs(y - start.clientY) > 5) lift();
      if (dragging) arrange();
    }

    function arrange() {
      const middle = (it) => { const box = it.getBoundingClientRect(); return box.top + box.height / 2; };
      while (item.previousElementSibling && y < middle(item.previousElementSibling)) pass(item, false);
      while (item.nextElementSibling && y > middle(item.nextElementSibling)) pass(item, true);
    }

    function scroll() {
      const edge = 56;
      const step = y < edge ? -10 : y > window.innerHeight - edge ? 10 : 0;
      if (step) {
        window.scrollBy({ top: step, behavior: "instant" });
        arrange();
      }
      frame = requestAnimationFrame(scroll);
    }

    function end(event) {
      if (event.pointerId !== undefined && event.pointerId !== start.pointerId) return;
      if (event.type === "keydown" && event.key !== "Escape") return;
      for (const [name, act] of Object.entries(heard)) document.removeEventListener(name, act);
      if (!dragging) return;
      cancelAnimationFrame(frame);
      item.classList.remove("is-dragged");
      document.body.classList.remove("is-dragging");
      open.forEach((it) => { inside(it).open = true; });
      if (event.type !== "pointerup") list.append(...before);
      if (before.some((it, at) => list.children[at] !== it)) moved(list, item);
      else settleList(list);
      item.scrollIntoView({ block: "nearest" });
    }

    const heard = { pointermove: follow, pointerup: end, pointercancel: end, keydown: end };
    for (const [name, act] of Object.entries(heard)) document.addEventListener(name, act);
  }

  form.querySelectorAll("[data-grip]").forEach((grip) => { grip.hidden = false; });
  form.querySelectorAll("[data-items]").forEach(settleList);
};
