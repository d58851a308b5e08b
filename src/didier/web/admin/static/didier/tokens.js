// Tokens of a user: creating and revoking them.

import { ask, path, sentence } from "./api.js";
import { busy, say } from "./fields.js";
import { later, note } from "./notes.js";

const tokens = document.getElementById("token-form");
const made = document.getElementById("made");
const PLACES = { name: "token-name", scopes: "token-scopes", pattern_prefix: "token-prefix", networks: "token-networks", expires_at: "token-end" };

tokens?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { elements } = tokens;
  const end = elements.expires_at.value;
  const problem = await busy(tokens, async () => {
    const body = {
      user: tokens.dataset.user,
      name: elements.name.value,
      scopes: [...tokens.querySelectorAll("[name=scope]:checked")].map((box) => box.value),
      pattern_prefix: elements.pattern_prefix.value.trim() || null,
      networks: elements.networks.value.split(/[\s,]+/).filter(Boolean),
      expires_at: end ? new Date(`${end}T23:59:59`).toISOString() : null,
    };
    const token = await ask("POST", "/tokens", { body });
    document.getElementById("made-token").value = token.token;
    made.showModal();
  });
  if (!problem) return;
  const part = (problem.body.pointer || "").split("/").filter(Boolean)[0];
  say(document.getElementById(PLACES[part]), sentence(problem.message));
});

document.getElementById("made-copy")?.addEventListener("click", async () => {
  const line = document.getElementById("made-token");
  line.select();
  await navigator.clipboard?.writeText(line.value).catch(() => {});
});
document.getElementById("made-close")?.addEventListener("click", () => made.close());
made?.addEventListener("close", () => {
  document.getElementById("made-token").value = "";
  location.reload();
});

const revoking = document.getElementById("revoking");
let revoked = "";
for (const button of document.querySelectorAll("[data-revoke]")) {
  button.addEventListener("click", () => {
    revoked = button.dataset.revoke;
    revoking.showModal();
  });
}
document.getElementById("revoking-no")?.addEventListener("click", () => revoking.close());
document.getElementById("revoking-yes")?.addEventListener("click", async () => {
  revoking.close();
  try {
    await ask("DELETE", path("tokens", revoked));
    later("success", "The token is revoked.");
    location.reload();
  } catch (problem) {
    note("danger", problem.message);
  }
});
