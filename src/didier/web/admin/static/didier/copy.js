// Copying a DID to many: what is written is previewed first, then ordered.

import { ask, token } from "./api.js";
import { clear, later, note } from "./notes.js";
import * as table from "./table.js";

const TAGS = { new: "good", similar: "warn", exists: "note", duplicate: "calm", invalid: "bad", implausible: "bad", nowhere: "bad" };
const form = document.getElementById("copy");
const make = document.getElementById("make");
const seen = document.getElementById("seen");
const overrides = document.getElementById("overrides");
const PLACES = { source: "source", targets: "targets", description_template: "description_template" };
let key = "";

function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function count(number) {
  return number.toLocaleString("en");
}

function query(dryRun) {
  const fields = form.elements;
  const pairs = new URLSearchParams({ source: fields.source.value.trim(), mode: fields.mode.value, dry_run: dryRun });
  if (fields.template.value) pairs.set("description_template", fields.template.value);
  if (fields.implausible.checked) pairs.set("allow_implausible", "true");
  if (fields.nowhere.checked) pairs.set("allow_nowhere", "true");
  if (fields.file.files[0]) for (const mapped of table.mapping()) pairs.append("mapping", mapped);
  if (fields.active.value) pairs.append("set", `did_active=${fields.active.value}`);
  for (const row of overrides.children) {
    pairs.append("set", `${row.querySelector("select").value}=${row.querySelector("input").value}`);
  }
  return pairs;
}

function send(dryRun) {
  const file = form.elements.file.files[0];
  const body = file || form.elements.targets.value;
  const type = file ? table.typeOf(file) : "text/plain";
  return ask("POST", `/copies?${query(dryRun)}`, { body, type, key: dryRun ? "" : key });
}

// The rows that would not be created, as they were sent, with the reason.
async function saveRefused() {
  const file = form.elements.file.files[0];
  const headers = { Accept: "text/csv", "X-CSRF-Token": token(), "Content-Type": file ? table.typeOf(file) : "text/plain" };
  const body = file || form.elements.targets.value;
  const answer = await fetch(`/admin/api/v1/copies?${query(true)}`, { method: "POST", body, headers, credentials: "same-origin" });
  if (!answer.ok) return note("danger", "The rows cannot be written now.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = "refused.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

function say(place, text) {
  document.getElementById(`${place}-problem`).textContent = text;
  const field = form.elements[place === "description_template" ? "template" : place];
  field?.classList?.toggle("is-invalid", text !== "");
  if (text) field?.focus?.();
}

function quiet() {
  clear();
  for (const place of ["source", "targets", "file", "description_template", "override"]) say(place, "");
}

function refused(problem) {
  let place = PLACES[problem.field];
  if (problem.type === "did-not-found") place = "source";
  if (["unreadable-targets", "unknown-columns", "too-many-targets", "not-all-possible"].includes(problem.type)) place = form.elements.file.files[0] ? "file" : "targets";
  if (!place && (problem.body.pointer || "").startsWith("/overrides")) place = "override";
  if (place) say(place, problem.message);
  else note("danger", problem.message);
}

function cell(label, content, name = "") {
  const box = document.createElement("td");
  box.dataset.label = label;
  box.className = name;
  box.append(content);
  return box;
}

function tag(word) {
  const box = document.createElement("span");
  box.className = `tag tag-${TAGS[word]}`;
  box.textContent = word;
  return box;
}

function why(item) {
  const parts = Object.entries(item.differs).map(([name, { now, would_be: wouldBe }]) => `${name} is ${now ?? "empty"}, would be ${wouldBe ?? "empty"}`);
  return [item.reason || "", parts.join("; ")].filter(Boolean).join("; ");
}

function row(item) {
  const line = document.createElement("tr");
  line.append(cell("No.", count(item.position), "number"), cell("Number", item.target, "name"), cell("Outcome", tag(item.status)), cell("Why", why(item)));
  return line;
}

function sampled(item) {
  const line = document.createElement("tr");
  line.append(cell("Number", item.target, "name"), cell("Description", item.description), cell("Calls", item.destination));
  return line;
}

function total([word, number]) {
  const box = document.createElement("span");
  box.className = "total";
  const strong = document.createElement("strong");
  strong.className = "number";
  strong.textContent = count(number);
  box.append(strong, tag(word));
  return box;
}

function show(found) {
  const { requested, ...totals } = found.totals;
  const makeable = totals.new + totals.similar;
  document.getElementById("totals").replaceChildren(...Object.entries(totals).map(total));
  document.getElementById("targets-seen").replaceChildren(...found.items.map(row));
  document.getElementById("sample").hidden = found.sample.length === 0;
  document.getElementById("sample-rows").replaceChildren(...found.sample.map(sampled));
  document.getElementById("save-refused").hidden = makeable === requested;
  document.getElementById("nowhere").hidden = !(totals.nowhere || form.elements.nowhere.checked);
  const omitted = document.getElementById("omitted");
  omitted.hidden = found.omitted === 0;
  omitted.textContent = `${count(found.omitted)} more are not shown. Numbers that need attention are listed first.`;
  document.getElementById("verdict").textContent = found.possible
    ? `${count(makeable)} of ${count(requested)} will be created. Nothing has been saved yet.`
    : `Nothing would be created: ${count(requested - makeable)} of ${count(requested)} cannot be created.`;
  make.hidden = !found.possible;
  make.textContent = makeable === 1 ? "Copy to 1 number" : `Copy to ${count(makeable)} numbers`;
  seen.hidden = false;
  document.getElementById("seen-title").focus();
}

function forget() {
  make.hidden = seen.hidden = true;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  quiet();
  forget();
  if (!form.elements.source.value.trim()) return say("source", "Enter the DID to copy.");
  if (!form.elements.targets.value.trim() && !form.elements.file.files[0]) return say("targets", "Enter the new numbers.");
  const button = document.getElementById("preview");
  button.disabled = true;
  try {
    show(await send(true));
    key = random(); // a click that is repeated after a lost answer does nothing twice
  } catch (problem) {
    refused(problem);
  } finally {
    button.disabled = false;
  }
});

form.elements.nowhere.addEventListener("change", () => form.requestSubmit());

document.getElementById("save-refused").addEventListener("click", saveRefused);

form.elements.file.addEventListener("change", async () => {
  const file = form.elements.file.files[0];
  table.forget();
  quiet();
  if (!file) return;
  try {
    await table.show(file);
  } catch (problem) {
    say("file", problem.message);
  }
});

make.addEventListener("click", async () => {
  make.disabled = true;
  try {
    const batch = await send(false);
    if (form.elements.file.files[0]) await table.remember();
    if (batch.state === "done") later("success", batch.totals.added === 1 ? "The DID was copied." : `${count(batch.totals.added)} DIDs were created.`);
    location.assign(`/admin/batches/${batch.id}`);
  } catch (problem) {
    refused(problem);
    make.disabled = false;
  }
});

document.getElementById("add-override").addEventListener("click", () => {
  overrides.append(document.getElementById("override").content.cloneNode(true));
  const added = overrides.lastElementChild;
  added.querySelector("button").addEventListener("click", () => { added.remove(); forget(); });
  added.querySelector("select").focus();
});

form.addEventListener("input", forget);
