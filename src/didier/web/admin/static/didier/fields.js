// Forms whose problems are shown at the field that they are about.

import { clear, note } from "./notes.js";

export function say(field, text) {
  if (!field) return note("danger", text);
  field.classList.toggle("is-invalid", text !== "");
  field.setAttribute("aria-invalid", text !== "");
  document.getElementById(`${field.id}-problem`).textContent = text;
  if (text) (field.matches("fieldset") ? field.querySelector("input:not(:disabled)") : field)?.focus();
}

function quiet(root) {
  for (const field of root.querySelectorAll(".is-invalid")) say(field, "");
}

// Does the work of a form while its buttons rest; returns the problem that came of it, or null.
export async function busy(root, work) {
  clear();
  quiet(root);
  const buttons = [...root.querySelectorAll("[type=submit]")];
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (problem) {
    return problem;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
  return null;
}
