// Puts the parts of the dashboard into their places, and draws a chart of each table.

import { draw } from "./charts.js";

const board = document.querySelector(".dashboard");

async function fill(card) {
  const place = card.querySelector("[data-place]");
  try {
    const answer = await fetch(card.dataset.part, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    draw(place);
  } catch {
    place.textContent = "This could not be loaded. Reload the page in a moment.";
  }
  card.removeAttribute("aria-busy");
}

await Promise.all([...board.querySelectorAll("[data-part]")].map(fill));
board.dataset.done = "";
