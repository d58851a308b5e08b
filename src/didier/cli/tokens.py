"""`didier token`: add, list, revoke."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.places import At, somewhere
from didier.cli.printing import AsCsv, AsJson, Column, Limit, when
from didier.domain.scopes import SCOPES

if TYPE_CHECKING:
    from didier.client.models import Token

app = typer.Typer(help="Tokens for the JSON API.", no_args_is_help=True)

_SCOPES = "; ".join(f"{scope.name}: {scope.help.lower()}" for scope in SCOPES)

EVERYBODY = "*"

_COLUMNS: Sequence[Column["Token"]] = (
    Column("Id", lambda token: token.token_id, short=True),
    Column("User", lambda token: token.user, short=True),
    Column("Name", lambda token: token.name),
    Column("Begins", lambda token: token.hint, short=True),
    Column("Scopes", lambda token: " ".join(token.scopes)),
    Column("Prefix", lambda token: token.pattern_prefix),
    Column("Networks", lambda token: " ".join(token.networks)),
    Column("State", lambda token: _state(token)),
    Column("Last used", lambda token: when(token.last_used_at)),
)


@app.command()
@somewhere
def add(
    at: At,
    user: Annotated[str, typer.Argument(help="Whose token it is.", metavar="USER")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str], typer.Option(help=f"May be given several times. {_SCOPES}.")],
    prefix: Annotated[str | None, typer.Option(help="It reaches only DIDs that begin with this.")] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Address or network from which it is accepted; may be given several times."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it expires.")] = None,
) -> None:
    """Make a token; it is shown this once. On a server this asks for the password.

    Example: didier token add crm --name CRM --scope dids:read --scope dids:write --days 365
    """
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) if days else None
    with at.client(as_user=True) as client:
        made = client.add_token(
            name, scope, user=user, pattern_prefix=prefix, networks=network or (), expires_at=expires_at
        )
    typer.echo(f"Token {made.token_id} of {made.user} (shown this once):")
    typer.echo(made.secret)


@app.command("list")
@somewhere
def list_(
    at: At,
    user: Annotated[
        str | None,
        typer.Argument(help="Whose tokens; unless named, on a server yours, else all.", metavar="USER"),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List tokens, without what they say. On a server this asks for the password.

    Example: didier token list crm
    """
    whose = user or (None if at.login() else EVERYBODY)
    with at.client(as_user=True) as client:
        printing.listing(client.tokens(whose), _COLUMNS, as_json, as_csv, limit)


def _state(token: "Token") -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at is None:
        return "valid"
    return f"until {when(token.expires_at)}" if token.expires_at > datetime.now(UTC) else "expired"


@app.command()
@somewhere
def revoke(
    at: At, token_id: Annotated[int, typer.Argument(help="The token's number.", metavar="ID", min=1)]
) -> None:
    """Let a token be accepted no more. On a server this asks for the password.

    Example: didier token revoke 3
    """
    with at.client(as_user=True) as client:
        client.revoke_token(token_id)
    typer.echo(f"Token {token_id} was revoked.")
