// One DID: lock, unlock, delete.

import { ask, path } from "./api.js";
import { later, note } from "./notes.js";

const pattern = document.getElementById("did").dataset.pattern;
const etag = document.getElementById("did").dataset.etag;
const lock = document.getElementById("lock");

lock?.addEventListener("click", async () => {
  const locked = lock.dataset.locked === "yes";
  try {
    await ask(locked ? "DELETE" : "PUT", `${path("dids", pattern)}/lock`);
    later("success", locked ? `${pattern} is unlocked.` : `${pattern} is locked against deletion.`);
    location.reload();
  } catch (problem) {
    note("danger", problem.message);
  }
});

const dialog = document.getElementById("deletion");
const wrong = document.getElementById("deletion-problem");
const force = document.getElementById("deletion-force");

document.getElementById("delete")?.addEventListener("click", () => {
  wrong.hidden = force.hidden = true;
  dialog.showModal();
});
document.getElementById("deletion-no").addEventListener("click", () => dialog.close());
document.getElementById("deletion-yes").addEventListener("click", async () => {
  const forced = !force.hidden && force.querySelector("input").checked;
  try {
    await ask("DELETE", `${path("dids", pattern)}${forced ? "?force=true" : ""}`, { headers: { "If-Match": `"${etag}"` } });
    later("success", `${pattern} was deleted.`);
    location.assign("/admin/dids");
  } catch (problem) {
    wrong.textContent = problem.message;
    wrong.hidden = false;
    force.hidden = !["did-in-use", "did-protected"].includes(problem.type);
  }
});
