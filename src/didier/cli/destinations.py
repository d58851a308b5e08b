"""`didier groups`, `menus`, `phones` and `servers`: what DIDs lead to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes
from didier.cli.terminal import say
from didier.cli.values import Blank, Set
from didier.domain.destinations import CALL_MENU, IN_GROUP, OPTION_ROUTES, PHONE, SERVER, Kind

if TYPE_CHECKING:
    from didier.client import Destination, Destinations, Didier

Search = Annotated[str | None, typer.Argument(help="Part of what it is named by, or of its name.")]
Name = Annotated[str | None, typer.Option(help="What people call it.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        help="What happens when callers press something, in place of all that the menu has; may be given"
        f" several times. Routes: {', '.join(OPTION_ROUTES)}. As 1=INGROUP:SALES, 2=EXTENSION:8300@default,"
        " TIMEOUT=HANGUP.",
        metavar="KEY=ROUTE[:VALUE[@CONTEXT]]",
    ),
]
NoOptions = Annotated[bool, typer.Option("--no-options", help="Remove all options of the menu.")]
Force = Annotated[bool, typer.Option(help="Delete it even if DIDs or call menus lead there.")]


@dataclass(frozen=True, slots=True)
class _Commands:
    """The commands of a kind: the group's name, what they work with in a client, and their examples."""

    kind: Kind
    group: str
    of: "Callable[[Didier], Destinations]"
    example: str
    new: str
    change: str

    @property
    def key(self) -> str:
        """How the arguments are named that name a thing."""
        return " ".join(self.kind.key).upper()

    def checked(self, key: Sequence[str]) -> Sequence[str]:
        """Return the arguments that name a thing; refuse too few or too many."""
        if len(key) != len(self.kind.key):
            raise typer.BadParameter(f"give {self.key}", param_hint=self.key)
        return key


_ALL = (
    _Commands(IN_GROUP, "groups", lambda client: client.in_groups, "SALES", '--name "Sales line"',
              "--set active=N"),
    _Commands(CALL_MENU, "menus", lambda client: client.call_menus, "MAIN",
              '--name "Main menu" --option 1=INGROUP:SALES --option TIMEOUT=HANGUP',
              "--set menu_timeout=5"),
    _Commands(PHONE, "phones", lambda client: client.phones, "gs102 192.0.2.10",
              "--set dialplan_number=8602", '--name "Front desk"'),
    _Commands(SERVER, "servers", lambda client: client.servers, "one",
              "--set server_ip=192.0.2.10 --set ext_context=trunkinbound",
              "--set asterisk_version=18.26.4"),
)  # fmt: skip


def _app(of: _Commands) -> typer.Typer:
    app = typer.Typer(help=f"{of.kind.title} that DIDs lead to.", no_args_is_help=True)
    _add_reading(app, of)
    _add_writing(app, of)
    return app


def _key(of: _Commands) -> object:
    named = " and ".join(f"{of.kind.field(column).label}" for column in of.kind.key)
    return Annotated[list[str], typer.Argument(help=f"{named}.", metavar=of.key)]


def _add_reading(app: typer.Typer, of: _Commands) -> None:
    kind, key_type = of.kind, _key(of)

    def list_(
        connection: ConnectionOptions,
        search: Search = None,
        limit: Limit = None,
        as_json: AsJson = False,
        as_csv: AsCsv = False,
    ) -> None:
        with connection.client() as client:
            found = of.of(client).list(search, page_size=printing.page(as_json or as_csv))
            printing.listing(map(_fields, found), _columns(kind), as_json, as_csv, limit)

    def show(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        as_json: AsJson = False,
    ) -> None:
        with connection.client() as client:
            found = of.of(client).get(*of.checked(key))
        _show(kind, found, as_json)

    _register(app, "list", list_, f"List {kind.name}s.", f"didier {of.group} list --csv")
    _register(app, "show", show, f"Show a {kind.name}.", f"didier {of.group} show {of.example}")


def _add_writing(app: typer.Typer, of: _Commands) -> None:
    kind, key_type = of.kind, _key(of)

    def add(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        name: Name = None,
        assigned: Set = None,
    ) -> None:
        _add(connection, of, key, _values(kind, name, assigned), None)

    def add_menu(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        name: Name = None,
        assigned: Set = None,
        option: Options = None,
    ) -> None:
        _add(connection, of, key, _values(kind, name, assigned), option)

    def update(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        name: Name = None,
        assigned: Set = None,
        blank: Blank = None,
    ) -> None:
        _update(connection, of, key, _values(kind, name, assigned, blank), None)

    def update_menu(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        name: Name = None,
        assigned: Set = None,
        blank: Blank = None,
        option: Options = None,
        no_options: NoOptions = False,
    ) -> None:
        options = [] if no_options else option
        _update(connection, of, key, _values(kind, name, assigned, blank), options)

    def delete(
        connection: ConnectionOptions,
        key: key_type,  # type: ignore[valid-type]  # each kind has its own
        force: Force = False,
        yes: Yes = False,
    ) -> None:
        named = " on ".join(of.checked(key))
        printing.confirm(f"Delete the {kind.name} {named}?", yes)
        with connection.client() as client:
            of.of(client).delete(*key, force=force)
        say(f"The {kind.name} {named} was deleted.")

    begin, menu = f"didier {of.group}", kind.has_options
    ours = "Only where Didier is at home alone: a VICIdial's own pages change what is in its database."
    _register(app, "add", add_menu if menu else add, f"Create a {kind.name}. {ours}",
              f"{begin} add {of.example} {of.new}")  # fmt: skip
    _register(app, "update", update_menu if menu else update, f"Update a {kind.name}. {ours}",
              f"{begin} update {of.example} {of.change}")  # fmt: skip
    _register(app, "delete", delete, f"Delete a {kind.name}; by force also one that DIDs lead to.",
              f"{begin} delete {of.example} --yes")  # fmt: skip


def _register(app: typer.Typer, name: str, command: Callable[..., None], does: str, example: str) -> None:
    command.__doc__ = f"{does}\n\nExample: {example}"
    app.command(name)(with_connection_options(command))


def _add(
    connection: ConnectionOptions,
    of: _Commands,
    key: Sequence[str],
    values: Mapping[str, str | None],
    given: Sequence[str] | None,
) -> None:
    named = dict(zip(of.kind.key, of.checked(key), strict=True))
    options = None if given is None else list(map(_option, given))
    with connection.client() as client:
        of.of(client).add(options=options, **{**values, **named})
    say(f"The {of.kind.name} {' on '.join(key)} was created.")


def _update(
    connection: ConnectionOptions,
    of: _Commands,
    key: Sequence[str],
    values: Mapping[str, str | None],
    given: Sequence[str] | None,
) -> None:
    options = None if given is None else list(map(_option, given))
    if not values and options is None:
        raise typer.BadParameter("give at least one field to change")
    with connection.client() as client:
        of.of(client).update(*of.checked(key), options=options, **values)
    changed = [*values, *([] if options is None else ["options"])]
    say(f"The {of.kind.name} {' on '.join(key)} was updated: {', '.join(changed)}.")


def _values(
    kind: Kind, name: str | None, assigned: Sequence[str] | None, blank: Sequence[str] | None = None
) -> dict[str, str | None]:
    """Return columns and values as they were typed; None empties."""
    found: dict[str, str | None] = {} if name is None else {kind.called: name}
    for one in assigned or ():
        column, sign, value = one.partition("=")
        if not sign or column not in kind.columns:
            raise typer.BadParameter(
                f"{one!r} is not FIELD=VALUE with one of {', '.join(kind.columns)}", param_hint="--set"
            )
        found[column] = value
    return {**found, **dict.fromkeys(blank or ())}


def _option(text: str) -> dict[str, str]:
    """Read ``KEY=ROUTE[:VALUE[@CONTEXT]]``."""
    pressed, sign, rest = text.partition("=")
    route, _, where = rest.partition(":")
    value, _, context = where.partition("@")
    if not sign or not route:
        raise typer.BadParameter(f"{text!r} is not KEY=ROUTE[:VALUE[@CONTEXT]]", param_hint="--option")
    return {
        "option_value": pressed, "option_route": route, "option_route_value": value,
        "option_route_value_context": context,
    }  # fmt: skip


def _typed(option: Mapping[str, str | None]) -> str:
    """Return an option of a call menu as it is typed."""
    value, context = option["option_route_value"], option["option_route_value_context"]
    where = f":{value}" if value else ""
    return f"{option['option_value']}={option['option_route']}{where}{f'@{context}' if context else ''}"


_Fields = Mapping[str, object]


def _fields(thing: "Destination") -> _Fields:
    options = {"options": list(map(dict, thing.options))} if "menu_id" in thing else {}
    return {**thing, **options}


def _columns(kind: Kind) -> Sequence[Column[_Fields]]:
    shown = [column for column in kind.columns if kind.reference != SERVER.reference or column in _OF_SERVER]
    return [Column(kind.field(name).label, _cell(name), short=name in kind.key) for name in shown]


_OF_SERVER = frozenset({
    "server_id", "server_ip", "server_description", "active", "ext_context", "user_group",
})  # fmt: skip
"""The columns of servers that a table has: all would be too wide."""


def _cell(name: str) -> Callable[[_Fields], object]:
    return lambda thing: thing[name]


def _show(kind: Kind, found: "Destination", as_json: bool) -> None:
    if as_json:
        printing.print_json(_fields(found))
        return
    rows: list[tuple[str, object]] = [(column, found[column]) for column in kind.columns if column in found]
    rows += [("option", _typed(option)) for option in found.options]
    for line in printing.pairs(rows):
        say(line)


APPS = {of.group: _app(of) for of in _ALL}
"""The groups of commands by name."""
