// What is done to many DIDs: previewed first, then ordered as one batch.

import { ask } from "./api.js";
import { clear, later, note } from "./notes.js";
import { cell, count, difference, element, tag, total } from "./seen.js";

const form = document.getElementById("bulk");
const make = document.getElementById("make");
const seen = document.getElementById("seen");
const order = JSON.parse(form.dataset.order);
const known = JSON.parse(form.dataset.known);
const { does, done } = form.dataset;
const asks = form.dataset.asks === "yes";
const TAG_CHANGES = ["add_tags", "remove_tags"];
const isDelete = order.verb === "delete";
const ticks = [...form.querySelectorAll("[data-tick]")];
const LABELS = { modify_stamp: "Modified" };
for (const tick of ticks) LABELS[tick.dataset.tick] = form.elements[tick.dataset.tick].labels[0].textContent;
if (!asks) Object.assign(LABELS, JSON.parse(form.dataset.labels));
const REASONS = { missing: "there is no such DID, or you cannot see it", duplicate: "it was named before" };
let key = "";
let asked = 0;

const field = (name) => form.elements[name];

const ticked = () => ticks.filter((tick) => tick.checked).map((tick) => field(tick.dataset.tick));

function values() {
  if (!asks) return JSON.parse(form.dataset.values);
  const chosen = ticked().filter((one) => !TAG_CHANGES.includes(one.name));
  return Object.fromEntries(chosen.map((one) => [one.name, one.value === "" ? null : one.value]));
}

// Tags that are added and removed, as lists.
function tagChanges() {
  const chosen = ticked().filter((one) => TAG_CHANGES.includes(one.name));
  return Object.fromEntries(chosen.map((one) => [one.name, one.value.split(",").map((word) => word.trim()).filter(Boolean)]));
}

function body(dryRun) {
  const sent = { ...order, mode: form.elements.mode.value, dry_run: dryRun };
  if (isDelete) sent.force = form.elements.force.checked;
  else Object.assign(sent, { values: values(), ...tagChanges(), allow_nowhere: form.elements.nowhere.checked });
  return sent;
}

function show(found) {
  const { requested, ...totals } = found.totals;
  const doable = totals.updated + totals.deleted;
  document.getElementById("totals").replaceChildren(...Object.entries(totals).filter(([, number]) => number).map(([word, number]) => total(word, number)));
  document.getElementById("verdict").textContent = found.possible
    ? `${count(doable)} of ${count(requested)} ${requested === 1 ? "DID" : "DIDs"} will be ${done}. Nothing has been saved yet. You can undo it under Batches.`
    : `No DID would be ${done}: ${count(requested - doable)} of ${count(requested)} cannot be ${done}.`;
  if (!isDelete && totals.nowhere) document.getElementById("nowhere").hidden = false;
  const sample = found.sample.map((one) => {
    const differs = Object.entries(one.differs).map(([name, { now, would_be: wouldBe }]) => difference(LABELS[name] || name, now, wouldBe));
    const change = isDelete ? "deleted" : differs.length ? element("ul", "differences", ...differs) : "stays as it is";
    return element("tr", "", cell("Number", one.target, "name"), cell("Description", one.description), cell("Change", change));
  });
  fill("sample", "sampled", sample, doable > sample.length ? `The first ${sample.length} of ${count(doable)}` : isDelete ? "What is deleted" : "What changes");
  const left = found.items.filter((item) => !["updated", "deleted"].includes(item.outcome));
  const rows = left.map((item) => element("tr", "", cell("Number", item.target, "name"), cell("Outcome", tag(item.outcome)), cell("Why", item.reason || REASONS[item.outcome] || "")));
  const others = requested - doable;
  fill("left", "left-rows", rows, others > left.length ? `The first ${count(left.length)} of ${count(others)} that cannot be ${done}` : `Cannot be ${done}`);
  make.hidden = !found.possible;
  make.textContent = `${does.charAt(0).toUpperCase()}${does.slice(1)} ${count(doable)} ${doable === 1 ? "DID" : "DIDs"}`;
}

function fill(part, body_, rows, title) {
  document.getElementById(part).hidden = rows.length === 0;
  document.getElementById(`${part}-title`).textContent = title;
  document.getElementById(body_).replaceChildren(...rows);
}

function forget() {
  make.hidden = true;
  if (asks) seen.hidden = true;
}

async function look() {
  clear();
  forget();
  const mine = (asked += 1);
  seen.hidden = false;
  seen.setAttribute("aria-busy", "true");
  document.getElementById("verdict").textContent = "Looking at the DIDs…";
  try {
    const found = await ask("POST", "/batches", { body: body(true) });
    if (mine !== asked) return; // something else is asked by now
    show(found);
    key = random(); // a click that is repeated after a lost answer does nothing twice
    if (asks) document.getElementById("seen-title").focus();
  } catch (problem) {
    if (mine === asked) refused(problem);
  }
  seen.removeAttribute("aria-busy");
}

function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function refused(problem) {
  seen.hidden = true;
  make.hidden = true;
  const wrong = field(problem.field);
  if (problem.type === "nothing-found") return note("warning", "The filter finds no DID any more.");
  if (!asks || !wrong || !document.getElementById(`${problem.field}-problem`)) return note("danger", problem.message);
  say(wrong, problem.message);
  arrange();
  wrong.focus();
}

function say(one, text) {
  one.classList.toggle("is-invalid", text !== "");
  one.setAttribute("aria-invalid", text !== "");
  document.getElementById(`${one.id}-problem`).textContent = text;
}

// What the form says of a column: the new value, or what all of the chosen DIDs have.
function value(column) {
  const tick = form.querySelector(`[data-tick="${column}"]`);
  return tick?.checked ? field(column).value : known[column];
}

function arrange() {
  const all = document.getElementById("everything").checked;
  for (const box of form.querySelectorAll("[data-field]")) {
    const conditions = box.dataset.conditions;
    const holds = (condition) => Object.entries(condition).every(([column, allowed]) => allowed.includes(value(column)));
    const counts = conditions ? JSON.parse(conditions).some(holds) : box.dataset.counts === "yes";
    box.hidden = !(counts || all || box.querySelector("[data-tick]").checked || box.querySelector(".is-invalid"));
  }
  for (const section of form.querySelectorAll("section")) {
    section.hidden = [...section.querySelectorAll("[data-field]")].every((box) => box.hidden);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!asks) return;
  for (const tick of ticks) say(field(tick.dataset.tick), "");
  if (!ticks.some((tick) => tick.checked)) return note("danger", "Tick the fields to change.");
  look();
});

form.addEventListener("input", (event) => {
  const tick = form.querySelector(`[data-tick="${event.target.name}"]`);
  if (tick) tick.checked = true;
  if (asks) forget();
  else look();
});

form.addEventListener("change", () => { if (asks) arrange(); });

make.addEventListener("click", async () => {
  make.disabled = true;
  try {
    const batch = await ask("POST", "/batches", { body: body(false), key });
    const number = batch.totals.updated + batch.totals.deleted;
    if (batch.state === "done") later("success", `${number === 1 ? "1 DID was" : `${count(number)} DIDs were`} ${done}.`);
    location.assign(`/admin/batches/${batch.id}`);
  } catch (problem) {
    refused(problem);
    make.disabled = false;
  }
});

if (asks) arrange();
else look();
