import shutil

import pytest
from playwright.sync_api import sync_playwright

from support.missing import library, program
from support.server import Didier

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHELL = "chromium-headless-shell"


def executable() -> str:
    """Return the path of Debian's Chromium; the one that has no windows computes half as much."""
    return shutil.which(SHELL) or shutil.which("chromium") or program(SHELL, SHELL)


@pytest.fixture(scope="package")
def chromium():
    """Debian's Chromium."""
    path = executable()
    library("atomic", "libatomic1")  # Playwright's driver is linked to it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Make a new page that knows nothing of others, with the options given; collect what it complains of."""
    contexts = []

    def make(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(params=["sqlite", "mariadb"])
def home(request, tmp_path):
    """A server of its own with the tutorial's user and DID, in each home that Didier has."""
    if request.param == "sqlite":
        yield request.getfixturevalue("own_server")
        return
    url = request.getfixturevalue("fresh_database").url()
    server = Didier(tmp_path, "--demo", "--database", url).start()
    yield server
    server.stop()
