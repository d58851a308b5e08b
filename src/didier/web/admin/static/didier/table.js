// The step between a file and its preview: which column is the number, and what becomes of the others.

import { ask } from "./api.js";

const TYPES = {
  csv: "text/csv", tsv: "text/tab-separated-values", txt: "text/plain",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};
const card = document.getElementById("table");
const head = document.getElementById("table-head");
const body = document.getElementById("table-rows");
let name = null; // of the headers, under which the choice is remembered

export function typeOf(file) {
  return TYPES[file.name.split(".").pop().toLowerCase()] || "text/csv";
}

export function forget() {
  card.hidden = true;
  name = null;
  head.replaceChildren();
  body.replaceChildren();
}

// What becomes of each column, as the API takes it: by its place, whatever its header is.
export function mapping() {
  return [...head.querySelectorAll("select")].map((select, place) => `${place + 1}=${select.value}`);
}

// Keep the choice for the next file with the same headers; a server that keeps none says so, which is no matter.
export async function remember() {
  if (!name) return;
  const value = Object.fromEntries(mapping().map((mapped) => mapped.split("=")));
  await ask("PUT", "/me/preferences", { body: { kind: "mapping", name, value } }).catch(() => {});
}

function chooser(column, place, has_header, becomes) {
  const label = column.header || `column ${place + 1}`;
  const cell = document.createElement("th");
  cell.scope = "col";
  const name = document.createElement("label");
  name.className = "column-name";
  name.htmlFor = `column-${place}`;
  name.textContent = has_header ? label : `Column ${place + 1}`;
  const select = document.getElementById("becomes").content.firstElementChild.cloneNode(true);
  select.id = `column-${place}`;
  select.value = becomes || column.becomes || "ignore";
  cell.append(name, select);
  return cell;
}

function row(cells, width) {
  const line = document.createElement("tr");
  for (let place = 0; place < width; place++) {
    const cell = document.createElement("td");
    cell.textContent = cells[place] || "";
    line.append(cell);
  }
  return line;
}

// Show how a file is read; false where it is a list of numbers, of which there is nothing to say.
export async function show(file) {
  forget();
  const { table } = await ask("POST", "/tables", { body: file, type: typeOf(file) });
  if (!table) return false;
  const line = document.createElement("tr");
  line.append(...table.columns.map((column, place) => chooser(column, place, table.has_header, table.remembered?.[place + 1])));
  head.append(line);
  body.append(...table.rows.map((cells) => row(cells, table.columns.length)));
  name = table.name;
  const unknown = table.remembered ? 0 : table.columns.filter((column) => column.header && !column.becomes).length;
  document.getElementById("table-said").textContent = [
    `Read as a table divided by ${table.delimiter}.`,
    table.remembered ? "The columns become what they became for your last file with these headers." : "",
    table.remembered || table.columns.some((column) => column.becomes === "number" || column.becomes === "first") ? "" : "Choose the column with the numbers.",
    unknown ? `${unknown === 1 ? "One column is" : `${unknown} columns are`} no field of a DID and will be left out, unless you choose otherwise.` : "",
  ].filter(Boolean).join(" ");
  card.hidden = false;
  return true;
}
