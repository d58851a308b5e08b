"""`didier demo reset`, and what the demonstration's own file has."""

from support.server import Didier, didier

COUNT = "SELECT count(*) FROM vicidial_inbound_dids"


def test_the_demonstrations_own_file_is_furnished_and_reset(tmp_path):
    """Without --database there are a hundred DIDs; a reset brings back what was changed, and keeps it."""
    server = Didier(tmp_path, "--demo").start()
    server.database = tmp_path / "didier-demo.db"
    copied = server.tutorial()
    many = server.sql(COUNT)
    in_use = didier(tmp_path, "demo", "reset", "--yes")
    server.stop()
    done = didier(tmp_path, "demo", "reset", "--yes")
    found = server.sql(COUNT)
    kept = [path.name for path in tmp_path.glob("didier-demo.db.before-restore-*")]

    assert "DID Copied Successfully" in copied
    assert ([(101,)], [(100,)]) == (many, found)
    assert (2, True) == (in_use.returncode, "is in use by a server" in in_use.stderr)
    assert (0, f"The previous database is in {kept[0]}.") == (done.returncode, done.stdout.splitlines()[1])


def test_another_home_is_not_reset(tmp_path):
    """A database that is no demonstration stays as it is."""
    url = f"sqlite:///{tmp_path}/didier.db"
    didier(tmp_path, "init", "--database", url)
    before = (tmp_path / "didier.db").read_bytes()
    done = didier(tmp_path, "demo", "reset", "--yes", "--database", url)

    assert 2 == done.returncode
    assert "was not made by 'didier serve --demo': nothing was changed" in done.stderr
    assert before == (tmp_path / "didier.db").read_bytes()
