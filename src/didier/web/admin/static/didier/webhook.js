// A webhook: the form, its secret, what is sent again, and the deletion.

import { ask, path, sentence } from "./api.js";
import { busy, say } from "./fields.js";
import { later, note } from "./notes.js";

const form = document.getElementById("webhook-form");
const id = form.dataset.id;
const here = path("webhooks", id);

const ticked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
const listed = (name) => form.elements[name].value.split(",").map((one) => one.trim()).filter(Boolean);

function given() {
  return {
    url: form.elements.url.value.trim(),
    description: form.elements.description.value.trim(),
    types: ticked("types"),
    prefixes: listed("prefixes"),
    routes: ticked("routes"),
    groups: listed("groups"),
  };
}

function reloaded(kind, text) {
  later(kind, text);
  location.reload();
}

// The problem stands at the field that it is about, else at the top of the page.
function refused(problem) {
  const place = (problem.body.pointer || "").split("/").find((part) => part);
  say(place ? document.getElementById(place) : null, sentence(problem.message));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = await busy(form, async () => {
    if (!id) return shown(await ask("POST", "/webhooks", { body: given() }), "The webhook was created.");
    await ask("PATCH", here, { body: given() });
    reloaded("success", "The changes are saved.");
  });
  if (problem) refused(problem);
});

// The secret is on this page as long as the dialog is open, and nowhere else.
const made = document.getElementById("made");
const secret = document.getElementById("made-secret");

function shown(webhook, text) {
  secret.value = webhook.secret;
  made.addEventListener("close", () => {
    secret.value = "";
    later("success", text);
    location.assign(`/admin${path("webhook", webhook.id)}`);
  }, { once: true });
  made.showModal();
}

document.getElementById("made-copy").addEventListener("click", async (event) => {
  secret.select();
  await navigator.clipboard?.writeText(secret.value).catch(() => {});
  event.target.textContent = "Copied";
});
document.getElementById("made-close").addEventListener("click", () => made.close());

const secrets = document.getElementById("secret-form");
secrets?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = await busy(secrets, async () => {
    const body = { overlap_hours: Number(secrets.elements.overlap_hours.value) };
    shown(await ask("POST", `${here}/secret`, { body }), "The webhook has a new secret.");
  });
  if (problem) refused(problem);
});

const again = document.getElementById("since-form");
again?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { since } = again.elements; // without a zone it is a time of the server's, as all of the page
  const problem = await busy(again, async () => {
    await ask("POST", `${here}/resend`, { body: { since: since.value } });
    reloaded("success", "What has happened since then is sent again.");
  });
  if (problem) say(since, since.value ? sentence(problem.message) : "Choose a time.");
});

// Sends a message and says what the receiver made of it.
async function sent(button, where, what) {
  button.disabled = true;
  try {
    const { outcome, status, error, answer, milliseconds } = await ask("POST", where);
    const said = status ? `the receiver answered ${status} in ${milliseconds} ms` : error;
    if (outcome === "taken") reloaded("success", `${what} was taken: ${said}.`);
    else reloaded("danger", `${what} was not taken: ${said}${answer ? `: ${answer}` : "."}`);
  } catch (problem) {
    button.disabled = false;
    note("danger", problem.message);
  }
}

document.getElementById("test")?.addEventListener("click", (event) => sent(event.target, `${here}/test`, "The test message"));
for (const button of document.querySelectorAll("[data-resend]")) {
  const event = button.dataset.resend;
  button.addEventListener("click", () => sent(button, `${here}${path("events", event)}/resend`, `Event ${event}`));
}

for (const button of document.querySelectorAll("[data-enabled]")) {
  button.addEventListener("click", async () => {
    const enabled = button.dataset.enabled === "true";
    button.disabled = true;
    try {
      await ask("PATCH", here, { body: { enabled } });
      reloaded("success", enabled ? "What is waiting is sent now." : "Nothing is sent any more.");
    } catch (problem) {
      button.disabled = false;
      note("danger", problem.message);
    }
  });
}

const dialog = document.getElementById("deletion");
const wrong = document.getElementById("deletion-problem");
document.getElementById("delete")?.addEventListener("click", () => {
  wrong.hidden = true;
  dialog.showModal();
});
document.getElementById("deletion-no")?.addEventListener("click", () => dialog.close());
document.getElementById("deletion-yes")?.addEventListener("click", async () => {
  try {
    await ask("DELETE", here);
    later("success", "The webhook was deleted.");
    location.assign("/admin/webhooks");
  } catch (problem) {
    wrong.textContent = problem.message;
    wrong.hidden = false;
  }
});
