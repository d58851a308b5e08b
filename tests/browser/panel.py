"""The admin panel as its users work with it."""

from pathlib import Path
from typing import Any

from support.missing import cannot_run

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


class Panel:
    """A page of the panel in a browser that is signed in."""

    def __init__(self, page: Any, url: str, user: str = "admin", password: str = "1234") -> None:
        self.page = page
        self.url = url
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{url}/admin/login")
        page.fill("#user", user)
        page.fill("#password", password)
        page.press("#password", "Enter")
        page.wait_for_selector("#content")
        page.wait_for_load_state()  # its scripts run

    def open(self, path: str) -> Any:
        """Open a page; return its answer."""
        answer = self.page.goto(f"{self.url}/admin{path}")
        self.page.wait_for_load_state("networkidle")
        return answer

    def text(self, selector: str = "main") -> str:
        """Return what a part of the page says, with single spaces."""
        return " ".join(self.page.inner_text(selector).split())

    def wait_for(self, text: str) -> None:
        """Wait until the page says *text*."""
        self.page.get_by_text(text, exact=False).first.wait_for()

    def preview(self, targets: str) -> None:
        """Write *targets* into the form that copies, and look at the preview."""
        self.page.fill("#targets", targets)
        self.page.click("#preview")
        self.page.wait_for_selector("#seen:not([hidden])")

    def make(self) -> None:
        """Order what the preview shows, and wait until the batch has come to its end."""
        self.page.click("#make")
        self.page.wait_for_url("**/admin/batches/*")
        self.page.wait_for_selector("#batch[data-under-way=no]", state="attached", timeout=120_000)

    def undo(self) -> None:
        """Undo the batch that is shown, and wait until that is done."""
        self.page.click("#undo")
        self.page.click("#undo-yes")
        self.page.wait_for_selector("#state:has-text('undone')", timeout=120_000)
        self.page.wait_for_load_state()

    def barriers(self) -> list[str]:
        """Return what axe-core finds on the page that keeps people from using it."""
        return barriers_on(self.page)


def barriers_on(page: Any) -> list[str]:
    """Return what axe-core finds on *page* that keeps people from using it."""
    if not AXE.exists():
        cannot_run("the npm package axe-core (make test installs it)")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']}: {node['html'][:150]}: {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
