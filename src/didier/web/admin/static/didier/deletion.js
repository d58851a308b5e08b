// The dialog that asks before something is deleted.

const dialog = document.getElementById("deletion");
const wrong = document.getElementById("deletion-problem");
const force = document.getElementById("deletion-force");

// "remove" does it, by force if that was ticked; that is offered where a refusal says that it is in use.
export function offerDeletion(remove) {
  document.getElementById("delete")?.addEventListener("click", () => {
    wrong.hidden = true;
    if (force) force.hidden = true;
    dialog.showModal();
  });
  document.getElementById("deletion-no")?.addEventListener("click", () => dialog.close());
  document.getElementById("deletion-yes")?.addEventListener("click", async () => {
    try {
      await remove(Boolean(force && !force.hidden && force.querySelector("input").checked));
    } catch (problem) {
      wrong.textContent = problem.message;
      wrong.hidden = false;
      if (force) force.hidden = problem.type !== "destination-in-use";
    }
  });
}
