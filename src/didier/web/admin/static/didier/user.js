// A user: the form as the tutorial has it, password, lock.

import { ask, path, sentence } from "./api.js";
import { busy, say } from "./fields.js";
import { later, note } from "./notes.js";

const form = document.getElementById("user-form");
const name = form.dataset.user;
const modify = form.elements[form.dataset.modify];
const modifyHint = document.getElementById(`${form.dataset.modify}-hint`);
const ticks = [...form.querySelectorAll("[name=function]")];
const fields = [...form.querySelectorAll("[data-initial]:not([name=function])")];
let switchedOn = "";

// Allowing a function for DIDs switches Modify DIDs on, as the services do it, and says so.
for (const tick of ticks) {
  tick.addEventListener("change", () => {
    if (!tick.checked || !("dids" in tick.dataset) || modify.value === "1") return;
    const what = tick.value === "ALL_FUNCTIONS" ? "ALL" : tick.value;
    if (modify.querySelector("[value='1']").disabled) {
      modifyHint.textContent = `${what} needs it, and you do not have this right, so you cannot grant it.`;
      return;
    }
    modify.value = "1";
    switchedOn = what;
    modifyHint.textContent = `Switched on, because ${what} needs it.`;
  });
}
modify.addEventListener("change", () => {
  switchedOn = "";
  const needs = ticks.find((tick) => tick.checked && "dids" in tick.dataset);
  modifyHint.textContent = modify.value === "0" && needs ? "Without it the functions for DIDs are refused." : "";
});

function functionsChanged() {
  return ticks.some((tick) => tick.checked !== (tick.dataset.initial === "yes"));
}

function changes() {
  const sent = {};
  for (const field of fields) {
    if (field.value === field.dataset.initial) continue;
    const flag = field.dataset.kind === "flag";
    sent[field.name] = flag ? field.value === "1" : field.dataset.kind === "number" ? Number(field.value) : field.value;
  }
  if (functionsChanged()) {
    sent.api_allowed_functions = ticks.filter((tick) => tick.checked).map((tick) => tick.value);
    sent[modify.name] = modify.value === "1";
  }
  return sent;
}

function refused(problem) {
  const place = (problem.body.pointer || "").split("/").filter(Boolean).find((part) => document.getElementById(part));
  say(place ? document.getElementById(place) : null, sentence(problem.message));
}

// What the signed-in user would lose; the server decides, as it does for the command line.
async function losses(sent) {
  if (form.dataset.self !== "yes") return [];
  const query = encodeURIComponent(JSON.stringify(sent));
  try {
    const found = await ask("GET", `${path("user", name)}/losses?changes=${query}`, { base: "/admin" });
    return found.losses || [];
  } catch (problem) {
    if (problem.status >= 400 && problem.status < 500) return []; // the change is refused too, with its place
    throw problem;
  }
}

const losing = document.getElementById("losing");
document.getElementById("losing-no")?.addEventListener("click", () => losing.close(""));
document.getElementById("losing-yes")?.addEventListener("click", () => losing.close("yes"));

function agreed(lost) {
  if (!lost.length) return true;
  const lines = lost.map((one) => Object.assign(document.createElement("li"), { textContent: one }));
  document.getElementById("losing-what").replaceChildren(...lines);
  losing.returnValue = "";
  losing.showModal();
  return new Promise((resolve) => {
    losing.addEventListener("close", () => resolve(losing.returnValue === "yes"), { once: true });
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = await busy(form, async () => {
    const sent = changes();
    if (name && !Object.keys(sent).length) return note("info", "Nothing was changed.");
    if (!(await agreed(await losses(sent)))) return note("info", "Nothing was changed.");
    const made = name ? await ask("PATCH", path("users", name), { body: sent }) : await ask("POST", "/users", { body: { user: "", password: "", user_group: "", ...sent } });
    const on = switchedOn && made[modify.name] ? ` Modify DIDs was switched on, because ${switchedOn} needs it.` : "";
    later("success", `${name ? "The changes are saved" : `${made.user} was created`}.${on}`);
    location.assign(`/admin${path("user", made.user)}`);
  });
  if (problem) refused(problem);
});

const passwords = document.getElementById("password-form");
passwords?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = passwords.elements.password;
  const revoke = Boolean(passwords.elements.revoke_tokens?.checked);
  const problem = await busy(passwords, async () => {
    await ask("PATCH", path("users", name), { body: { password: field.value, revoke_tokens: revoke } });
    later("success", `The password is set.${revoke ? " The tokens are revoked." : ""}`);
    location.reload();
  });
  if (problem) say(field, sentence(problem.message));
});

document.getElementById("unlock")?.addEventListener("click", async () => {
  try {
    await ask("DELETE", `${path("users", name)}/lock`);
    later("success", `${name} may sign in again.`);
    location.reload();
  } catch (problem) {
    note("danger", problem.message);
  }
});

const resetting = document.getElementById("resetting");
document.getElementById("reset")?.addEventListener("click", () => resetting.showModal());
document.getElementById("resetting-no")?.addEventListener("click", () => resetting.close());
document.getElementById("resetting-yes")?.addEventListener("click", async () => {
  resetting.close();
  try {
    await ask("DELETE", `${path("users", name)}/second-factor`);
    later("success", `${name} signs in with the password alone now.`);
    location.reload();
  } catch (problem) {
    note("danger", problem.message);
  }
});
