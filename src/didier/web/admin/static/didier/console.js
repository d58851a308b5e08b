// The console: shows the request as an address and a curl line, and sends it to the Non-Agent API.
// The password goes there in the body of the request, and nowhere else.

import { note } from "./notes.js";

const form = document.getElementById("console");
const chosen = document.getElementById("form");
const who = document.getElementById("who");
const reveal = document.getElementById("reveal");
const answer = document.getElementById("answer");
const answerNote = document.getElementById("answer-note");
const { api, mask } = form.dataset;
const sets = [...form.querySelectorAll("[data-form]")];
const secrets = new Set([...form.querySelectorAll("[data-secret]")].map((field) => field.name));
const FIRST = ["function", "user", "pass", "source"];

function pairs() {
  const filled = [...new FormData(form)].filter(([, value]) => value !== "");
  const place = ([name]) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return filled.sort((one, other) => place(one) - place(other));
}

function query(sent, hide) {
  const shown = sent.map(([name, value]) => [name, hide && secrets.has(name) ? mask : value]);
  return new URLSearchParams(shown).toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

function lines(hide) {
  const url = `${location.origin}${api}?${query(pairs(), hide)}`;
  return { url, curl: `curl "${url}"` };
}

function show() {
  const hide = !reveal.checked;
  const texts = lines(hide);
  for (const [id, text] of Object.entries(texts)) document.getElementById(id).textContent = text;
  const open = pairs().filter(([name]) => name !== "function").map(([name, value]) => [name, secrets.has(name) ? "" : value]);
  const exported = new URLSearchParams([["form", chosen.value], ...open]);
  document.getElementById("postman").href = `/admin/console/postman.json?${exported}`;
}

function choose() {
  for (const set of sets) set.hidden = set.disabled = set.dataset.form !== chosen.value;
  const open = sets.find((set) => !set.disabled);
  who.hidden = open.dataset.user === "no";
  for (const field of who.querySelectorAll("input")) field.disabled = who.hidden;
  show();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  answerNote.textContent = "Sent; waiting for the answer…";
  try {
    const body = new URLSearchParams(pairs());
    const got = await fetch(api, { method: "POST", body, credentials: "omit", redirect: "error" });
    const text = await got.text();
    answer.textContent = text;
    answer.hidden = false;
    answerNote.textContent = `Status ${got.status}, ${got.headers.get("content-type") || "no type"}`;
  } catch {
    answer.hidden = true;
    answerNote.textContent = "The server cannot be reached; check later whether the request was carried out.";
  }
  button.disabled = false;
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = lines(!reveal.checked)[button.dataset.copy];
    await navigator.clipboard?.writeText(text).then(() => note("info", "Copied to the clipboard."), () => {});
  });
}

chosen.addEventListener("change", choose);
form.addEventListener("input", show);
reveal.addEventListener("change", () => {
  for (const field of form.querySelectorAll("[data-secret]")) field.type = reveal.checked ? "text" : "password";
  show();
});
choose();
