// Choosing DIDs or numbers of a list: a page at once, a run with Shift, or all that the filter finds.

const form = document.getElementById("choosing");

if (form) {
  const boxes = [...form.querySelectorAll(".tick [type=checkbox]")];
  const page = document.getElementById("choose-page");
  const all = document.getElementById("choose-all");
  const told = document.getElementById("chosen-count");
  let last = null;

  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    page.checked = count === boxes.length;
    page.indeterminate = count > 0 && !page.checked;
    if (all && !page.checked) all.checked = false;
    told.textContent = all?.checked ? "Chosen:" : `${count} chosen${all && page.checked ? ", or" : ""}`;
    for (const button of form.querySelectorAll("[data-one]")) button.hidden = count !== 1 || Boolean(all?.checked);
  };

  page.addEventListener("change", () => {
    for (const box of boxes) box.checked = page.checked;
    show();
  });
  all?.addEventListener("change", () => {
    for (const box of boxes) box.checked = true;
    show();
  });
  for (const [index, box] of boxes.entries()) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last !== null) {
        const [from, to] = [Math.min(last, index), Math.max(last, index)];
        for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
      }
      last = index;
      show();
    });
  }
  // What is chosen by filters goes without the numbers of the page.
  form.addEventListener("formdata", (event) => {
    if (all?.checked) event.formData.delete("did");
  });
  window.addEventListener("pageshow", show); // a browser that goes back remembers what was ticked
  show();
}
