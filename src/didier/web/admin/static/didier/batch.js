// A batch: how far it is, and undoing it.

import { ask } from "./api.js";
import { later } from "./notes.js";

const PHASES = { check: "Checking the numbers", make: "Creating the DIDs", remove: "Deleting the DIDs" };
const page = document.getElementById("batch");
const id = page.dataset.id;

function moved(batch) {
  const bar = document.getElementById("progress");
  bar.max = batch.totals.requested || 1;
  bar.value = batch.done;
  document.getElementById("done").textContent = batch.done.toLocaleString("en");
  document.getElementById("phase").textContent = PHASES[batch.phase] || "Waiting for its turn";
}

if (page.dataset.underWay === "yes") {
  const events = new EventSource(`/admin/api/v1/batches/${id}/events`);
  events.addEventListener("progress", (event) => moved(JSON.parse(event.data)));
  events.addEventListener("end", () => {
    events.close();
    location.reload();
  });
}

const dialog = document.getElementById("undoing");
const wrong = document.getElementById("undo-problem");

document.getElementById("undo")?.addEventListener("click", () => {
  wrong.hidden = true;
  dialog.showModal();
});
document.getElementById("undo-no").addEventListener("click", () => dialog.close());
document.getElementById("undo-yes").addEventListener("click", async (event) => {
  event.target.disabled = true;
  try {
    const batch = await ask("POST", `/batches/${id}/undo`, { body: { force: document.getElementById("undo-force").checked } });
    if (batch.state === "undone") later(batch.kept.length ? "warning" : "success", said(batch));
    location.reload();
  } catch (problem) {
    wrong.textContent = problem.message;
    wrong.hidden = false;
    event.target.disabled = false;
  }
});

function said(batch) {
  if (!batch.kept.length) return "The batch was undone.";
  const named = batch.kept.slice(0, 10).join(", ");
  return `The batch was undone. These DIDs were kept because they were changed since or are locked: ${named}${batch.kept.length > 10 ? ", …" : ""}.`;
}
