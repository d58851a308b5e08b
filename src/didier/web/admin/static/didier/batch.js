// A batch: how far it is, stopping it, and undoing it.

import { ask } from "./api.js";
import { later } from "./notes.js";

const MAKING = { update: "Updating the DIDs", delete: "Deleting the DIDs", import: "Importing the DIDs" };
const page = document.getElementById("batch");
const id = page.dataset.id;

const PHASES = {
  check: "Checking the numbers",
  make: MAKING[page.dataset.kind] || "Creating the DIDs",
  remove: page.dataset.kind === "copy" ? "Deleting the DIDs" : "Undoing what was done",
};

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

// What a button asks in a dialog, and does when it is confirmed.
function confirmed(name, dialogName, carryOut) {
  const dialog = document.getElementById(dialogName);
  const wrong = document.getElementById(`${name}-problem`);
  document.getElementById(name)?.addEventListener("click", () => {
    wrong.hidden = true;
    dialog.showModal();
  });
  document.getElementById(`${name}-no`).addEventListener("click", () => dialog.close());
  document.getElementById(`${name}-yes`).addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {
      await carryOut();
      location.reload();
    } catch (problem) {
      wrong.textContent = problem.message;
      wrong.hidden = false;
      event.target.disabled = false;
    }
  });
}

confirmed("undo", "undoing", async () => {
  const force = document.getElementById("undo-force").checked;
  const batch = await ask("POST", `/batches/${id}/undo`, { body: { force } });
  if (batch.state === "undone") later(batch.kept.length ? "warning" : "success", said(batch));
});
confirmed("cancel", "cancelling", () => ask("POST", `/batches/${id}/cancel`));

function said(batch) {
  if (!batch.kept.length) return "The batch was undone.";
  const named = batch.kept.slice(0, 10).join(", ");
  return `The batch was undone. These DIDs were kept because they were changed since or are locked: ${named}${batch.kept.length > 10 ? ", …" : ""}.`;
}
