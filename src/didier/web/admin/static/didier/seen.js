// Parts of previews: cells, tags, totals, and what a value is and would be.

const KINDS = { added: "good", updated: "good", deleted: "calm", exists: "note", duplicate: "calm", invalid: "bad", nowhere: "bad", missing: "bad", refused: "bad" };

export function count(number) {
  return number.toLocaleString("en");
}

export function element(name, className, ...content) {
  const box = document.createElement(name);
  if (className) box.className = className;
  box.append(...content);
  return box;
}

export function cell(label, content, className = "") {
  const box = element("td", className, content);
  box.dataset.label = label;
  return box;
}

export function tag(word) {
  return element("span", `tag tag-${KINDS[word] || "calm"}`, word);
}

export function total(word, number) {
  return element("span", "total", element("strong", "number", count(number)), tag(word));
}

export function difference(label, now, wouldBe) {
  const was = element("del", "", now === null || now === "" ? "–" : String(now));
  const is = element("ins", "", wouldBe === null || wouldBe === "" ? "–" : String(wouldBe));
  return element("li", "", element("span", "text-secondary", `${label}: `), was, " → ", is);
}
