"""The login that a request carries, whatever its protocol."""

from collections.abc import Callable
from dataclasses import dataclass, field

from didier.services.users.authentication import Caller
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.sessions import SessionSecret


@dataclass(slots=True)
class PasswordLogin:
    """A user name and a password, with a one-time code if one was sent.

    *clean* makes of a password what VICIdial reads; *level* is the lowest user level that may sign in.
    """

    user: str
    password: str = field(repr=False)
    clean: Callable[[str], str] = field(repr=False)
    level: int = 0
    code: str | None = field(default=None, repr=False)
    used_code: CodeProof | None = field(default=None, repr=False)
    """The code as it was accepted before for the same request, which signs in twice; it is used up once."""

    @property
    def name(self) -> str:
        """What stands for the user in logs until it is known who it is."""
        return self.user


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """A token, by its digest."""

    digest: str

    @property
    def name(self) -> str:
        """What stands for the user in logs until it is known whose the token is."""
        return ""


@dataclass(frozen=True, slots=True)
class SessionLogin:
    """A session of the admin panel."""

    secret: SessionSecret

    @property
    def name(self) -> str:
        """What stands for the user in logs until it is known whose the session is."""
        return ""


@dataclass(frozen=True, slots=True)
class LocalLogin:
    """A caller in this process: who runs a command on the database may do with it what they want."""

    caller: Caller

    @property
    def name(self) -> str:
        """The name in logs."""
        return self.caller.name


Login = PasswordLogin | TokenLogin | SessionLogin | LocalLogin
