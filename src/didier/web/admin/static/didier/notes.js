// Messages at the top of the page, also on the page that comes next.

const KEY = "didier-note";

export function note(kind, text) {
  const box = document.createElement("div");
  box.className = `alert alert-${kind}`;
  box.setAttribute("role", kind === "danger" ? "alert" : "status");
  box.textContent = text;
  const notes = document.getElementById("notes");
  notes.replaceChildren(box);
  notes.scrollIntoView({ block: "nearest" });
}

export function clear() {
  document.getElementById("notes").replaceChildren();
}

export function later(kind, text) {
  sessionStorage.setItem(KEY, JSON.stringify([kind, text]));
}

export function shown() {
  const kept = sessionStorage.getItem(KEY);
  if (!kept) return;
  sessionStorage.removeItem(KEY);
  note(...JSON.parse(kept));
}
