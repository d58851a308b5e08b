"""Errors as one line and an exit status: the only place that knows the statuses."""

import sys
from enum import IntEnum

from didier.cli.terminal import say
from didier.client import errors as client_errors
from didier.client.errors import ProblemError
from didier.errors import DidierError, SetupError, Unavailable


class Status(IntEnum):
    """The exit statuses, each with its meaning."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "Status":
        """Make a status that says what it means."""
        status = int.__new__(cls, value)
        status._value_ = value
        status.meaning = meaning
        return status

    OK = 0, "It was done"
    REFUSED = 1, "It was refused and nothing was changed, or nothing was found"
    USAGE = 2, "The command was not understood, or a setting, the set-up or the database is wrong"
    PARTLY = 3, "It was done in part: some targets were not created, updated or deleted, or an undo kept some"
    UNAVAILABLE = 4, "The server or the database did not answer or is too busy: try again"
    INTERRUPTED = 130, "It was interrupted (Ctrl-C); the output says what state it is in"


def explained(error: Exception) -> tuple[str, Status] | None:
    """Return what is said of *error*, and the status it ends with; None for a fault of Didier's own."""
    if isinstance(error, client_errors.DidierError):
        return _said(error), _status(error)
    if isinstance(error, SetupError):
        return str(error), Status.USAGE
    if isinstance(error, Unavailable):
        return "\n".join(filter(None, (str(error), error.repair))), Status.UNAVAILABLE
    if isinstance(error, DidierError):
        return str(error), Status.REFUSED
    if isinstance(error, BrokenPipeError):
        return "", Status.OK
    return _of_database(error)


def _said(error: client_errors.DidierError) -> str:
    field = error.field if isinstance(error, ProblemError) else None
    text = str(error)
    return text if field is None or field in text else f"{field}: {text}"


_AGAIN = (client_errors.ConnectionFailed, client_errors.TimedOut, client_errors.Unavailable,
          client_errors.TooManyRequests, client_errors.ServerFailed)  # fmt: skip


def _status(error: client_errors.DidierError) -> Status:
    if isinstance(error, _AGAIN):
        return Status.UNAVAILABLE
    if isinstance(error, client_errors.UnexpectedAnswer):
        return Status.USAGE
    return _of_vicidial(error) or Status.REFUSED


def _of_vicidial(error: client_errors.DidierError) -> Status | None:
    module = sys.modules.get("didier.client.vicidial.errors")  # what was not imported has raised nothing
    if module and isinstance(error, module.CopyInterrupted):
        return Status.PARTLY
    return Status.USAGE if module and isinstance(error, module.NoSuchFunction) else None


def _of_database(error: Exception) -> tuple[str, Status] | None:
    failures = sys.modules.get("didier.storage.failures")  # what was not imported has raised nothing
    if failures and (trouble := failures.unavailable(error)):
        return explained(trouble)
    module = sys.modules.get("sqlalchemy.exc")
    if module and isinstance(error, module.DBAPIError):
        return f"the database cannot be used: {error.orig}", Status.USAGE
    return None


def fail(said: str, status: int) -> int:
    """Say on standard error what went wrong; return *status*."""
    say(*(f"didier: {line}" for line in said.split("\n") if line), err=True)
    return status
