"""An app on a telephone that shows one-time codes."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp

from support.server import Didier

CODE = "Didier-One-Time-Code"


@dataclass(frozen=True)
class App:
    """Shows the codes of *secret*; *recovery* are the codes on paper."""

    server: Didier
    secret: str
    recovery: Sequence[str] = ()

    def shown(self, steps: int = 0) -> str:
        """Return the code that is shown now, or some *steps* of 30 seconds later."""
        return pyotp.TOTP(self.secret).at(time.time() + steps * 30)

    @property
    def step(self) -> int:
        """The number of the 30 seconds that it is in."""
        return int(time.time()) // 30

    def fresh(self) -> str:
        """Return the code that is shown now, as if half a minute had passed since the last one was used."""
        self.server.sql("UPDATE didier_second_factors SET last_step = 0")
        return self.shown()


def set_up(server: Didier, *, keeps_password: bool = False) -> App:
    """Set up a second factor of the administrator, who signs in with the password."""
    login = {
        "Authorization": f"Basic {base64.b64encode(b'admin:1234').decode()}",
        "Content-Type": "application/json",
    }
    path = "/api/v1/me/second-factor"
    begun = server.exchange("POST", path, '{"password": "1234"}', login)
    app = App(server, json.loads(begun.text)["secret"])
    body = json.dumps({"keeps_password": keeps_password})
    before = None
    while before != app.step:  # a code that grew too old on its way is sent anew
        before = app.step
        done = server.exchange("PUT", path, body, {**login, CODE: app.shown(-1)})
        if done.status == 200:
            break
    assert 200 == done.status, done.text
    return App(server, app.secret, json.loads(done.text)["recovery_codes"])
