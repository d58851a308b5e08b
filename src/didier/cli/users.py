"""`didier user`: add, set, list."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from didier.cli import printing, vicidial
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.login import Login
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes
from didier.cli.terminal import ask, say
from didier.cli.tokens import Validity
from didier.client.values import yes_no
from didier.domain import accounts
from didier.domain.losses import losses
from didier.domain.names import fold
from didier.errors import InvalidField

if TYPE_CHECKING:
    from didier.client.models import User

app = typer.Typer(help="Users and their API rights.", no_args_is_help=True)

GROUP = "ADMIN"
"""The user group of a user for whom none is named."""

Name = Annotated[str, typer.Argument(help="The user's name.", metavar="USER")]
Level = Annotated[int | None, typer.Option(help="User Level, 1 to 9; the API needs 8.")]
Access = Annotated[bool | None, typer.Option("--api-access/--no-api-access", help="API Access 1 or 0.")]
Functions = Annotated[
    str | None, typer.Option(help="Allowed API Functions: names separated by commas, or ALL.")
]
ModifyDids = Annotated[
    bool | None,
    typer.Option(
        "--modify-dids/--no-modify-dids",
        help="Modify DIDs; switched on when a DID function is allowed.",
    ),
]
DeleteDids = Annotated[bool | None, typer.Option("--delete-dids/--no-delete-dids", help="Delete DIDs.")]
Reports = Annotated[bool | None, typer.Option("--view-reports/--no-view-reports", help="View Reports.")]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether the user may sign in.")]
Group = Annotated[str | None, typer.Option(help="User group.")]
FullName = Annotated[str | None, typer.Option(help="Full name.")]
NoSecondFactor = Annotated[
    bool,
    typer.Option("--no-second-factor", help="Reset the second factor: the password alone is then enough."),
]
Ask = Annotated[
    bool, typer.Option("--password", help="Ask for a password (in a pipe, read it from standard input).")
]

RevokeTokens = Annotated[
    bool | None,
    typer.Option(
        "--revoke-tokens/--keep-tokens",
        help="With --password: whether to revoke the user's tokens too. A terminal asks;"
        " elsewhere the default is to keep them.",
    ),
]

_COLUMNS: Sequence[Column["User"]] = (
    Column("User", lambda user: user.user, short=True),
    Column("Level", lambda user: user.user_level),
    Column("Group", lambda user: user.user_group),
    Column("Active", lambda user: user.active),
    Column("API Access", lambda user: int(user.vdc_agent_api_access)),
    Column("Modify DIDs", lambda user: int(user.modify_inbound_dids)),
    Column("Delete DIDs", lambda user: int(user.delete_inbound_dids)),
    Column("View Reports", lambda user: int(user.view_reports)),
    Column("Allowed API Functions", lambda user: " ".join(user.api_allowed_functions)),
)


@app.command()
@with_connection_options
def add(
    connection: ConnectionOptions,
    name: Name,
    password: Ask = False,
    level: Level = None,
    api_access: Access = None,
    functions: Functions = None,
    modify_dids: ModifyDids = None,
    delete_dids: DeleteDids = None,
    view_reports: Reports = None,
    active: Active = None,
    group: Group = None,
    full_name: FullName = None,
) -> None:
    """Create a user. Without --password, a random password is generated and shown once.

    Example: didier user add crm --api-access --functions copy_did
    """
    settings = _settings(
        level,
        api_access,
        functions,
        modify_dids,
        delete_dids,
        view_reports,
        active,
        group or GROUP,
        full_name,
    )
    if allowed := accounts.name(name):
        raise InvalidField("user", name, allowed)
    if connection.on_vicidial(
        api_access=api_access, functions=functions, modify_dids=modify_dids, delete_dids=delete_dids,
        view_reports=view_reports, inactive=active is False,
    ):  # fmt: skip
        given = ask_password() if password else secrets.token_urlsafe(15)
        vicidial.add_user(connection, name, given, settings)
        say(_made(name, None if password else given))
        return
    with connection.client() as client:
        given = ask_password() if password else secrets.token_urlsafe(15)
        made = client.add_user(name, given, **settings)
    say(_made(name, None if password else given))
    _tell(settings, made, before=False)


def _made(name: str, password: str | None) -> str:
    return f"User {name} was created." + (f" Password {password} (shown only once)" if password else "")


@app.command("set")
@with_connection_options
def set_(
    connection: ConnectionOptions,
    name: Name,
    password: Ask = False,
    level: Level = None,
    api_access: Access = None,
    functions: Functions = None,
    modify_dids: ModifyDids = None,
    delete_dids: DeleteDids = None,
    view_reports: Reports = None,
    active: Active = None,
    group: Group = None,
    full_name: FullName = None,
    revoke_tokens: RevokeTokens = None,
    yes: Yes = False,
    no_second_factor: NoSecondFactor = False,
) -> None:
    """Update a user; all other settings stay as they are. A new password ends a lock-out.

    On a server, the command asks first if you would take rights away from yourself.

    Example: didier user set crm --functions copy_did,add_did --level 8
    """
    settings = _settings(
        level, api_access, functions, modify_dids, delete_dids, view_reports, active, group, full_name
    )
    if not settings and not password and not no_second_factor:
        raise typer.BadParameter("give at least one setting to change")
    if revoke_tokens is not None and not password:
        raise typer.BadParameter("--revoke-tokens and --keep-tokens go with --password")
    if connection.on_vicidial(
        api_access=api_access, functions=functions, modify_dids=modify_dids, delete_dids=delete_dids,
        view_reports=view_reports, revoke_tokens=revoke_tokens, no_second_factor=no_second_factor,
    ):  # fmt: skip
        vicidial.update_user(connection, name, ask_password() if password else None, settings)
        say(f"User {name} was updated.")
        return
    _change(connection, name, settings, password, revoke_tokens, no_second_factor, yes)


def _change(
    connection: ConnectionOptions,
    name: str,
    settings: dict[str, Any],
    password: bool,
    revoke_tokens: bool | None,
    no_second_factor: bool,
    yes: bool,
) -> None:
    signed = connection.login()
    with connection.client() as client:
        before = client.user(name)
        _ask_oneself(signed, before, settings, yes)
        if password:
            settings["password"] = ask_password()
        tokens = Validity.of(client, name) if password else None
        revoked = tokens.ends(revoke_tokens) if tokens else False
        changed = client.update_user(name, revoke_tokens=revoked, **settings) if settings else before
        if no_second_factor:
            client.reset_second_factor(name)
    say(f"User {name} was updated.")
    _tell(settings, changed, before=before.modify_inbound_dids)
    if tokens:
        tokens.tell(revoked=revoked)
    if revoked and signed and signed.token and _is_of(signed, changed):
        say("This includes the token of this login: 'didier login' creates a new one.")


def _ask_oneself(signed: Login | None, before: "User", settings: dict[str, Any], yes: bool) -> None:
    """Ask who takes something away from themselves; the local database has no user who could lose it."""
    if signed is None or not _is_of(signed, before):
        return
    given = {name: yes_no(value) if name == "active" else value for name, value in settings.items()}
    if lost := losses(printing.fields(before), given):
        question = f"You will lose: {'; '.join(lost)}. You may be signed out at once. Change your own user?"
        printing.confirm(question, yes)


def _is_of(signed: Login, user: "User") -> bool:
    """Say whether a login is that of *user*, or of one who has no other name; not all tokens say whose."""
    return signed.user is not None and fold(signed.user) == fold(user.user)


def _settings(
    level: int | None,
    api_access: bool | None,
    functions: str | None,
    modify_dids: bool | None,
    delete_dids: bool | None,
    view_reports: bool | None,
    active: bool | None,
    group: str | None,
    full_name: str | None,
) -> dict[str, Any]:
    """Return the settings that are given, by VICIdial's columns."""
    if level is not None and not 1 <= level <= 9:
        raise InvalidField("level", str(level), "1 to 9")
    given = {
        "user_level": level, "vdc_agent_api_access": api_access, "modify_inbound_dids": modify_dids,
        "delete_inbound_dids": delete_dids, "view_reports": view_reports, "active": active,
        "user_group": group, "full_name": full_name,
        "api_allowed_functions": None if functions is None else functions.replace(",", " ").split(),
    }  # fmt: skip
    return {column: value for column, value in given.items() if value is not None}


def ask_password() -> str:
    """Ask for a new password; in a pipe, read a line. Raises `InvalidField` when it is empty."""
    stdin = typer.get_text_stream("stdin")
    given = ask("Password", hide=True, twice=True) if stdin.isatty() else stdin.readline().rstrip("\n")
    if not given:
        raise InvalidField("password", "", "at least one character")
    return given


def _tell(settings: dict[str, Any], user: "User", *, before: bool) -> None:
    asked = "modify_inbound_dids" in settings or "api_allowed_functions" not in settings
    if user.modify_inbound_dids and not (before or asked):
        say("Modify DIDs was switched on, because a DID function is allowed.")


@app.command()
@with_connection_options
def show(connection: ConnectionOptions, name: Name, as_json: AsJson = False) -> None:
    """Show a user and their API rights.

    Example: didier user show crm
    """
    if connection.on_vicidial():
        with connection.vicidial_client() as client:
            shown = printing.fields(client.user_details(name))
    else:
        with connection.client() as didier:
            shown = printing.fields(didier.user(name))
    if as_json:
        printing.print_json(shown)
        return
    for line in printing.pairs((column, printing.as_text(value)) for column, value in shown.items()):
        say(line)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions, limit: Limit = None, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List users and their API rights.

    Example: didier user list
    """
    with connection.client() as client:
        printing.listing(client.users(), _COLUMNS, as_json, as_csv, limit)
