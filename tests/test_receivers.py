"""The receivers of webhooks that the guide shows: they verify what is sent, and take nothing else."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from support.mariadb import free_port
from support.missing import cannot_run
from support.process import until
from support.server import Didier
from test_tutorials import BLOCK, ROOT
from web.api.conftest import SOURCE, Api

GUIDE = "docs/guide/automation.md"
COMMANDS = {
    "crm.py": lambda port: [sys.executable, "crm.py"],
    "crm.php": lambda port: ["php", "-S", f"127.0.0.1:{port}", "crm.php"],
}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The API of a server that may send to this machine."""
    directory = tmp_path_factory.mktemp("receivers")
    arguments = ("--demo", "--database", f"sqlite:///{directory}/didier.db")
    server = Didier(directory, *arguments, environment={"DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8"}).start()
    yield Api(server)
    server.stop()


@contextmanager
def running(name, secret, port, directory):
    """Run the receiver *name* of the guide; its output goes to numbers.txt."""
    texts = {title: text for _, title, text in BLOCK.findall(ROOT.joinpath(GUIDE).read_text())}
    directory.joinpath(name).write_text(texts[name])
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with directory.joinpath("numbers.txt").open("w") as shown, directory.joinpath("log").open("w") as log:
        command = COMMANDS[name](port)
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=shown, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_receiver_of_the_guide_hears_of_a_copy(api, name, tmp_path):
    """Twenty lines are enough; what is signed otherwise is not taken."""
    if shutil.which(COMMANDS[name](0)[0]) is None:
        cannot_run("php-cli")
    port, number = free_port(), {"crm.py": "5557001", "crm.php": "5557002"}[name]
    hook = api.post(
        "/webhooks", {"url": f"http://127.0.0.1:{port}/", "types": ["did.*"], "prefixes": [number]}
    ).body
    with running(name, hook["secret"], port, tmp_path):
        until(lambda: status(port) == 401)
        api.post("/copies", {"source": SOURCE, "targets": [number]})
        until(lambda: number in (tmp_path / "numbers.txt").read_text())
        until(lambda: attempts(api, hook))  # are stored when the answer is there
        event = attempts(api, hook)[0]["event"]
        again = api.post(f"/webhooks/{hook['id']}/events/{event}/resend").body

    assert "taken" == again["outcome"]
    assert f"did.created {number}\n" == (tmp_path / "numbers.txt").read_text()


def attempts(api, hook):
    return api.get(f"/webhooks/{hook['id']}/attempts").body["items"]


def status(port):
    """Return the status that a message with a wrong signature is answered with; None without an answer."""
    headers = {"webhook-id": "1", "webhook-timestamp": "1795955174", "webhook-signature": "v1,AAAA"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}", headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
