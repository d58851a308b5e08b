"""Moments in requests and answers: with a zone outside, local time in the database."""

from datetime import datetime


def local(moment: datetime | None) -> datetime | None:
    """Return a moment as the database has it: local time in whole seconds, as it is that without a zone."""
    if moment is None:
        return None
    try:
        here = moment.astimezone() if moment.tzinfo else moment
    except (OverflowError, ValueError, OSError):  # at the ends of what a date can be
        here = moment
    return here.replace(tzinfo=None, microsecond=0)


def zoned(moment: datetime | None) -> str | None:
    """Return a moment of the database with its distance to UTC."""
    return moment.astimezone().isoformat() if moment else None
