// One's own profile: password, second factor, recovery codes.

import { ask, sentence } from "./api.js";
import { busy, say } from "./fields.js";
import { later } from "./notes.js";

const FACTOR = "/me/second-factor";
const header = document.getElementById("profile").dataset.codeHeader;

function withCode(form) {
  return { headers: { [header]: form.elements.code.value } };
}

function reloaded(text) {
  later("success", text);
  location.reload();
}

// The problem stands at the field that it is about, else at the top of the page.
function refused(problem, fields) {
  say(fields[problem.field] ?? null, sentence(problem.message));
}

const passwords = document.getElementById("password-form");
passwords.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { password, new_password, revoke_tokens } = passwords.elements;
  const problem = await busy(passwords, async () => {
    const body = { password: password.value, new_password: new_password.value, revoke_tokens: revoke_tokens.checked };
    const { tokens_revoked: count } = await ask("PUT", "/me/password", { body });
    const revoked = revoke_tokens.checked ? ` ${count === 1 ? "1 token was" : `${count} tokens were`} revoked.` : "";
    reloaded(`Your password is changed.${revoked}`);
  });
  if (problem) refused(problem, { password, new_password });
});

const codes = document.getElementById("codes");
const list = document.getElementById("codes-list");
let afterCodes = "";

function showCodes(given, text) {
  afterCodes = text;
  list.replaceChildren(...given.map((code) => Object.assign(document.createElement("li"), { textContent: code })));
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(written())}`;
  document.getElementById("codes-download").href = file;
  codes.showModal();
}

function written() {
  return [...list.children].map((line) => `${line.textContent}\n`).join("");
}

document.getElementById("codes-copy").addEventListener("click", async (event) => {
  await navigator.clipboard?.writeText(written()).catch(() => {});
  event.target.textContent = "Copied";
});
document.getElementById("codes-print").addEventListener("click", () => print());
document.getElementById("codes-close").addEventListener("click", () => codes.close());
codes.addEventListener("close", () => {
  list.replaceChildren();
  reloaded(afterCodes);
});

const begin = document.getElementById("begin-form");
const confirm = document.getElementById("confirm-form");

begin?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { password } = begin.elements;
  const problem = await busy(begin, async () => {
    const begun = await ask("POST", FACTOR, { body: { password: password.value } });
    document.getElementById("picture").src = begun.picture;
    document.getElementById("secret").value = begun.secret;
    begin.hidden = true;
    confirm.hidden = false;
    confirm.elements.code.focus();
  });
  if (problem) refused(problem, { password });
});

confirm?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { code, keeps_password } = confirm.elements;
  const problem = await busy(confirm, async () => {
    const done = await ask("PUT", FACTOR, { body: { keeps_password: keeps_password.checked }, ...withCode(confirm) });
    showCodes(done.recovery_codes, "The second factor is on.");
  });
  if (problem) refused(problem, { [header]: code });
});

document.getElementById("confirm-cancel")?.addEventListener("click", () => location.reload());

const factor = document.getElementById("factor-form");
const CHANGES = {
  keep: async () => {
    const body = { keeps_password: factor.elements.keeps_password.checked };
    await ask("PUT", FACTOR, { body, ...withCode(factor) });
    reloaded("The change is saved.");
  },
  codes: async () => {
    const done = await ask("POST", "/me/recovery-codes", withCode(factor));
    showCodes(done.recovery_codes, "Your old recovery codes are no longer valid.");
  },
  end: async () => {
    await ask("DELETE", FACTOR, withCode(factor));
    reloaded("The second factor is off.");
  },
};

factor?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = await busy(factor, CHANGES[event.submitter.value]);
  if (problem) refused(problem, { [header]: factor.elements.code });
});
