// An in-group, call menu, phone or server: the form, the options of a menu, the deletion.

import { ask, path, sentence } from "./api.js";
import { offer } from "./choices.js";
import { offerDeletion } from "./deletion.js";
import { busy, say } from "./fields.js";
import { later, note } from "./notes.js";

const form = document.getElementById("destination-form");
const name = form.dataset.name;
const key = JSON.parse(form.dataset.key);
const fields = [...form.querySelectorAll("[data-initial]")];
const options = document.getElementById("options");
let count = 0;

// What is offered under "Where to" depends on the route.
function arrange(row) {
  const route = row.querySelector("[data-column=option_route]");
  const where = row.querySelector("[data-column=option_route_value]");
  where.dataset.choices = route.selectedOptions[0]?.dataset.of || "";
}

function prepare(row) {
  const where = row.querySelector("[data-column=option_route_value]");
  where.id = `where-${count++}`;
  arrange(row);
  offer(where);
  row.querySelector("[data-column=option_route]").addEventListener("change", () => arrange(row));
  row.querySelector("[data-remove]")?.addEventListener("click", () => row.remove());
}

function given() {
  const rows = [...options.querySelectorAll(".option")];
  return rows.map((row) => Object.fromEntries([...row.querySelectorAll("[data-column]")].map((field) => [field.dataset.column, field.value])));
}

for (const row of options?.querySelectorAll(".option") || []) prepare(row);
const before = options ? JSON.stringify(given()) : "";

document.getElementById("add-option")?.addEventListener("click", () => {
  const row = document.getElementById("option-row").content.querySelector(".option").cloneNode(true);
  options.append(row);
  prepare(row);
  row.querySelector("select").focus();
});

function changes() {
  const changed = fields.filter((field) => field.value !== field.dataset.initial || (!key.length && field.tagName === "SELECT"));
  const sent = Object.fromEntries(changed.map((field) => [field.name, field.value]));
  if (options && JSON.stringify(given()) !== before) sent.options = given();
  return sent;
}

// A new one is sent with all that it needs, so that the server names what is missing by its rule.
function needed() {
  const required = [...form.querySelectorAll(".form-label.required")].map((label) => [label.htmlFor, ""]);
  return Object.fromEntries(required);
}

function refused(problem) {
  if ((problem.body.pointer || "").startsWith("/options")) {
    const place = document.getElementById("options-problem");
    place.textContent = sentence(problem.message);
    place.scrollIntoView({ block: "nearest" });
    return;
  }
  say(fields.find((field) => field.name === problem.field) || null, sentence(problem.message));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = document.getElementById("options-problem");
  if (place) place.textContent = "";
  const problem = await busy(form, async () => {
    const sent = changes();
    if (key.length && !Object.keys(sent).length) return note("info", "Nothing was changed.");
    const made = key.length ? await ask("PATCH", path(form.dataset.path, ...key), { body: sent }) : await ask("POST", path(form.dataset.path), { body: { ...needed(), ...sent } });
    const names = JSON.parse(form.dataset.names).map((column) => made[column]);
    later("success", key.length ? "The changes are saved." : `The ${name} ${names[0]} was created.`);
    location.assign(`/admin${path(form.dataset.page, ...names)}`);
  });
  if (problem) refused(problem);
});

offerDeletion(async (forced) => {
  await ask("DELETE", `${path(form.dataset.path, ...key)}${forced ? "?force=true" : ""}`);
  later("success", `The ${name} ${key[0]} was deleted.`);
  location.assign(`/admin${path(form.dataset.path)}`);
});
