"""Connection options: a command works on a server, a genuine VICIdial, or the local database."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from didier.cli import login
from didier.cli.login import Login, one_time_code
from didier.environment import SERVER
from didier.errors import SetupError, WrongSetting

if TYPE_CHECKING:
    from didier.client import Didier
    from didier.client.vicidial import VicidialClient

DATABASE_VARIABLE = "DIDIER_DATABASE"

ServerOption = Annotated[
    str | None,
    typer.Option("--server", help=f"Address of a server. Variable: {SERVER}.", metavar="URL"),
]
VicidialOption = Annotated[
    bool, typer.Option("--vicidial", help="The server is a genuine VICIdial, without Didier.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", help="Database: sqlite:///FILE or mysql+pymysql://… Setting: database.", metavar="URL"
    ),
]
AstguiclientOption = Annotated[
    str | None,
    typer.Option(
        "--astguiclient-conf",
        help="VICIdial's configuration file, which names the database. Setting: astguiclient_conf.",
        metavar="FILE",
    ),
]

TIMEOUT_SECONDS = 60.0


class NotInVicidial(SetupError):
    """VICIdial's API has nothing for the command."""

    def __str__(self) -> str:
        return f"VICIdial's API has no function for 'didier {self.args[0]}'"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """What the options say about where *command*, as ``user list``, works."""

    command: str = ""
    server: str | None = None
    vicidial: bool = False
    database: str | None = None
    astguiclient_conf: str | None = None

    def login(self) -> Login | None:
        """Return the server that counts and how to sign in there; None for the local database.

        A flag counts most, then the environment, then what `didier login` has stored.
        """
        is_local = self.database is not None or self.astguiclient_conf is not None
        if is_local and (self.server is not None or self.vicidial):
            raise WrongSetting("--server: a command works on a server or on a database; give only one")
        if is_local:
            return None
        named = self.server or os.environ.get(SERVER)
        if named is None and DATABASE_VARIABLE in os.environ and not self.vicidial:
            return None
        found = login.find(named, vicidial=self.vicidial)
        if found is None and self.vicidial:
            raise WrongSetting(f"--vicidial: give the server with --server or {SERVER}")
        return found

    @contextmanager
    def client(self, *, as_user: bool = False, batches: bool = False) -> "Iterator[Didier]":
        """Open a client of Didier.

        *as_user*: signed in with a password, which is asked for if need be: for what no token opens.
        *batches*: on the local database, large batches that wait are worked on.
        """
        from didier.client import Didier

        signed = self.login()
        if signed is None:
            with server_packages():
                from didier.cli.local.home import opened
            with opened(self.database, self.astguiclient_conf, batches=batches) as client:
                yield client
            return
        if signed.vicidial:
            raise NotInVicidial(self.command)
        if as_user:
            with signed_in(signed.with_password()) as client:
                yield client
            return
        signed = signed.checked()
        user, password = (None, None) if signed.token else (signed.user, signed.password)
        with Didier(signed.server, user, password, token=signed.token, timeout=TIMEOUT_SECONDS) as client:
            yield client

    def on_vicidial(self, **options: object) -> bool:
        """Say whether the command works on a genuine VICIdial.

        Raises `WrongSetting` there when one of *options*, which VICIdial's API does not have, was given.
        """
        signed = self.login()
        if signed is None or not signed.vicidial:
            return False
        if given := [name for name, value in options.items() if value not in (None, False, (), [])]:
            raise WrongSetting(f"--{given[0].replace('_', '-')}: VICIdial's API has no such option")
        return True

    @contextmanager
    def vicidial_client(self) -> "Iterator[VicidialClient]":
        """Open a client of a genuine VICIdial."""
        from didier.client.vicidial import VicidialClient

        signed = self.login()
        if signed is None:
            raise WrongSetting("--vicidial: give the server with --server")
        signed = signed.with_password()
        with VicidialClient(signed.server, signed.user or "", signed.password or "") as client:
            yield client

    @contextmanager
    def either(self) -> "Iterator[Didier | VicidialClient]":
        """Open a client of Didier or of a genuine VICIdial, for what both can."""
        with self.vicidial_client() if self.on_vicidial() else self.client() as client:
            yield client


@contextmanager
def signed_in(login: Login) -> "Iterator[Didier]":
    """Open a client with a password, and with the one-time code that its first call takes if need be."""
    from didier.client import Didier
    from didier.client.errors import NoSuchAddress, SecondFactorRequired

    code = None
    with Didier(login.server, login.user, login.password, timeout=TIMEOUT_SECONDS) as client:
        try:
            client.me()
        except SecondFactorRequired:
            code = one_time_code(login.server)
        except NoSuchAddress:  # a server of an earlier release knows no second factors
            code = None
        if code is None:
            yield client
            return
    with Didier(
        login.server, login.user, login.password, one_time_code=code, timeout=TIMEOUT_SECONDS
    ) as client:
        yield client


_CONTEXT = "context"
_OPTIONS = (
    ("server", ServerOption, None),
    ("vicidial", VicidialOption, False),
    ("database", DatabaseOption, None),
    ("astguiclient_conf", AstguiclientOption, None),
)


def with_connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give *command*, whose first parameter is `ConnectionOptions`, the shared options."""

    @wraps(command)
    def placed(**values: Any) -> None:
        name = values.pop(_CONTEXT).command_path.partition(" ")[2]
        connection = ConnectionOptions(name, *(values.pop(option) for option, _, _ in _OPTIONS))
        command(connection, **values)

    _, *own = inspect.signature(command).parameters.values()
    named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, kind, default in _OPTIONS
    ]
    context = inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *named, *shared]
    placed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    placed.__annotations__ = {one.name: one.annotation for one in parameters}
    return placed


@contextmanager
def server_packages() -> Iterator[None]:
    """Say in one line what to install when what is imported in here is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "didier":
            raise
        raise NoServerPackages(error.name or "?") from error


class NoServerPackages(SetupError):
    """Work on a database needs packages that are not installed."""

    def __str__(self) -> str:
        return (
            f"this command works on a database and needs the server's packages ({self.args[0]} is missing):"
            " pip install 'didier[server]'"
        )
