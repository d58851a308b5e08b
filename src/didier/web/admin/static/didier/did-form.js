// The form of a DID: shows the fields that count, says what is wrong beside the field, saves what was changed.

import { ask, path, sentence } from "./api.js";
import { clear, later, note } from "./notes.js";

const form = document.getElementById("did-form");
const everything = document.getElementById("everything");
const nowhere = document.getElementById("nowhere");
const anyway = document.getElementById("anyway");
const fields = [...form.querySelectorAll("[data-initial]")];
const UNCHECKED = ["did_pattern", "filter_url"]; // the one is none of the columns; the other may hold a secret

function holds(condition) {
  return Object.entries(condition).every(([column, values]) => values.includes(form.elements[column]?.value));
}

function arrange() {
  for (const box of form.querySelectorAll("[data-field]")) {
    const conditions = box.dataset.conditions;
    const counts = conditions ? JSON.parse(conditions).some(holds) : box.dataset.counts === "yes";
    const wrong = box.querySelector(".is-invalid") !== null;
    box.hidden = !(counts || wrong || everything.checked);
  }
  for (const section of form.querySelectorAll("section")) {
    const boxes = [...section.querySelectorAll("[data-field]")];
    section.hidden = boxes.length > 0 && boxes.every((box) => box.hidden);
  }
}

function say(field, text) {
  field.classList.toggle("is-invalid", text !== "");
  field.setAttribute("aria-invalid", text !== "");
  document.getElementById(`${field.id}-problem`).textContent = text;
}

// What is said beside a field moves what stands below it: a button that is being pressed would slip from under
// the pointer, and the click be lost.
let released = Promise.resolve();
addEventListener("pointerdown", (event) => {
  if (!event.target.closest("button")) return;
  released = new Promise((resolve) => {
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(resolve), { once: true });
  });
}, { capture: true });

async function check(field) {
  if (UNCHECKED.includes(field.name) || (!field.value && field.tagName === "SELECT")) return say(field, "");
  const value = field.value;
  const query = new URLSearchParams({ column: field.name, value });
  const answer = await fetch(`/admin/choices/check?${query}`, { credentials: "same-origin", redirect: "error" }).catch(() => null);
  if (!answer?.ok) return;
  const { text } = await answer.json();
  await released;
  if (field.value !== value) return;
  say(field, text);
  arrange();
}

function changes() {
  const changed = fields.filter((field) => field.value !== field.dataset.initial);
  return Object.fromEntries(changed.map((field) => [field.name, field.value === "" ? null : field.value]));
}

async function save(anyway) {
  const { pattern, etag } = form.dataset;
  const body = anyway ? { ...changes(), allow_nowhere: true } : changes();
  if (!pattern) return ask("POST", "/dids", { body: { did_pattern: "", ...body } });
  return ask("PATCH", path("dids", pattern), { body, headers: { "If-Match": `"${etag}"` } });
}

function refused(problem) {
  if (problem.type === "leads-nowhere") return doubt(problem.message);
  const field = fields.find((one) => one.name === problem.field);
  if (!field) return note("danger", problem.type === "changed-meanwhile" ? `${problem.message} Reload the page to see the current values.` : problem.message);
  say(field, sentence(problem.message));
  arrange();
  field.focus();
}

// Calls would lead nowhere: that is saved only when it is said a second time.
function doubt(message) {
  document.getElementById("nowhere-why").textContent = message;
  nowhere.hidden = false;
  nowhere.scrollIntoView({ block: "nearest" });
  nowhere.focus();
}

async function submit(button, anyway) {
  clear();
  nowhere.hidden = true;
  for (const field of fields) say(field, "");
  button.disabled = true;
  try {
    const did = await save(anyway);
    if (did.reason) later("warning", `${did.did_pattern} was created. ${sentence(did.reason)}`);
    else later("success", form.dataset.pattern ? "The changes are saved." : `${did.did_pattern} was created.`);
    location.assign(`/admin${path("did", did.did_pattern)}`);
  } catch (problem) {
    refused(problem);
  } finally {
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit(form.querySelector("[type=submit]"), false);
});
anyway.addEventListener("click", () => submit(anyway, true));
form.addEventListener("input", () => { nowhere.hidden = true; });

for (const field of fields) {
  field.addEventListener("change", () => {
    check(field);
    if (field.tagName === "SELECT") arrange();
  });
}
everything.addEventListener("change", arrange);
arrange();
