"""`didier login` and `didier logout`: which server the commands work on, and how they sign in there."""

import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from didier.cli import login as logins
from didier.cli.connection_options import signed_in
from didier.cli.failures import Status, explained, fail
from didier.cli.login import Login
from didier.cli.terminal import ask, say
from didier.client import Didier
from didier.client import errors as client_errors
from didier.domain.scopes import SCOPES
from didier.environment import CODE, PASSWORD, TOKEN, USER
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from didier.client.models import NewToken

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
DAYS = 90

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        help="What the token may do: "
        + ", ".join(scope.name for scope in SCOPES)
        + ". The default is all. May be given several times."
    ),
]


def login(
    server: Annotated[str, typer.Argument(help="Address of the server, such as https://didier.example.com.")],
    user: Annotated[
        str | None, typer.Option(help=f"The user; with --token, the token's user. Variable: {USER}.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Days until the token expires.")] = DAYS,
    scope: Scopes = None,
    token: Annotated[
        bool, typer.Option("--token", help="Ask for an existing token instead of creating one.")
    ] = False,
    vicidial: Annotated[
        bool, typer.Option("--vicidial", help="The server is a genuine VICIdial, which has no tokens.")
    ] = False,
    store_password: Annotated[
        bool, typer.Option("--store-password", help="Store the password; a genuine VICIdial needs it.")
    ] = False,
) -> None:
    """Sign in to a server, on which the following commands then work.

    The command asks for the password (in a pipe, it reads standard input), creates a token with it and does
    not store it. Users with a second factor are then asked for a one-time code.

    Example: didier login https://didier.example.com --user admin
    """
    server = server.rstrip("/")
    logins.check_address(server)
    if server.startswith("http://") and urlsplit(server).hostname not in LOOPBACK:
        say("didier: with http://, passwords and tokens can be read in transit", err=True)
    if vicidial and not store_password:
        raise WrongSetting(
            "--vicidial: VICIdial has no tokens: --store-password keeps the password in a private file;"
            f" or set {PASSWORD} for each command"
        )
    if token:
        made = Login(server, user or os.environ.get(USER), token=_secret("Token", TOKEN))
        _check_token(made)
    else:
        name = user or os.environ.get(USER) or _ask_user()
        made = Login(server, name, _secret(f"Password of {name}", PASSWORD), vicidial=vicidial)
        made = made if store_password else _with_token(made, days, scope)
    path = logins.write(made)
    say(f"From now on, commands work on {server} ({path}). 'didier logout' ends that.")


def _ask_user() -> str:
    if not sys.stdin.isatty():
        raise WrongSetting(f"--user: give a user, or set {USER}")
    return ask("User")


def _secret(what: str, variable: str, *, hide: bool = True) -> str:
    stdin = typer.get_text_stream("stdin")
    given: str = os.environ.get(variable, "")
    if not given and stdin.isatty():
        given = ask(what, hide=hide)
    given = given or stdin.readline().rstrip("\n")
    if not given:
        raise WrongSetting(f"{variable}: nothing was given")
    return given


def _check_token(made: Login) -> None:
    """Raise what the server says to the token; a token may lack what the question needs."""
    with Didier(made.server, token=made.token, retries=0) as client:
        try:
            next(client.dids(page_size=1), None)
        except client_errors.NotPermitted:
            return


def _with_token(made: Login, days: int, scopes: list[str] | None) -> Login:
    from didier.client.errors import SecondFactorRequired

    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    wanted = scopes or [scope.name for scope in SCOPES]
    try:
        new = _new_token(made, wanted, expires_at, None)
    except SecondFactorRequired:
        new = _new_token(made, wanted, expires_at, _secret(logins.CODE_PROMPT, CODE, hide=False))
    return Login(made.server, made.user, token=new.secret, token_id=new.token_id)


def _new_token(made: Login, scopes: list[str], expires_at: datetime, code: str | None) -> "NewToken":
    name = f"didier login on {socket.gethostname()}"[:50]
    with Didier(made.server, made.user, made.password, one_time_code=code, retries=0) as client:
        return client.add_token(name, scopes, expires_at=expires_at)


def logout(
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Revoke the token too; this asks for the password.")
    ] = False,
) -> None:
    """Forget the server and how to sign in there. With --revoke the token is revoked first.

    If that fails, the login is kept, so that you can try again.

    Example: didier logout --revoke
    """
    stored = logins.read() if revoke else logins.stored()
    if stored is not None and revoke:
        _revoke(stored)
    logins.forget()
    if stored is None:
        say("Nothing was stored.")
        return
    say(f"The login for {stored.server} was removed.")
    if stored.token_id is not None and not revoke:
        say(f"Token {stored.token_id} is still valid: 'didier token revoke {stored.token_id}' ends it.")


def _revoke(stored: Login) -> None:
    """Revoke the token of a login; where that fails, say how to go on, and end."""
    if stored.token is None:
        say("No token was stored.")
        return
    try:
        if stored.token_id is None:
            raise WrongSetting(
                "--revoke: the token was not created by 'didier login', so its number is not known here;"
                " 'didier token list' shows it, 'didier token revoke' ends it"
            )
        _revoke_at(stored.with_password(), stored.token_id)
    except (WrongSetting, client_errors.DidierError) as error:
        said, status = explained(error) or (str(error), Status.REFUSED)
        fail(f"{said}\n{_KEPT}", status)
        raise typer.Exit(status) from None


_KEPT = (
    "the token may still be valid, so the login is kept: try again, or use 'didier logout' to forget it"
    " without revoking it"
)


def _revoke_at(signed: Login, token_id: int) -> None:
    with signed_in(signed) as client:
        try:
            client.revoke_token(token_id)
        except client_errors.TokenNotFound:
            say(f"Token {token_id} of {signed.user} no longer exists.")
            return
    say(f"Token {token_id} was revoked.")
