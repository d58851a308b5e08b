"""The buckets that limit rates, without a server."""

from didier.web.api.limits import BUCKETS_MOST, Buckets


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_bucket_empties_and_fills():
    """At its rate; it never holds more than a minute's requests."""
    clock = Clock()
    buckets = Buckets(60, clock)
    taken = [buckets.take("a").taken for _ in range(61)]
    clock.now = 1.0
    again = [buckets.take("a").taken for _ in range(2)]
    clock.now = 1_000.0

    assert [True] * 60 + [False] == taken
    assert [True, False] == again
    assert 59 == buckets.take("a").remaining


def test_the_wait_is_told():
    """In whole seconds, until one more is taken."""
    clock = Clock()
    buckets = Buckets(2, clock)
    first, second, third = (buckets.take("a") for _ in range(3))

    assert (True, 1) == (first.taken, first.remaining)
    assert (True, 0, 30) == (second.taken, second.remaining, second.wait)
    assert (False, 30) == (third.taken, third.wait)


def test_callers_have_their_own():
    """An empty one is nobody else's."""
    buckets = Buckets(1, Clock())

    assert [True, False, True] == [buckets.take(name).taken for name in ("a", "a", "b")]


def test_the_memory_has_an_end():
    """Who was silent longest is forgotten."""
    buckets = Buckets(1, Clock())
    for n in range(BUCKETS_MOST + 1):
        buckets.take(str(n))

    assert [True, False] == [buckets.take("0").taken, buckets.take(str(BUCKETS_MOST)).taken]
