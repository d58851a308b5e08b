"""Made-up calls to many numbers, by hour, with events among them that are known."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from didier.domain.usage.activity import Activity
from didier.domain.usage.weekly_hours import HOUR

ZONE = ZoneInfo("Europe/Berlin")
CARRIERS = ("carrier north", "carrier south", "carrier east", "carrier west")
ALL = "all"
OUTAGE_SIZE = 500
CLASSES = {"under 10": 10, "10 to 99": 100, "100 to 999": 1000, "1,000 and more": math.inf}
"""Names of rates by their calls a week, and what they are below."""

OPEN = {
    "office": (range(5), range(8, 18)),
    "shop": (range(6), range(9, 20)),
    "evenings": (range(7), range(17, 24)),
    "always": (range(7), range(24)),
}


@dataclass(frozen=True)
class Event:
    """What was planted into the calls of a *subject*: *factor* times as many from *start* to *end*."""

    subject: str
    name: str
    factor: float
    start: int
    end: int
    rate: str = ""

    @property
    def direction(self) -> str:
        return "more" if self.factor > 1 else "fewer"


@dataclass
class Number:
    """A number with its habits: calls a week, hours, how its days vary, and how it grows by the week."""

    name: str
    weekly: float
    profile: list[float]
    day_shape: float
    growth: float
    carrier: str
    counts: list[int] = field(default_factory=list)
    calls: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> str:
        return next(name for name, below in CLASSES.items() if self.weekly < below)


@dataclass
class History:
    """*numbers* with their counts for each hour from *start* on; those from *judged* on have *events*."""

    start: int
    judged: int
    end: int
    numbers: list[Number]
    events: list[Event]
    outage: Event
    holiday: Event


def history(seed: int, first: datetime, size: int, weeks: int, before: int = 9) -> History:
    """Return the calls to *size* numbers of *weeks* from the day *first* on, and of the weeks *before*."""
    chance = random.Random(seed)
    judged = int(first.replace(tzinfo=ZONE).timestamp())
    start = int((first - timedelta(weeks=before)).replace(tzinfo=ZONE).timestamp())
    end = int((first + timedelta(weeks=weeks)).replace(tzinfo=ZONE).timestamp())
    outage_size = min(OUTAGE_SIZE, size // 4)
    numbers = [_number(chance, place, place < outage_size) for place in range(size)]
    holiday = _event(ALL, "holiday", 0.05, first + timedelta(days=9), 24)
    outage = _event(CARRIERS[0], "outage of a carrier", 0.0, first + timedelta(days=3, hours=10), 3)
    events = _events(chance, numbers, first, weeks)
    _count(chance, numbers, start, end, [*events, outage, holiday])
    return History(start, judged, end, numbers, events, outage, holiday)


def activity(number: Number, since: int) -> Activity:
    return Activity(number.name, number.calls, since, (number.carrier, ALL))


def poisson(chance: random.Random, mean: float) -> int:
    """Return a count of calls that come by chance; exactly, in parts that are small enough to multiply."""
    count = 0
    while mean > 20:
        count += poisson(chance, 20.0)
        mean -= 20
    left, limit = chance.random(), math.exp(-mean)
    while left > limit:
        count += 1
        left *= chance.random()
    return count


def _number(chance: random.Random, place: int, fails: bool) -> Number:
    weekly = 0.25 * 20_000 ** chance.random()  # from a call a month to 5,000 a week
    days, hours = OPEN[chance.choice(list(OPEN))]
    profile = [0.0] * 168
    for day in days:
        for hour in hours:
            profile[day * 24 + hour] = 1.2 - math.cos((hour - hours.start + 0.5) / len(hours) * 2 * math.pi)
    total = sum(profile)
    carrier = CARRIERS[0] if fails else chance.choice(CARRIERS[1:])
    growth = chance.choice([1.0] * 7 + [1.1, 1.05, 0.95])
    return Number(
        f"1800{place:07}", weekly, [each / total for each in profile], chance.uniform(20, 80), growth, carrier
    )


def _event(subject: str, name: str, factor: float, wall: datetime, hours: int, rate: str = "") -> Event:
    start = int(wall.replace(tzinfo=ZONE).timestamp())
    return Event(subject, name, factor, start, start + hours * HOUR, rate)


def _events(chance: random.Random, numbers: Sequence[Number], first: datetime, weeks: int) -> list[Event]:
    """Plant one event at most into each number, into one of six; in hours in which it has calls."""
    kinds = [
        ("3 times as many", 3.0, (1, 6)), ("10 times as many", 10.0, (1, 6)),
        ("a fifth", 0.2, (3, 24)), ("none for hours", 0.0, (3, 24)), ("none any more", 0.0, None),
    ]  # fmt: skip
    events = []
    for place, number in enumerate(chance.sample(list(numbers), len(numbers) // 6)):
        name, factor, length = kinds[place % len(kinds)]
        hour = chance.choices(range(168), number.profile)[0]
        # Neither on the day of the outage nor on the holiday, and early enough to be seen.
        day = chance.choice(
            [each for each in range(7 * weeks - 3) if each not in (3, 9) and each % 7 == hour // 24]
        )
        wall = first + timedelta(days=day, hours=hour % 24)
        hours = chance.randint(*length) if length else 24 * 7 * weeks
        events.append(_event(number.name, name, factor, wall, hours, number.rate))
    return events


def _count(
    chance: random.Random, numbers: Sequence[Number], start: int, end: int, events: Sequence[Event]
) -> None:
    walls = [datetime.fromtimestamp(hour, ZONE) for hour in range(start, end, HOUR)]
    slots = [wall.weekday() * 24 + wall.hour for wall in walls]
    days = [(wall.date() - walls[0].date()).days for wall in walls]
    shared = {
        carrier: [chance.gammavariate(100, 1 / 100) for _ in range(days[-1] + 1)] for carrier in CARRIERS
    }
    by_subject: dict[str, list[Event]] = {}
    for event in events:
        by_subject.setdefault(event.subject, []).append(event)
    for number in numbers:
        shape = number.day_shape
        factors = [
            together * chance.gammavariate(shape, 1 / shape) * number.weekly * number.growth ** (day / 7)
            for day, together in enumerate(shared[number.carrier])
        ]
        rates = [number.profile[slot] * factors[day] for slot, day in zip(slots, days, strict=True)]
        for subject in (number.name, number.carrier, ALL):
            for event in by_subject.get(subject, ()):
                for place in range(
                    (event.start - start) // HOUR, min((event.end - start) // HOUR, len(rates))
                ):
                    rates[place] *= event.factor
        number.counts = [poisson(chance, rate) if rate else 0 for rate in rates]
