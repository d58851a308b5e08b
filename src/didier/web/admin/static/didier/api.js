// Sends requests to the JSON API behind the session; problems become errors with their place.

const BASE = "/admin/api/v1";

export class Problem extends Error {
  constructor(status, body) {
    super(sentence(body.detail || body.title || `The server answered ${status}`));
    this.status = status;
    this.body = body;
    this.type = (body.type || "").replace("/problems/", "");
  }

  // The field that the problem is about: the last part of the JSON pointer.
  get field() {
    return (this.body.pointer || "").split("/").pop();
  }
}

export function sentence(text) {
  const isColumn = text.split(" ")[0].includes("_"); // its name is written as it is
  const whole = isColumn ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

export function token() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

export function path(...parts) {
  return parts.map((part) => "/" + encodeURIComponent(part)).join("");
}

export async function ask(method, where, { body, type, headers, key, base = BASE } = {}) {
  const sent = { "X-CSRF-Token": token(), ...headers };
  let content = body;
  if (body !== undefined && !type) {
    content = JSON.stringify(body);
    sent["Content-Type"] = "application/json";
  }
  if (type) sent["Content-Type"] = type;
  if (key) sent["Idempotency-Key"] = key;
  let answer;
  try {
    answer = await fetch(base + where, { method, body: content, headers: sent, credentials: "same-origin" });
  } catch {
    throw new Problem(0, { detail: "The server cannot be reached; check later whether the request was carried out" });
  }
  if (answer.status === 401) {
    location.assign(`/admin/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {}); // the page goes away
  }
  const text = await answer.text();
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const read = isJson && text ? JSON.parse(text) : { detail: text };
  if (!answer.ok) throw new Problem(answer.status, read);
  return read;
}
