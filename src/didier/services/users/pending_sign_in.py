"""Between password and one-time code: what a browser shows to go on with a sign-in to the panel.

It is sealed with the installation's key, so that any node goes on with what another has begun, and nothing
of it is stored. It holds for one browser, one user and the password that was right.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from didier.services.system.installation_key import KeyFile, NotOpened, seal, unseal
from didier.services.users.sessions import SessionSecret
from didier.storage.users.users import StoredPassword

LASTS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Pending:
    """A user whose password was right at *begun_at* (seconds since the epoch); *mark* is of the password."""

    user: str
    mark: str
    begun_at: float

    def is_of(self, visit: SessionSecret, stored: StoredPassword) -> bool:
        """Say whether *stored* is still the password that was right."""
        return self.mark == visit.mark_password(stored)


def sealed(user: str, stored: StoredPassword, visit: SessionSecret, file: KeyFile, now: datetime) -> str:
    """Return what the browser with the secret *visit* shows; raises `KeyProblem`."""
    text = json.dumps([user, visit.mark_password(stored), now.timestamp()])
    return seal(file.keys()[0], text, _about(visit))


def opened(shown: str, visit: SessionSecret, file: KeyFile, now: datetime) -> Pending | None:
    """Return what *shown* says, None when it is none of ours or its time is over; raises `KeyProblem`."""
    try:
        pending = Pending(*json.loads(unseal(file.keys(), shown, _about(visit))))
    except NotOpened:
        return None
    age = now.timestamp() - pending.begun_at
    # Of what is to come nobody knows how old it is: the clock was set back.
    return pending if 0 <= age <= LASTS.total_seconds() else None


def _about(visit: SessionSecret) -> str:
    return f"sign-in of visit {visit.digest}"
