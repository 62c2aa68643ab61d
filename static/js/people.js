// The real people of a chosen list in an editor: figures that follow what is written, and whose message the phone shows.
// The editor hears `person` with their values (or null for the made-up one) and `columns` with the list's names.

for (const choice of document.querySelectorAll("[data-people-of]")) startPeople(choice);

function startPeople(choice) {
  const form = choice.form;
  const place = form.querySelector("#people");
  let pause, asked = 0;

  async function ask() {
    const mine = ++asked;
    const chosen = form.querySelector('[name="person"]:checked')?.value;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    let answer;
    try {
      answer = await fetch(choice.dataset.peopleOf, { method: "POST", body });
    } catch {
      return;
    }
    if (mine !== asked || !answer.ok) return;
    place.innerHTML = await answer.text();
    const tried = place.querySelector("[data-tried]");
    if (!tried) return;
    tell("columns", JSON.parse(tried.dataset.columns));
    const people = [...place.querySelectorAll('[name="person"]')];
    const person = people.find((radio) => radio.value === chosen) ?? people[0];
    if (person) person.checked = true;
    tell("person", person ? JSON.parse(person.dataset.values) : null);
  }

  const tell = (name, detail) => form.dispatchEvent(new CustomEvent(name, { detail }));

  form.addEventListener("input", (event) => {
    clearTimeout(pause);
    if (event.target.name === "person") return tell("person", JSON.parse(event.target.dataset.values));
    if (choice.value) pause = setTimeout(ask, event.target === choice ? 0 : 900);
    else if (event.target === choice) {
      asked += 1;
      place.replaceChildren();
      tell("person", null);
    }
  });
  if (choice.value) ask();
}

// A list's columns as buttons that insert them.
function offerColumns(place, columns) {
  const first = place.querySelector("[data-insert]");
  if (!first) return;
  place.replaceChildren(...columns.map((name) => {
    const button = first.cloneNode(true);
    button.dataset.insert = name;
    button.lastChild.textContent = name;
    return button;
  }));
}
