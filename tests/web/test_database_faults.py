"""The database's file, its disk or its server fails while Didier runs: what is said, and what is left."""

import base64
import json
import resource
import shutil
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from didier.storage.tables import vicidial_tables
from support.disks import disk_image, small_disk
from support.load import Copying, new_targets
from support.mariadb import running_mariadb
from support.measurements import note
from support.process import until
from support.server import Didier, didier
from web.test_crash import EACH, check

SOURCE = "18001234567"
SIGN_IN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
FAILED = "ERROR: THE FILE OF THE DATABASE CANNOT BE USED, NOTHING IS ACKNOWLEDGED\n"
FULL = "ERROR: THE DISK OF THE DATABASE IS FULL, NOTHING WAS CHANGED, TRY AGAIN WHEN THERE IS ROOM\n"
READ_ONLY = "ERROR: THE DATABASE IS READ-ONLY, NOTHING WAS CHANGED, TRY AGAIN WHEN IT IS WRITABLE\n"
END_SECONDS = 60


def serve_on(directory, place) -> Didier:
    """Start a server whose database is in *place*, and its log in *directory*."""
    server = Didier(directory, "--demo", "--database", f"sqlite:///{place}/didier.db")
    server.database = place / "didier.db"
    return server.start()


@pytest.fixture
def served(tmp_path) -> Iterator[Didier]:
    """A server with its database in a directory of its own."""
    place = tmp_path / "place"
    place.mkdir()
    server = serve_on(tmp_path, place)
    yield server
    server.kill()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_file_that_is_moved_away(served, suffix):
    """Nothing is stored in a file that is not in its place: SQLite would; it is when the file is back."""
    load = Copying(served, new_targets(EACH))
    load.start(100)
    file = served.database.with_name(f"didier.db{suffix}")
    away = file.with_suffix(".away")
    file.rename(away)
    load.join()
    ready = served.get("/readyz")[0]
    away.rename(file)
    after = served.tutorial(target="71,72,73")

    assert [(503, FAILED)] * load.clients == load.others
    assert 503 == ready
    assert 3 == after.count("SUCCESS: ")
    served.kill()
    check(served.database, [*load.acknowledged, "71", "72", "73"])
    note(f"didier.db{suffix} moved away while copies are made, and back", 1, len(load.acknowledged), 0)


def test_another_file_in_its_place(served):
    """A file that was put in the place of the database while it was served is left alone until a restart."""
    served.tutorial(target="7771")
    copy = served.database.with_suffix(".copy")
    with closing(sqlite3.connect(served.database)) as conn, closing(sqlite3.connect(copy)) as other:
        conn.backup(other)
    copy.replace(served.database)
    refused = served.tutorial(target="7772")
    [told] = [json.loads(line) for line in served.logged().splitlines() if "database_unav" in line]
    served.kill()
    served.start()
    after = served.tutorial(target="7773")

    assert FAILED == refused
    assert "was deleted or replaced" in told["error"]
    assert "restart Didier" in told["repair"]
    assert after.startswith("SUCCESS: ")
    assert [SOURCE, "7771", "7773"] == served.patterns()


def test_the_directory_is_removed(served):
    """The server says so, makes no empty database in its place, and ends with status 0."""
    shutil.rmtree(served.database.parent)

    assert FAILED == served.tutorial(target="7771")
    assert 503 == served.get("/readyz")[0]
    assert 200 == served.get("/healthz")[0]
    assert 0 == served.stop()
    assert not served.database.parent.exists()


def test_start_on_a_read_only_disk(tmp_path):
    """A start that cannot write says so in words, without a traceback."""
    with small_disk(tmp_path / "disk", 16) as disk:
        serve_on(tmp_path, disk.path).stop()
        disk.read_only()
        ended = didier(
            tmp_path, "serve", "--demo", "--port", "1", "--database", f"sqlite:///{disk.path}/didier.db"
        )

    assert 2 == ended.returncode
    assert [ended.stderr] == ended.stderr.splitlines(keepends=True)
    assert ended.stderr.endswith("cannot be opened: the file and its directory must be writable\n")


def test_a_disk_that_fails(tmp_path):
    """What the kernel has made read-only is read on; what was acknowledged is there after a restart."""
    image = disk_image(tmp_path, 64)
    with ExitStack() as stack:
        stack.enter_context(image.mounted())
        server = serve_on(tmp_path, image.path)
        stack.callback(server.kill)
        load = Copying(server, new_targets(EACH))
        load.start(100)
        image.fail()
        load.join()
        listed = server.request("GET", "/api/v1/dids?limit=1", headers=SIGN_IN)[0]
    with image.mounted():
        server.start()
        after = server.tutorial(target="71,72,73")
        server.stop()

        assert {503} == {status for status, _ in load.others}
        assert {FAILED, READ_ONLY} >= {text for _, text in load.others}
        assert 200 == listed
        assert 3 == after.count("SUCCESS: ")
        check(server.database, [*load.acknowledged, "71", "72", "73"])
    note("disk fails and becomes read-only while copies are made, SQLite", 1, len(load.acknowledged), 0)


def test_no_descriptors_left(served):
    """Clients that take all descriptors keep others out, and nobody once they are gone."""
    served.tutorial(target="7771")
    resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (64, 64))
    with ExitStack() as stack:
        for _ in range(100):
            with suppress(OSError):
                sock = socket.create_connection(("127.0.0.1", served.port), END_SECONDS)
                stack.enter_context(sock).sendall(b"GET /healthz HTTP/1.1\r\nHost: didier\r\n\r\n")

    assert (200, "ok\n") == served.get("/healthz")
    assert served.tutorial(target="7772").startswith("SUCCESS: ")
    assert 0 == served.stop()
    assert [SOURCE, "7771", "7772"] == served.patterns()
    note("100 connections to a process that may have 64 descriptors", 1, 2, 0)


def vicidial(url: str) -> str:
    """Make VICIdial's tables, as InnoDB, in the database at *url*; return it."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("SET SESSION default_storage_engine=InnoDB")
        vicidial_tables().create_all(conn)
    engine.dispose()
    return url


def sql(url: str, statement: str) -> list[str]:
    """Run *statement* beside the server; return the first column of its rows."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        found = conn.exec_driver_sql(statement)
        return list(found.scalars()) if found.returns_rows else []


PATTERNS = "SELECT did_pattern FROM vicidial_inbound_dids"


@pytest.fixture
def mariadb_url(mariadb) -> str:
    """VICIdial's tables in the shared database server."""
    return vicidial(mariadb.database())


@pytest.fixture
def on_mariadb(tmp_path, mariadb_url) -> Iterator[Didier]:
    """A server on them."""
    server = Didier(tmp_path, "--demo", "--database", mariadb_url).start()
    yield server
    server.stop()


def test_a_database_server_that_hangs(on_mariadb, mariadb, mariadb_url):
    """Copies that come while MariaDB does not run wait for it, and are made."""
    on_mariadb.tutorial(target="7771")
    answers = []
    copies = [
        threading.Thread(target=lambda i=i: answers.append(on_mariadb.tutorial(target=f"888{i}")))
        for i in range(5)
    ]
    mariadb.process.send_signal(signal.SIGSTOP)
    try:
        for copy in copies:
            copy.start()
        until(lambda: "didier_waiting_orders" in on_mariadb.get("/metrics")[1])
    finally:
        mariadb.process.send_signal(signal.SIGCONT)
    for copy in copies:
        copy.join(END_SECONDS)

    assert [True] * 5 == [answer.startswith("SUCCESS: ") for answer in answers]
    assert sorted([SOURCE, "7771", *(f"888{i}" for i in range(5))]) == sorted(sql(mariadb_url, PATTERNS))
    note("MariaDB stopped (SIGSTOP) while copies are made, and continued", 1, len(answers), 0)


def test_a_table_that_is_gone(on_mariadb, mariadb_url):
    """Without its table a copy fails and nothing is changed; it is made when the table is back."""
    sql(mariadb_url, "RENAME TABLE vicidial_inbound_dids TO away")
    failed = on_mariadb.tutorial(target="7771")
    sql(mariadb_url, "RENAME TABLE away TO vicidial_inbound_dids")
    after = on_mariadb.tutorial(target="7772")

    assert "ERROR: THE REQUEST FAILED AND NOTHING WAS CHANGED, TRY AGAIN\n" == failed
    assert after.startswith("SUCCESS: ")
    assert [SOURCE, "7772"] == sql(mariadb_url, PATTERNS)


def test_mariadb_has_no_room(tmp_path):
    """Its full tablespace is named like a full disk; copies are made when there is room."""
    with running_mariadb("--innodb-file-per-table=0", tablespace(48)) as mariadb:
        url = vicidial(mariadb.database())
        server = Didier(tmp_path, "--demo", "--database", url).start()
        try:
            load = Copying(server, new_targets(10))
            load.start(100)
            fill(url)
            load.join()
            mariadb.stop()
            mariadb.more = ("--innodb-file-per-table=0", tablespace(96))
            mariadb.start()
            until(lambda: server.get("/readyz")[0] == 200)
            after = server.tutorial(target="7771")
        finally:
            server.stop()
        there = sql(url, PATTERNS)

    assert [(503, FULL)] * load.clients == load.others
    assert after.startswith("SUCCESS: ")
    assert sorted([SOURCE, *load.acknowledged, "7771"]) == sorted(there)
    note("no room for MariaDB's tables while copies are made", 1, len(load.acknowledged), 0)


def tablespace(megabytes: int) -> str:
    """Return the argument that lets all tables have so much together."""
    return f"--innodb-data-file-path=ibdata1:12M:autoextend:max:{megabytes}M"


def fill(url: str) -> None:
    """Leave a table no room to grow."""
    sql(url, "CREATE TABLE filler (piece LONGBLOB) ENGINE=InnoDB")
    with suppress(DBAPIError):
        while True:
            sql(url, "INSERT INTO filler VALUES (repeat('x', 1000000))")
