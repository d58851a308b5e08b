// Live calls: what the page shows is fetched anew whenever the server says that it has become another.

const EVENTS = "/admin/api/v1/calls/live/events";
const IDLE_MINUTES = 29; // a session ends after 30 minutes without a click: this page is not to keep it

const place = document.getElementById("live");
const state = document.getElementById("live-state");
const button = document.getElementById("live-pause");
let events = null;
let paused = false;
let asked = false;
let fetching = false;
let idle = 0;

function said(text) {
  if (state.textContent !== text) state.textContent = text;
}

const moved = () => [...place.querySelectorAll(".scroll")];

// Puts the new tables into their place; who is on a link of them stays on it, and what is moved aside stays so.
function put(text) {
  const at = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const lefts = moved().map((part) => part.scrollLeft);
  place.innerHTML = text;
  moved().forEach((part, index) => { part.scrollLeft = lefts[index] || 0; });
  if (at) place.querySelector(`[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  place.dataset.shown = String(Number(place.dataset.shown || 0) + 1);
}

function isRead() {
  const chosen = getSelection();
  return !chosen.isCollapsed && place.contains(chosen.anchorNode);
}

async function refresh() {
  asked = true;
  if (fetching || isRead()) return;
  fetching = true;
  while (asked && !paused) {
    asked = false;
    try {
      const answer = await fetch(place.dataset.part, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (!paused) put(text);
    } catch {
      said("Not up to date: reload the page");
    }
  }
  fetching = false;
}

function follow() {
  events?.close();
  events = null;
  button.textContent = paused ? "Resume" : "Pause";
  place.dataset.state = paused ? "paused" : "following";
  if (paused || document.hidden) return;
  events = new EventSource(EVENTS);
  events.addEventListener("open", () => said("Live"));
  events.addEventListener("calls", refresh);
  events.addEventListener("error", () => {
    said(events?.readyState === EventSource.CLOSED ? "Ended: reload the page" : "Connecting anew…");
  });
}

function pause(value, text) {
  paused = value;
  said(text);
  follow();
}

function active() {
  clearTimeout(idle);
  idle = setTimeout(() => pause(true, "Paused after half an hour without a click"), IDLE_MINUTES * 60_000);
}

button.hidden = false;
button.addEventListener("click", () => pause(!paused, paused ? "" : "Paused"));
document.addEventListener("visibilitychange", follow);
for (const kind of ["click", "keydown"]) document.addEventListener(kind, active);
document.addEventListener("selectionchange", () => {
  if (asked && !isRead()) refresh();
});
active();
follow();
