"""How to sign in at a server: from the environment, and from the private file that `didier login` writes."""

import json
import os
import stat
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from didier.cli.terminal import ask, say
from didier.environment import CODE, PASSWORD, TOKEN, USER
from didier.errors import WrongSetting

CODE_PROMPT = "One-time code"


@dataclass(frozen=True, slots=True)
class Login:
    """A server, and how to sign in there: a token, or a user and a password."""

    server: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    token_id: int | None = None
    vicidial: bool = False

    def checked(self) -> "Login":
        """Return this if it says how to sign in; ask for what is missing."""
        return self if self.token else self.with_password()

    def with_password(self) -> "Login":
        """Return this with user and password and without token; ask for what is missing.

        Where a token is there, it is said why that does not do. Raises `WrongSetting` where nobody can be
        asked.
        """
        user = self.user or os.environ.get(USER)
        password = self.password or os.environ.get(PASSWORD)
        if user and password:
            return replace(self, user=user, password=password, token=None)
        if not sys.stdin.isatty():
            raise WrongSetting(self._missing(user, password))
        if self.token:
            say(f"This asks for the password: {self._why_no_token()}.", err=True)
        user = user or ask("User")
        password = password or ask(f"Password of {user}", hide=True)
        return replace(self, user=user, password=password, token=None)

    def _why_no_token(self) -> str:
        return "VICIdial has no tokens" if self.vicidial else "no token creates, lists or revokes tokens"

    def _missing(self, user: str | None, password: str | None) -> str:
        """Say which variables are missing; with a token, another 'didier login' would not help."""
        unset = " and ".join(name for name, value in ((USER, user), (PASSWORD, password)) if not value)
        what = f"set the password of {user}" if user else "give a user"
        hint = self._why_no_token() if self.token else "" if password else "or use 'didier login'"
        return "; ".join(filter(None, (f"{unset}: {what} at {self.server}", hint)))


def one_time_code(server: str) -> str:
    """Return the code of the second factor that *server* wants; ask for it unless the environment has it."""
    if code := os.environ.get(CODE):
        return code
    if not sys.stdin.isatty():
        raise WrongSetting(f"{CODE}: give the one-time code that {server} asks for, or use 'didier login'")
    return ask(CODE_PROMPT)


def find(server: str | None, *, vicidial: bool = False) -> Login | None:
    """Return how to sign in at *server*, or at the one that is stored; None when there is none.

    What the environment says counts more than what is stored. What is stored for one server is never
    sent to another.
    """
    known = read()
    server = server.rstrip("/") if server else server
    if server is None and known is None:
        return None
    if server is None or (known and known.server == server):
        found = known or Login("")
    else:
        found = Login(server, vicidial=vicidial)
    user, password, token = (os.environ.get(name) for name in (USER, PASSWORD, TOKEN))
    if token:
        found = replace(found, token=token, user=user, password=password)
    elif password:
        found = replace(found, token=None, user=user or found.user, password=password)
    check_address(found.server)
    return replace(found, vicidial=vicidial or found.vicidial)


def check_address(server: str) -> None:
    """Raise `WrongSetting` unless *server* is the address of a server, without a user name in it."""
    parts = urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        shown = server.rpartition("@")[2]  # what stands before it may be a password
        raise WrongSetting(f"server: {shown!r} is not an address such as https://didier.example.com")


def file() -> Path:
    """Return the file that holds what `didier login` stores."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "didier" / "login.json"


def read() -> Login | None:
    """Return what is stored; raise `WrongSetting` when others may read it, or it cannot be read."""
    path = file()
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            text = opened.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WrongSetting(f"{path}: cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise WrongSetting(f"{path}: others may read it: chmod 600 {path}, or 'didier logout'")
    try:
        return Login(**json.loads(text))
    except (ValueError, TypeError):
        raise WrongSetting(f"{path}: cannot be understood; 'didier login' creates it again") from None


def stored() -> Login | None:
    """Return what is stored, None when there is nothing that can be used."""
    with suppress(WrongSetting):
        return read()
    return None


def write(login: Login) -> Path:
    """Store *login* in a file that its owner alone may read; return it."""
    path = file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            json.dump({name: value for name, value in asdict(login).items() if value}, opened)
        new.replace(path)
    except OSError as error:
        raise WrongSetting(f"{path}: cannot be written: {error.strerror}") from None
    return path


def forget() -> None:
    """Remove what is stored."""
    with suppress(FileNotFoundError):
        file().unlink()
