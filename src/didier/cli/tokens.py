"""`didier token`: add, list, revoke."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from didier.cli.local import CALLER, AstguiclientOption, DatabaseOption, open_database
from didier.domain.scopes import SCOPES
from didier.errors import Refusal
from didier.services import tokens
from didier.storage.database import reading
from didier.storage.tokens import Token

app = typer.Typer(help="Tokens for the JSON API.", no_args_is_help=True)

_SCOPES = "; ".join(f"{scope.name}: {scope.help.lower()}" for scope in SCOPES)


@app.command()
def add(
    user: Annotated[str, typer.Argument(help="Whose token it is.", metavar="USER")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str], typer.Option(help=f"May be given several times. {_SCOPES}.")],
    prefix: Annotated[str | None, typer.Option(help="It reaches only DIDs that begin with this.")] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Address or network from which it is accepted; may be given several times."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it expires.")] = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Make a token; it is shown this once.

    Example: didier token add crm --name CRM --scope dids:read --scope dids:write --days 365
    """
    now = datetime.now().replace(microsecond=0)
    order = tokens.AddOrder(
        caller=CALLER,
        user=user,
        name=name,
        scopes=tuple(scope),
        secret=tokens.generate(),
        pattern_prefix=prefix,
        networks=tuple(network or ()),
        expires_at=now + timedelta(days=days) if days else None,
    )
    with open_database(database, astguiclient_conf).begin() as conn:
        made = tokens.add(conn, [order], now)[0]
    if isinstance(made, Refusal):
        raise made
    typer.echo(f"Token {made.token.token_id} of {made.token.user} (shown this once):")
    typer.echo(made.secret.text)


@app.command("list")
def list_(
    user: Annotated[
        str | None, typer.Argument(help="Whose tokens; all unless named.", metavar="USER")
    ] = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """List tokens, without what they say.

    Example: didier token list crm
    """
    now = datetime.now()
    with reading(open_database(database, astguiclient_conf)) as conn:
        found = tokens.listed(conn, [tokens.ListOrder(CALLER, user)], now)[0]
    if isinstance(found, Refusal):
        raise found
    table = Table("Id", "User", "Name", "Begins", "Scopes", "Prefix", "Networks", "State", "Last used")
    for token in found:
        table.add_row(
            str(token.token_id), token.user, token.name, token.hint, " ".join(token.scopes),
            token.pattern_prefix or "", " ".join(token.networks), _state(token, now),
            str(token.last_used_at or ""),
        )  # fmt: skip
    console = Console()
    # In a pipe nothing is cut or wrapped.
    console = console if console.is_terminal else Console(width=1_000)
    console.print(table)


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at is None:
        return "valid"
    return f"until {token.expires_at}" if token.expires_at > now else "expired"


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(help="The token's number.", metavar="ID")],
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Let a token be accepted no more.

    Example: didier token revoke 3
    """
    with open_database(database, astguiclient_conf).begin() as conn:
        revoked = tokens.revoke(conn, [tokens.RevokeOrder(CALLER, token_id)], datetime.now())[0]
    if isinstance(revoked, Refusal):
        raise revoked
    typer.echo(f"Token {token_id} of {revoked.user} was revoked.")
