// What every page has: the theme, "/" to search, messages of the page before.

import { offerAll } from "./choices.js";
import { shown } from "./notes.js";

const YEAR = 31536000;
const root = document.documentElement;

document.getElementById("theme").addEventListener("click", () => {
  const chosen = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = chosen;
  root.dataset.themeChosen = "";
  document.cookie = `didier_theme=${chosen}; path=/admin; max-age=${YEAR}; samesite=lax`;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.getElementById("search").select();
  document.getElementById("search").focus();
});

// A select that filters a list takes effect at once; its button is for those without scripts.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  for (const field of form.querySelectorAll("select")) {
    field.addEventListener("change", () => form.requestSubmit());
  }
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}

offerAll(document.querySelector("main"));
shown();
