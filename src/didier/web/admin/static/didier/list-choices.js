// What a user chooses for the list of DIDs: its columns, and filters to be saved.

import { ask } from "./api.js";
import { later, note } from "./notes.js";

const MOST = 20;
const STORE = "/me/preferences";
const saving = document.getElementById("saving");
const columns = document.getElementById("columns");

function reloaded(text) {
  later("success", text);
  location.reload();
}

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

// The filters in the address, and the sorting; never the place in the list.
function filters() {
  const pairs = [...new URLSearchParams(location.search)];
  return Object.fromEntries(pairs.filter(([name, value]) => value && !["after", "total", "within"].includes(name)));
}

document.getElementById("save-filter")?.addEventListener("click", () => {
  saving.showModal();
  document.getElementById("saving-name").focus();
});

document.getElementById("saving-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, shared } = event.target.elements;
  const problem = document.getElementById("saving-problem");
  const text = name.value.trim();
  name.classList.toggle("is-invalid", !text);
  problem.textContent = text ? "" : "Enter a name.";
  if (!text) return name.focus();
  try {
    await ask("PUT", STORE, { body: { kind: "filter", name: text, value: filters(), shared: shared.checked } });
    reloaded(`The filter “${text}” is saved.`);
  } catch (refused) {
    name.classList.add("is-invalid");
    problem.textContent = refused.message;
  }
});

for (const button of document.querySelectorAll("[data-forget]")) {
  button.addEventListener("click", async () => {
    const name = button.dataset.forget;
    try {
      await ask("DELETE", `${STORE}?${new URLSearchParams({ kind: "filter", name })}`);
      reloaded(`The filter “${name}” is deleted.`);
    } catch (refused) {
      note("danger", refused.message);
    }
  });
}

document.getElementById("choose-columns")?.addEventListener("click", () => columns.showModal());

const boxes = [...document.querySelectorAll("#columns [name=column]")];
document.getElementById("columns-usual")?.addEventListener("click", () => {
  for (const box of boxes) box.checked = "usual" in box.dataset;
});

document.getElementById("columns-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const problem = document.getElementById("columns-problem");
  problem.textContent = chosen.length > MOST ? `Choose ${MOST} at most; these are ${chosen.length}.` : chosen.length ? "" : "Choose one at least.";
  if (problem.textContent) return;
  try {
    await ask("PUT", STORE, { body: { kind: "columns", name: "dids", value: { columns: chosen } } });
    location.reload();
  } catch (refused) {
    problem.textContent = refused.message;
  }
});
