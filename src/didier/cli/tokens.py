"""`didier token`: add, list, revoke."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, numbered, when
from didier.cli.terminal import agreed, say
from didier.client.errors import NotPermitted
from didier.domain.scopes import SCOPES

if TYPE_CHECKING:
    from didier.client import Didier
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
@with_connection_options
def add(
    connection: ConnectionOptions,
    user: Annotated[str, typer.Argument(help="The user whose token it is.", metavar="USER")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str], typer.Option(help=f"May be given several times. {_SCOPES}.")],
    prefix: Annotated[str | None, typer.Option(help="Only for DIDs that begin with this.")] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Address or network from which the token is accepted; may be given several times."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it expires.")] = None,
) -> None:
    """Create a token; it is shown only once. On a server this asks for the password.

    Example: didier token add crm --name CRM --scope dids:read --scope dids:write --days 365
    """
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) if days else None
    with connection.client(as_user=True) as client:
        made = client.add_token(
            name, scope, user=user, pattern_prefix=prefix, networks=network or (), expires_at=expires_at
        )
    say(f"Token {made.token_id} of {made.user} (shown only once):")
    say(made.secret)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions,
    user: Annotated[
        str | None,
        typer.Argument(help="Whose tokens. Default: yours on a server, else all.", metavar="USER"),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List tokens, without the secrets. On a server this asks for the password.

    Example: didier token list crm
    """
    whose = user or (None if connection.login() else EVERYBODY)
    with connection.client(as_user=True) as client:
        printing.listing(client.tokens(whose), _COLUMNS, as_json, as_csv, limit)


def _state(token: "Token") -> str:
    if token.revoked_at:
        return "revoked"
    if not _is_valid(token):
        return "expired"
    return f"until {when(token.expires_at)}" if token.expires_at else "valid"


def _is_valid(token: "Token") -> bool:
    is_over = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return token.revoked_at is None and not is_over


@dataclass(frozen=True, slots=True)
class Validity:
    """How many valid tokens *user* has; None when that is not known: no token lists tokens."""

    user: str
    count: int | None

    @classmethod
    def of(cls, client: "Didier", user: str) -> Self:
        """Ask for the tokens of *user*."""
        try:
            return cls(user, sum(map(_is_valid, client.tokens(user))))
        except NotPermitted:
            return cls(user, None)

    def ends(self, wanted: bool | None) -> bool:
        """Say whether the tokens are to be revoked: as it is *wanted*, or, on a terminal, as is answered."""
        if wanted is not None or self.count == 0 or not printing.can_ask():
            return bool(wanted)
        which = "all tokens" if self.count is None else numbered(self.count, "valid token")
        return agreed(f"Revoke {which} of {self.user} too?", default=None)

    def tell(self, *, revoked: bool) -> None:
        """Say what became of the tokens when the user got a new password."""
        whose = f"of {self.user}"
        if self.count is None:
            say(f"All tokens {whose} {'were revoked' if revoked else 'stay valid'}.")
        elif revoked:
            say(numbered(self.count, f"token {whose} was revoked.", f"tokens {whose} were revoked."))
        elif self.count:
            stay = numbered(self.count, f"token {whose} stays valid", f"tokens {whose} stay valid")
            say(f"{stay}; --revoke-tokens revokes them with the next password.")


@app.command()
@with_connection_options
def revoke(
    connection: ConnectionOptions,
    token_id: Annotated[int, typer.Argument(help="The token's number.", metavar="ID", min=1)],
) -> None:
    """Revoke a token: it is no longer accepted. On a server this asks for the password.

    Example: didier token revoke 3
    """
    with connection.client(as_user=True) as client:
        client.revoke_token(token_id)
    say(f"Token {token_id} was revoked.")
