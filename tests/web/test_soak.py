"""All kinds of calls at once for some seconds; `make soak` does it for longer."""

from support.process import Process, until
from support.server import Didier
from support.soaking import KINDS, Client, Soak

SECONDS = 3
MEGABYTES = 150
"""What the process may take more for all of it: caches and pools that were empty."""

FILES = 60
"""Files of the database that its readers may have opened more, three each."""


def test_all_kinds_of_calls_at_once(tmp_path):
    """Every call is answered as it should be, no failure is logged, and no file stays open."""
    server = Didier(
        tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db",
        environment={"DIDIER_RATE_LIMIT": "0"},
    ).start()  # fmt: skip
    try:
        process = Process(server.process.pid)
        client = Client(server, 99, 99)
        for kind, _ in KINDS.values():
            kind(client)
        client.close()
        until(lambda: process.sockets < 12)
        sockets, files, megabytes = process.sockets, process.files, process.megabytes
        soak = Soak(server)
        soak.run(SECONDS)
        until(lambda: process.sockets <= sockets)
        log = server.logged()

        assert ([], []) == (soak.errors, soak.lost)
        assert set(KINDS) == set(soak.done)
        assert "Traceback" not in log
        assert '"level":"error"' not in log
        assert process.megabytes - megabytes < MEGABYTES
        assert process.files <= files + FILES
    finally:
        server.stop()
