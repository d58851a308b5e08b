"""The admin panel as its users work with it."""

import re
from pathlib import Path
from typing import Any

from support.missing import cannot_run

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


class Panel:
    """A page of the panel in a browser that is signed in."""

    def __init__(
        self, page: Any, url: str, user: str = "admin", password: str = "1234", *, drawn: bool = True
    ) -> None:
        """Sign in with the form; not *drawn*, as a browser without pages does it, which shows none yet."""
        self.page = page
        self.url = url
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        sign_in = self._fill_form if drawn else self._send_form
        sign_in(user, password)

    def _fill_form(self, user: str, password: str) -> None:
        self.page.goto(f"{self.url}/admin/login")
        self.page.fill("#user", user)
        self.page.fill("#password", password)
        self.page.press("#password", "Enter")
        self.page.wait_for_selector("#content")
        self.page.wait_for_load_state()  # its scripts run

    def _send_form(self, user: str, password: str) -> None:
        address = f"{self.url}/admin/login"
        context = self.page.context.request  # has the page's cookies
        token = re.search(r'name="csrf_token" value="(\w+)"', context.get(address).text())
        assert token
        form = {"csrf_token": token[1], "user": user, "password": password}
        assert 303 == context.post(address, form=form, max_redirects=0).status

    def open(self, path: str) -> Any:
        """Open a page; return its answer."""
        answer = self.page.goto(f"{self.url}/admin{path}")
        self.page.wait_for_load_state("networkidle", timeout=120_000)
        return answer

    def text(self, selector: str = "main") -> str:
        """Return what a part of the page says, with single spaces."""
        return " ".join(self.page.inner_text(selector).split())

    def wait_for(self, text: str) -> None:
        """Wait until the page says *text*, and its scripts run: it may have been loaded anew for that."""
        self.page.get_by_text(text, exact=False).first.wait_for()
        self.page.wait_for_load_state()

    def follow(self, selector: str) -> None:
        """Click on what leads to another page, and wait until its scripts run."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.click(selector)

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
