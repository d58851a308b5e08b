// A gateway set: the form with its rows, and the deletion.

import { ask, path, sentence } from "./api.js";
import { offer } from "./choices.js";
import { offerDeletion } from "./deletion.js";
import { busy, say } from "./fields.js";
import { later } from "./notes.js";

const form = document.getElementById("gateway-form");
const field = (name) => form.elements.namedItem(name);
const text = (name) => field(name).value.trim();
const ticked = (id) => document.getElementById(id).checked;
const PARTS = ["gateways", "rules"];
const NUMBERS = ["number", "priority", "weight"];
let count = 0;

const cells = (row) => [...row.querySelectorAll("[data-column]")];
const filled = (row, columns) => cells(row).some((cell) => columns.includes(cell.dataset.column) && cell.value.trim());

// The rows that are sent: those in which something says where, or which DIDs.
function rows(part) {
  const columns = part === "gateways" ? ["address", "description"] : ["prefix", "route", "server_ip", "user_group"];
  return [...document.getElementById(part).children].filter((row) => filled(row, columns));
}

// What is no number is sent as it is: the server says what would be allowed.
function number(written) {
  return /^[0-9]+$/.test(written) ? Number(written) : written;
}

function value(cell) {
  const written = cell.value.trim();
  return NUMBERS.includes(cell.dataset.column) ? number(written) : written;
}

function given() {
  const [gateways, rules] = PARTS.map((part) => rows(part).map((row) => Object.fromEntries(cells(row).map((cell) => [cell.dataset.column, value(cell)]))));
  if (ticked("default")) rules.push({ default: true });
  return { number: text("number") ? number(text("number")) : null, gateways, probing: ticked("probing"), rules, user_group: text("user_group") || null };
}

function prepare(row) {
  for (const cell of row.querySelectorAll("[data-offers]")) {
    cell.id = `cell-${count++}`;
    cell.dataset.choices = cell.dataset.offers;
    offer(cell);
  }
  row.querySelector("[data-remove]")?.addEventListener("click", () => {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    (next?.querySelector("[data-remove]") || form.querySelector("[data-add]"))?.focus();
  });
}

for (const part of PARTS) for (const row of document.getElementById(part).children) prepare(row);

for (const button of form.querySelectorAll("[data-add]")) {
  button.addEventListener("click", () => {
    const row = document.getElementById(`${button.dataset.add}-row`).content.querySelector("tr").cloneNode(true);
    document.getElementById(button.dataset.add).append(row);
    prepare(row);
    cells(row)[0].focus();
  });
}

// The pointer of a row has its place behind the part that it is in.
function refused(problem) {
  const [part, place, column] = (problem.body.pointer || "").split("/").filter(Boolean);
  if (!PARTS.includes(part)) return say(field(part || ""), sentence(problem.message));
  document.getElementById(`${part}-problem`).textContent = sentence(problem.message);
  const cell = cells(rows(part)[Number(place)] || document.getElementById(part)).find((one) => one.dataset.column === (column || one.dataset.column));
  cell?.setAttribute("aria-invalid", "true");
  (cell || form.querySelector(`[data-add=${part}]`))?.focus();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  for (const part of PARTS) document.getElementById(`${part}-problem`).textContent = "";
  for (const cell of cells(form)) cell.removeAttribute("aria-invalid");
  const name = form.dataset.name || text("name");
  if (!name) return say(field("name"), "Give the gateway set a name.");
  const problem = await busy(form, async () => {
    const made = await ask("PUT", path("gateways", name), { body: given() });
    later("success", form.dataset.name ? "The changes are saved." : `The gateway set ${made.name} was created.`);
    location.assign(`/admin${path("gateway", made.name)}`);
  });
  if (problem) refused(problem);
});

offerDeletion(async () => {
  await ask("DELETE", path("gateways", form.dataset.name));
  later("success", `The gateway set ${form.dataset.name} was deleted.`);
  location.assign("/admin/gateways");
});
