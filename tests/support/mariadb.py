"""A private MariaDB server on its own directory and port."""

import itertools
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from support.missing import program
from support.places import quick_place

START_SECONDS = 60


class MariaDB:
    """A running server; `database` makes an empty database and returns its URL."""

    def __init__(self, directory: Path, port: int, more: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.port = port
        self.more = more
        self.process: subprocess.Popen[bytes] | None = None
        self._made = 0

    @property
    def _arguments(self) -> list[str]:
        server = program("mariadbd", "mariadb-server")
        return [
            server, "--no-defaults", f"--user={_user()}", f"--datadir={self.directory}/data",
            f"--tmpdir={self.directory}/tmp",
            f"--socket={self.directory}/socket", f"--port={self.port}", "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M",
            "--innodb-strict-mode=0",  # VICIdial's widest table has rows that InnoDB warns of
            "--max-connections=200", f"--log-error={self.directory}/log", *self.more,
        ]  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.process = subprocess.Popen(self._arguments)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError(f"mariadbd: {self._log()}") from None
                time.sleep(0.05)

    def _log(self) -> str:
        return (self.directory / "log").read_text()[-2000:]

    def kill(self) -> None:
        """End the server as a power failure would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def url(self, name: str) -> str:
        """Return the URL of the database *name*."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}"

    def rows(self, url: str, table: str) -> Path:
        """Return the file with the rows of a MyISAM *table* in the database at *url*."""
        return self.directory / "data" / url.rpartition("/")[2] / f"{table}.MYD"

    def database(self) -> str:
        """Make an empty database with VICIdial's character set; return its URL."""
        self._made += 1
        name = f"didier{self._made}"
        engine = sa.create_engine(self.url("mysql"))
        with engine.begin() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci")
        engine.dispose()
        return self.url(name)


def _user() -> str:
    return "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on.

    It is none of those that the system gives to clients, nor one that another process of the same tests gets.
    """
    while True:
        port = next(_ports)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _some_ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 4 * 5_000
    begin = random.randrange(5_000)
    return (first + (begin + place) % 5_000 for place in itertools.count())


_ports = _some_ports()


@contextmanager
def running_mariadb(*more: str, on_disk: bool = False, place: Path | None = None) -> Iterator[MariaDB]:
    """Run a new server, with *more* arguments, in a directory of its own, which is removed afterwards.

    What is measured has to be *on_disk*; *place* is where the directory is to be.
    """
    install = program("mariadb-install-db", "mariadb-server")
    where = place or (None if on_disk else quick_place())
    directory = Path(tempfile.mkdtemp(prefix="didier-mariadb-", dir=where))
    try:
        (directory / "tmp").mkdir()
        for made in (directory, directory / "tmp") if os.geteuid() == 0 else ():
            shutil.chown(made, _user())
        subprocess.run(
            [
                install, "--no-defaults", f"--user={_user()}", f"--datadir={directory}/data",
                f"--tmpdir={directory}/tmp", "--auth-root-authentication-method=normal", "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        server = MariaDB(directory, free_port(), more)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
