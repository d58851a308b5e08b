"""How MariaDB is connected to: over TLS when it has it, verified when the address says so."""

import tempfile
from pathlib import Path

import pytest

from didier.errors import NoDatabase
from didier.storage.database import check_connection
from didier.storage.statements import run
from support.certificates import certificate
from support.engines import opened
from support.mariadb import running_mariadb


@pytest.fixture(scope="module")
def certificates():
    """A directory with the database's certificate, which is its own authority, and one of somebody else."""
    with tempfile.TemporaryDirectory(prefix="didier-certificates-") as path:
        directory = Path(path)
        for name in ("database", "other"):
            certificate(directory, name)
        for made in (directory, *directory.iterdir()):
            made.chmod(0o755)  # MariaDB runs as a user of its own
        yield directory


@pytest.fixture(scope="module")
def url(certificates):
    """The address of a database that has TLS."""
    files = (f"--ssl-cert={certificates}/database.pem", f"--ssl-key={certificates}/database.key")
    with running_mariadb(*files) as mariadb:
        yield mariadb.database()


def cipher(url):
    """Return how a connection is encrypted; nothing when it is not."""
    with opened(url) as engine, engine.connect() as conn:
        return run(conn, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1]


def test_a_database_without_tls(mariadb):
    """A database that has no TLS is connected to without."""
    assert "" == cipher(mariadb.database())


def test_a_database_with_tls(url):
    """One that has it is connected to over TLS, whoever has signed its certificate."""
    assert cipher(url)


def test_an_authority_in_the_address(url, certificates):
    """The certificate is verified when the address names an authority."""
    assert cipher(f"{url}?ssl_ca={certificates}/database.pem")


def test_another_authority_is_refused(url, certificates):
    """A certificate that the authority in the address has not signed is refused."""
    with (
        opened(f"{url}?ssl_ca={certificates}/other.pem") as engine,
        pytest.raises(NoDatabase, match="verify"),
    ):
        check_connection(engine)
