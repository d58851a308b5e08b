"""Followers of a database that is restored: who knows of what is undone hears of it, however late."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from didier.cli.local import CALLER
from didier.domain import events
from didier.domain.webhooks import Endpoint
from didier.errors import ChangesGone
from didier.services.changes import feed, webhook_delivery, webhooks
from didier.services.changes.feed import Follower
from didier.services.changes.webhooks import AddWebhook
from didier.services.system.installation_key import KeyFile
from didier.storage.changes import change_log, reconcile, restores, sequence
from didier.storage.changes import webhooks as stored
from didier.storage.changes.change_log import Author, Change
from didier.storage.changes.reconcile import Pass
from didier.storage.system import backups
from services.test_feed import BEGIN, copy, export, follow, number_all, replay
from support.engines import opened

WHO = Author("admin", 1, "")


def record(conn, now, count):
    """Record so many changes, and number them; return the numbers."""
    first = feed.newest(conn)
    changes = [Change(WHO, "deleted", "delete", 900 + i, str(5_559_000 + i)) for i in range(count)]
    change_log.record(conn, changes, now)
    number_all(conn)
    return range(first + 1, feed.newest(conn) + 1)


def page(conn, after):
    return feed.page(conn, Follower(CALLER, events.wanted(()), after, 10, BEGIN))


@pytest.fixture
def marked(clean, now):
    """A connection to a database that was put back by other tools; its last number then, and the mark's."""
    with clean.begin() as conn:
        last = record(conn, now, 3)[-1]
        restores.mark(conn, now)
        number_all(conn)
        yield conn, last, feed.newest(conn)


def test_a_mark_passes_over_more_numbers_than_were_undone(marked, now):
    """What comes is numbered behind it."""
    conn, last, mark = marked

    assert last + sequence.GAP == mark
    assert [mark + 1, mark + 2] == [*record(conn, now, 2)]


def test_numbers_that_were_undone_are_gone(marked, now):
    """Others go on: from the last change of the backup, and from the mark."""
    conn, last, mark = marked
    record(conn, now, 2)
    newest = mark + 2

    for number in (last + 1, last + 2, mark - 1):
        assert ChangesGone(number, newest, is_known=False) == page(conn, number)
        assert "was undone" in str(page(conn, number))
    assert [mark + 1, mark + 2] == [event.number for event in page(conn, last).events]
    assert 3 == len(page(conn, last - 1).events)
    assert (newest, newest) == (page(conn, mark).after, page(conn, newest).after)


def test_the_mark_is_no_event(marked):
    """Who follows goes on beyond it."""
    conn, last, mark = marked

    assert ([], mark) == (page(conn, last).events, page(conn, last).after)


def test_a_mark_in_a_new_log_is_like_others(clean, now):
    """Of a backup without changes all is undone but that there were none."""
    with clean.begin() as conn:
        restores.mark(conn, now)
        number_all(conn)

        assert [] == page(conn, 0).events
        assert isinstance(page(conn, 1), ChangesGone)


def test_a_moment_before_the_mark_is_before_what_was_undone(marked, now):
    """Who begins again at a time begins with a number that the log knows."""
    conn, _, mark = marked
    later = now + timedelta(hours=1)
    record(conn, later, 1)

    assert mark == sequence.before(conn, later)
    assert sequence.is_known(conn, sequence.before(conn, now))


def test_what_is_remembered_of_undone_changes_is_of_another_database(marked):
    """The next pass of the reconciler learns what there is."""
    conn, last, _ = marked

    reconcile.end_pass(conn, Pass(last, 1))
    assert not reconcile.is_foreign(conn)
    reconcile.end_pass(conn, Pass(last + 1, 1))
    assert reconcile.is_foreign(conn)


def test_an_endpoint_that_knows_of_undone_changes_goes_on(marked, now, tmp_path):
    """Where its table was not put back with the log; nothing that was undone is sent again."""
    conn, last, mark = marked
    order = AddWebhook(
        CALLER,
        Endpoint("https://crm.example.com/"),
        KeyFile(tmp_path / "didier.key"),
        webhooks.generate_secret(),
    )
    [made] = webhooks.add(conn, [order], now)
    endpoint = stored.one(conn, made.webhook.webhook_id)

    def waiting(number):
        progress = replace(endpoint.progress, number=number)
        return webhook_delivery.waiting(conn, replace(endpoint, progress=progress))

    assert ([], mark) == (list(waiting(last).events), waiting(last).after)
    assert ([], mark) == (list(waiting(last + 2).events), waiting(last + 2).after)
    assert ([], mark) == (list(waiting(mark + 2).events), waiting(mark + 2).after)
    assert last == webhook_delivery.event_of(conn, endpoint, str(last)).number
    assert {None} == {
        webhook_delivery.event_of(conn, endpoint, str(number)) for number in (last + 2, mark, mark + 2)
    }


@contextmanager
def connected(url):
    with opened(url) as engine, engine.begin() as conn:
        yield conn


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.integers(0, 3), undone=st.integers(1, 4), again=st.integers(0, 6), times=st.integers(1, 2))
def test_no_follower_keeps_what_a_restore_has_undone(fresh_file, now, kept, undone, again, times):
    """However many changes came as were undone; behind an export each has the exact state."""
    numbers = (str(5_550_000 + 10 * i) for i in range(1000))
    with TemporaryDirectory() as name:
        place = Path(name)
        url, database, saved = fresh_file.url(place), place / "didier.db", place / "saved.db"
        followers = []

        def change(count):
            for _ in range(count):
                with connected(url) as conn:
                    copy(conn, now, [next(numbers)])
                with connected(url) as conn:
                    followers.append((feed.newest(conn), export(conn)))

        change(kept)
        backups.backup(database, saved, lambda *_: None)
        for _ in range(times):
            change(undone)
            backups.restore(saved, database, place / "kept.db", now, lambda *_: None)
        change(again)

        with connected(url) as conn:
            there = export(conn)
            for place, (number, known) in enumerate(followers):
                found = follow(conn, CALLER, number)
                if kept <= place < kept + times * undone:
                    assert ChangesGone(number, feed.newest(conn), is_known=False) == found
                else:
                    assert there == replay(known, found)
