"""The tables: VICIdial's under their own names, and Didier's own, called ``didier_*``.

VICIdial's tables stand in ``vicidial.schema`` beside this file. They are made in an embedded database only,
see `embedded`; in an existing VICIdial database they are used as they are. Didier's own tables are made by
the migrations in both.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from didier.storage.dialects import MARIADB, SQLITE
from didier.storage.redirects import REDIRECTS

_COLUMN = re.compile(
    r"(?P<name>\w+) +(?P<type>[a-z]+)(\((?P<size>[^)]*)\))?(?P<unsigned> unsigned)?"
    r"(?P<required> required)?(?P<auto> auto)?( =(?P<default>.*))?"
)
_INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint"}

_EMPTY_UNSAID = frozenset({"template_id"})
"""Required columns without a default, which VICIdial's lenient server makes empty where nothing is said."""

# Comparisons ignore case, as VICIdial's collation makes them.
_COLLATION = {"collation": "NOCASE"}

Timestamp = sa.DateTime().with_variant(
    sqlite.DATETIME(truncate_microseconds=True),  # type: ignore[no-untyped-call]  # SQLAlchemy has none
    SQLITE,
)


class _MariaDBEnum(sa.types.UserDefinedType[str]):
    """A MariaDB enum; values that it does not hold are read as they are."""

    cache_ok = True

    def __init__(self, values: str) -> None:
        self.values = tuple(values.split(","))

    def get_col_spec(self, **_: Any) -> str:
        return "ENUM({})".format(", ".join(f"'{value}'" for value in self.values))


def _type(kind: str, size: str | None) -> sa.types.TypeEngine[Any]:
    if kind in _INTEGERS:
        name = "INTEGER" if kind == "int" else kind.upper()
        return sa.Integer().with_variant(getattr(mysql, name)(unsigned=True), *MARIADB)
    if kind == "enum" and size:
        longest = max(len(value) for value in size.split(","))
        text = sa.String(longest).with_variant(_MariaDBEnum(size), *MARIADB)
        return text.with_variant(sa.String(longest, **_COLLATION), SQLITE)
    if kind == "varchar" and size:
        length = int(size)
        return sa.String(length).with_variant(sa.String(length, **_COLLATION), SQLITE)
    if kind in {"text", "mediumtext"}:
        return sa.Text().with_variant(mysql.MEDIUMTEXT(), *MARIADB)
    if kind == "double":
        return sa.Double()
    if kind == "decimal":
        return sa.Numeric(7, 2)
    if kind == "timestamp":
        return Timestamp.with_variant(mysql.TIMESTAMP(), *MARIADB)
    return Timestamp


def _column(line: str) -> sa.Column[Any]:
    found = _COLUMN.fullmatch(line)
    if not found:
        raise ValueError(f"vicidial.schema: {line!r}")
    default = _unquoted(found["default"])
    server_default: sa.TextClause | None = None
    if default is not None and default == "now" and found["type"] == "timestamp":
        server_default = sa.text("CURRENT_TIMESTAMP")
    elif default is not None or found["name"] in _EMPTY_UNSAID:
        default = default or ""
        server_default = sa.text("'{}'".format(default.replace("'", "''").replace(":", "\\:")))
    signed = found["type"] in _INTEGERS and not found["unsigned"]
    kind = sa.Integer() if signed else _type(found["type"], found["size"])
    return sa.Column(
        found["name"],
        sa.Integer() if found["auto"] else kind,
        nullable=not found["required"],
        autoincrement=bool(found["auto"]),
        server_default=server_default,
    )


def _unquoted(default: str | None) -> str | None:
    """Return the text of a default; one with blanks at its ends stands in quotes."""
    if default is None:
        return None
    text = default.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "'" else text


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    for block in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text).strip()):
        name, *lines = block.splitlines()
        yield name.strip(), [line.strip() for line in lines]


def _table(metadata: sa.MetaData, name: str, lines: list[str]) -> sa.Table:
    arguments: list[Any] = []
    for line in lines:
        kind, colon, names = line.partition(": ")
        if not colon:
            arguments.append(_column(line))
        elif kind == "primary":
            arguments.append(sa.PrimaryKeyConstraint(*names.split()))
        else:
            label = f"{name}_{names.replace(' ', '_')}"
            arguments.append(sa.Index(label, *names.split(), unique=kind == "unique"))
    # AUTOINCREMENT: an id is never given out twice, as logs and call records refer to it.
    return sa.Table(name, metadata, *arguments, sqlite_autoincrement=True)


DIDS = "vicidial_inbound_dids"
LETTERED = "did_pattern GLOB '*[^ -~]*'"
"""SQLite's condition for patterns with letters beyond ASCII; they have an index of their own."""

SYMBOLS = "did_pattern GLOB '*[^0-9]*'"
"""SQLite's condition for patterns with other characters than digits; searches have an index of them."""

USERS = "vicidial_users"
USER_GROUPS = "vicidial_user_groups"
SYSTEM_SETTINGS = "system_settings"
API_LOG = "vicidial_api_log"
API_URLS = "vicidial_api_urls"
URLS = "vicidial_urls"
WEBSERVERS = "vicidial_webservers"
PHONES = "phones"
PHONES_ALIAS = "phones_alias"
SERVERS = "servers"
CAMPAIGNS = "vicidial_campaigns"
IN_GROUPS = "vicidial_inbound_groups"
CAMPAIGN_AGENTS = "vicidial_campaign_agents"
IN_GROUP_AGENTS = "vicidial_inbound_group_agents"
LIVE_AGENTS = "vicidial_live_agents"
LIVE_INBOUND_AGENTS = "vicidial_live_inbound_agents"
CALL_MENU = "vicidial_call_menu"
CALL_MENU_OPTIONS = "vicidial_call_menu_options"
ADMIN_LOG = "vicidial_admin_log"
DID_LOG = "vicidial_did_log"
CLOSER_LOG = "vicidial_closer_log"
OUTBOUND_LOG = "vicidial_log"
CALL_LOG = "call_log"
DID_LOG_ARCHIVE = "vicidial_did_log_archive"
CLOSER_LOG_ARCHIVE = "vicidial_closer_log_archive"
CALL_LOG_ARCHIVE = "call_log_archive"
DID_AGENT_LOG = "vicidial_did_agent_log"
GATEWAY_LOG = "vicidial_did_gateway_log"
RECORDING_LOG = "recording_log"
URL_LOG = "vicidial_url_log"
FILTER_NUMBERS = "vicidial_filter_phone_numbers"
DNC = "vicidial_dnc"
CAMPAIGN_DNC = "vicidial_campaign_dnc"
CONTAINERS = "vicidial_settings_containers"
LISTS = "vicidial_lists"
LEADS = "vicidial_list"
AUTO_CALLS = "vicidial_auto_calls"

_READ = ("SELECT",)
_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_APPEND = ("SELECT", "INSERT")
_CHANGE = ("SELECT", "UPDATE")

RIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    DIDS: _WRITE,
    USERS: _WRITE,
    USER_GROUPS: _READ,
    SYSTEM_SETTINGS: _CHANGE,
    SERVERS: _CHANGE,
    IN_GROUPS: _READ,
    CALL_MENU: _READ,
    DID_LOG: _READ,
    CLOSER_LOG: _READ,
    API_LOG: _APPEND,
    ADMIN_LOG: _APPEND,
})  # fmt: skip
"""The rights that Didier needs on VICIdial's tables."""

OPTIONAL_RIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "vicidial_ip_lists": _READ,
    "vicidial_ip_list_entries": _READ,
    "vicidial_two_factor_auth": _READ,
    API_URLS: _APPEND,
    URLS: _APPEND,
    WEBSERVERS: _APPEND,
    PHONES: _READ,
    PHONES_ALIAS: _READ,
    CAMPAIGNS: _READ,
    CALL_MENU_OPTIONS: _READ,
    CAMPAIGN_AGENTS: _WRITE,
    IN_GROUP_AGENTS: _WRITE,
    LIVE_AGENTS: _CHANGE,
    LIVE_INBOUND_AGENTS: _CHANGE,
    CALL_LOG: _READ,
    DID_LOG_ARCHIVE: _READ,
    CLOSER_LOG_ARCHIVE: _READ,
    CALL_LOG_ARCHIVE: _READ,
})  # fmt: skip
"""The same for tables that older VICIdial versions do not have, or that Didier can do without."""

CALL_RIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    FILTER_NUMBERS: _READ,
    DNC: _READ,
    CAMPAIGN_DNC: _READ,
    CONTAINERS: _READ,
    LISTS: _READ,
    LEADS: _READ,
    OUTBOUND_LOG: _READ,
    AUTO_CALLS: _READ,
    DID_LOG: ("INSERT",),
    CALL_LOG: _APPEND,
    DID_AGENT_LOG: _APPEND,
    GATEWAY_LOG: _APPEND,
    RECORDING_LOG: _APPEND,
    URL_LOG: _APPEND,
})  # fmt: skip
"""The rights beside these that matter where calls are routed; without one a call is routed all the same."""

INDISPENSABLE: Mapping[str, tuple[str, ...]] = MappingProxyType({
    DIDS: ("did_id", "did_pattern", "user_group"),
    USERS: (
        "user_id", "user", "pass", "full_name", "user_level", "user_group", "view_reports",
        "vdc_agent_api_access", "modify_inbound_dids", "active",
    ),
    USER_GROUPS: ("user_group",),
})  # fmt: skip
"""The columns without which no function works; all others may be lacking."""

ARCHIVES = frozenset({DID_LOG_ARCHIVE, CLOSER_LOG_ARCHIVE, CALL_LOG_ARCHIVE})
"""Tables with the columns of those that VICIdial moves old rows from; an embedded database has none."""

NOT_EMBEDDED = frozenset({LIVE_INBOUND_AGENTS})
"""Tables that an embedded database does not get: nothing there would fill them."""

FILLED_BY_VICIDIAL = frozenset({CAMPAIGNS})
"""Tables that an embedded database has empty: what DIDs have of them is not looked up there then."""

DIDIER_TABLES = (
    "didier_version", "didier_batches", "didier_batch_items", "didier_lockouts", "didier_settings",
    "didier_idempotency", "didier_batch_input", "didier_snapshots", "didier_history", "didier_locked_dids",
    "didier_tokens", "didier_sessions", "didier_unknown_names",
    "didier_second_factors", "didier_recovery_codes", "didier_changes", "didier_journal", "didier_leases",
    "didier_ranges", "didier_did_fields", "didier_preferences", "didier_schedules", "didier_webhooks",
    "didier_webhook_attempts", "didier_gateways", "didier_reported_calls", "didier_edges",
    "didier_failed_checks", "didier_usage_numbers", "didier_usage_ways", "didier_usage_hours",
    "didier_usage_days", "didier_usage_recent",
)  # fmt: skip
"""Didier's own tables, which the migrations make."""

PREFERENCES = "didier_preferences"
SCHEDULES = "didier_schedules"
WEBHOOKS = "didier_webhooks"
WEBHOOK_ATTEMPTS = "didier_webhook_attempts"
GATEWAYS = "didier_gateways"
REPORTED_CALLS = "didier_reported_calls"
EDGES = "didier_edges"
FAILED_CHECKS = "didier_failed_checks"
USAGE_NUMBERS = "didier_usage_numbers"
USAGE_WAYS = "didier_usage_ways"
USAGE_HOURS = "didier_usage_hours"
USAGE_DAYS = "didier_usage_days"
USAGE_RECENT = "didier_usage_recent"
USAGE = (USAGE_NUMBERS, USAGE_WAYS, USAGE_HOURS, USAGE_DAYS, USAGE_RECENT)
OPTIONAL_OWN = frozenset({
    PREFERENCES, SCHEDULES, WEBHOOKS, WEBHOOK_ATTEMPTS, GATEWAYS, REPORTED_CALLS, EDGES, FAILED_CHECKS,
    *USAGE,
})  # fmt: skip
"""Those of them that Didier can do without."""

DIDIER_RIGHTS = ("CREATE", "ALTER", "INDEX", *_WRITE)
"""The rights that Didier needs on its own tables."""


_PARTS = {
    "didier_lettered_patterns": ("did_pattern", LETTERED),
    "didier_symbol_patterns": ("did_pattern", SYMBOLS),
    **{f"didier_redirects_{name}": (name, redirect.condition) for name, redirect in REDIRECTS.items()},
}
"""Indexes of a column in some rows alone, in embedded databases."""


_LOOKED_FOR = {
    FILTER_NUMBERS: "phone_number", DNC: "phone_number", CAMPAIGN_DNC: "phone_number", LEADS: "phone_number",
    OUTBOUND_LOG: "phone_number", CLOSER_LOG: "phone_number", CONTAINERS: "container_id", PHONES: "extension",
    LISTS: "campaign_id",
}  # fmt: skip
"""Columns in which the routing of calls looks for texts."""


ROUTING: Mapping[str, tuple[str, ...]] = MappingProxyType({
    DIDS: (
        "did_id", "did_pattern", "did_description", "did_active", "did_route", "extension", "exten_context",
        "voicemail_ext", "phone", "server_ip", "user", "user_unavailable_action", "group_id", "menu_id",
        "record_call", "filter_inbound_number", "filter_phone_group_id", "filter_url", "filter_action",
        "filter_extension", "filter_exten_context", "filter_voicemail_ext", "filter_phone",
        "filter_server_ip", "filter_user", "filter_user_unavailable_action", "filter_group_id",
        "filter_menu_id", "filter_clean_cid_number", "filter_dnc_campaign", "filter_url_did_redirect",
        "user_group", "no_agent_ingroup_redirect", "no_agent_ingroup_id", "no_agent_ingroup_extension",
        "pre_filter_phone_group_id", "pre_filter_extension", "pre_filter_recent_call",
        "pre_filter_recent_extension", "max_queue_ingroup_calls", "max_queue_ingroup_id",
        "max_queue_ingroup_extension", "inbound_route_answer",
    ),
    SYSTEM_SETTINGS: (
        "did_system_filter", "inbound_answer_config", "did_agent_log", "tables_use_alt_log_db",
        "alt_log_server_ip",
    ),
    SERVERS: (
        "server_ip", "active", "asterisk_version", "ext_context", "voicemail_dump_exten",
        "voicemail_dump_exten_no_inst",
    ),
    PHONES: ("extension", "server_ip", "dialplan_number", "active"),
    IN_GROUPS: ("group_id", "active"),
    CALL_MENU: ("menu_id",),
    USERS: ("user", "active"),
    CONTAINERS: ("container_id", "container_entry"),
    FILTER_NUMBERS: ("phone_number", "filter_phone_group_id"),
    DNC: ("phone_number",),
    CAMPAIGN_DNC: ("phone_number", "campaign_id"),
})  # fmt: skip
"""The columns by which calls find their way, whoever is there at the moment: those that a replica has."""


def odd(column: str) -> str:
    """Return SQLite's condition for texts in *column* that may be equal to others that are not alike."""
    return f"{column} GLOB '*[^!-~]*'"


@cache
def vicidial_tables() -> sa.MetaData:
    """Return VICIdial's tables, as far as Didier uses them."""
    return _tables({})


@cache
def routing_tables() -> sa.MetaData:
    """Return those of VICIdial's tables, and of their columns, that a replica has for calls."""
    return _tables(ROUTING)


def _tables(parts: Mapping[str, Collection[str]]) -> sa.MetaData:
    """Return VICIdial's tables; if *parts* of some are named, these columns and their indexes alone."""
    metadata = sa.MetaData()
    for name, lines in _blocks(files(__package__).joinpath("vicidial.schema").read_text("utf-8")):
        if name in parts or not parts:
            _table(metadata, name, _lines_of(lines, parts[name]) if parts else lines)
    columns = metadata.tables[DIDS].c
    for name, (column, condition) in _PARTS.items():
        if condition == LETTERED or not parts:
            sa.Index(name, columns[column], sqlite_where=sa.text(condition)).ddl_if(dialect=SQLITE)
    for table, column in _LOOKED_FOR.items():
        if table in metadata.tables:
            looked_for = metadata.tables[table].c[column]
            where = sa.text(odd(column))
            sa.Index(f"didier_odd_{table}", looked_for, sqlite_where=where).ddl_if(dialect=SQLITE)
    return metadata


def _lines_of(lines: Iterable[str], columns: Collection[str]) -> list[str]:
    """Return the lines of these *columns*, and of the keys that are of them alone."""
    return [line for line in lines if set(line.partition(": ")[2].split() or line.split()[:1]) <= {*columns}]
