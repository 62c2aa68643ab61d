// What was removed from a list of a form comes back with everything in it: the notice below the list holds the last one
// until it is used or another is removed. It has the focus, so that Enter takes the removal back.

// It stood at `at` in `list`; `putBack(before)` inserts it again before that element (null: at the end) and gives
// it the focus, or returns false where it does not fit any more.
function offerUndo(list, at, words, putBack) {
  const notice = list.closest("form").querySelector("template[data-new-undo]").content.cloneNode(true).firstElementChild;
  notice.querySelector("[data-undo-words]").textContent = words;
  const undo = notice.querySelector("button");
  undo.addEventListener("click", () => {
    if (putBack(list.children[at] ?? null) !== false) notice.remove();
  });
  list.parentElement.querySelector(":scope > [data-undo]")?.remove();
  list.after(notice);
  undo.focus();
}
