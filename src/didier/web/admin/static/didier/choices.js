// Lists under fields that refer to something: in-groups, call menus, users, DIDs…

const WAIT = 150;

export function offer(field) {
  const list = document.createElement("datalist");
  list.id = `${field.id}-choices`;
  field.after(list);
  field.setAttribute("list", list.id);
  let asked = null;
  let timer = 0;
  const look = async () => {
    if (asked === field.value) return;
    asked = field.value;
    const query = new URLSearchParams({ of: field.dataset.choices, search: asked });
    const answer = await fetch(`/admin/choices?${query}`, { credentials: "same-origin", redirect: "error" }).catch(() => null);
    if (!answer?.ok || asked !== field.value) return;
    list.replaceChildren(...(await answer.json()).map(({ value, name }) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = name === value ? "" : name;
      return option;
    }));
  };
  field.addEventListener("focus", look);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT);
  });
}

export function offerAll(root = document) {
  for (const field of root.querySelectorAll("[data-choices]")) offer(field);
}
