// A schedule: the form, and the deletion.

import { ask, path, sentence } from "./api.js";
import { offerDeletion } from "./deletion.js";
import { busy, say } from "./fields.js";
import { later } from "./notes.js";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const form = document.getElementById("schedule-form");
const field = (name) => form.elements.namedItem(name);
const text = (name) => field(name).value.trim();

function spans(written) {
  return written.split(",").map((one) => one.trim()).filter(Boolean);
}

// "12-24 09:00-12:00 Christmas Eve": a date, hours, and the rest is a name.
function date(line) {
  const [day, ...words] = line.trim().split(/\s+/);
  const hours = [];
  while (words.length && /^[0-9]+:/.test(words[0])) hours.push(...spans(words.shift()));
  return { date: day, hours, name: words.join(" ") };
}

function given() {
  return {
    time_zone: text("time_zone"),
    hours: Object.fromEntries(DAYS.map((day) => [day, spans(text(day))])),
    country: text("country").toUpperCase(),
    subdivision: text("subdivision"),
    dates: text("dates").split("\n").filter((line) => line.trim()).map(date),
    outside: text("outside"),
    user_group: text("user_group") || null,
  };
}

// The pointer of hours ends with the day, that of a date has its place behind "dates".
function place(problem) {
  const parts = (problem.body.pointer || "").split("/").filter(Boolean);
  return field(parts[0] === "dates" ? "dates" : parts.at(-1) || "");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = form.dataset.name || text("name");
  if (!name) return say(field("name"), "Give the schedule a name.");
  const problem = await busy(form, async () => {
    const made = await ask("PUT", path("schedules", name), { body: given() });
    later("success", form.dataset.name ? "The changes are saved." : `The schedule ${made.name} was created.`);
    location.assign(`/admin${path("schedule", made.name)}`);
  });
  if (problem) say(place(problem), sentence(problem.message));
});

offerDeletion(async () => {
  await ask("DELETE", path("schedules", form.dataset.name));
  later("success", `The schedule ${form.dataset.name} was deleted.`);
  location.assign("/admin/schedules");
});
