"""Looks a database over: what is well, what is not, and what to do about it. Nothing is changed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.domain.names import fold
from didier.errors import KeyMissing, KeyProblem
from didier.services.system import sealed_secrets
from didier.services.system.installation_key import KeyFile
from didier.services.users.passwords import BCRYPT_COSTS, BCRYPT_KEY_BYTES
from didier.storage import dialects, migrations
from didier.storage.changes import reconcile
from didier.storage.database import SQL_MODE, server_problem
from didier.storage.system import health, rights
from didier.storage.tables import (
    CALL_LOG,
    CALL_LOG_ARCHIVE,
    CALL_RIGHTS,
    CAMPAIGN_AGENTS,
    CLOSER_LOG_ARCHIVE,
    DID_LOG_ARCHIVE,
    DIDIER_TABLES,
    DIDS,
    EDGES,
    FAILED_CHECKS,
    GATEWAYS,
    IN_GROUP_AGENTS,
    LIVE_AGENTS,
    LIVE_INBOUND_AGENTS,
    OPTIONAL_OWN,
    OPTIONAL_RIGHTS,
    PHONES,
    PHONES_ALIAS,
    PREFERENCES,
    REPORTED_CALLS,
    RIGHTS,
    SCHEDULES,
    USAGE,
    USERS,
    WEBHOOK_ATTEMPTS,
    WEBHOOKS,
)
from didier.storage.users import users

CLOCK_SECONDS = 2.0
"""Difference of two clocks from which on the times in logs and lock-outs are wrong enough to tell."""

LATE_HOURS = 24
"""Hours without a complete pass over the DIDs from which on that is told."""

_WEAK_COST = 10
_FULL = 2


class Severity(StrEnum):
    """How bad a finding is; an error keeps Didier, or a part of it, from working."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what to do; nothing to do where all is well."""

    severity: Severity
    what: str
    to_do: str = ""


Findings = Iterator[Finding]
_Check = Callable[[Connection], Findings]


def examine(conn: Connection, file: KeyFile, now: datetime, *, routes_calls: bool = False) -> list[Finding]:
    """Return what is found; *file* has the installation's key, *now* is the time of this machine.

    *routes_calls*: Asterisk asks Didier where calls go, for which it looks into more tables.
    """

    def clock(conn: Connection) -> Findings:
        return _clock(conn, now)

    def installation_key(conn: Connection) -> Findings:
        return _installation_key(conn, file)

    def reconciling(conn: Connection) -> Findings:
        return _reconciling(conn, now)

    def columns(conn: Connection) -> Findings:
        calls = CALL_RIGHTS if routes_calls else ()
        return _columns(conn, {*RIGHTS, *OPTIONAL_RIGHTS, *calls})

    def call_rights(conn: Connection) -> Findings:
        return _call_rights(conn) if routes_calls else _call_rights_in_short(conn)

    mariadb = (*_MARIADB, columns, call_rights, clock)
    home: Sequence[_Check] = _EMBEDDED if dialects.of(conn).is_embedded else mariadb
    checks = (*home, installation_key, reconciling)
    return [finding for check in checks for finding in _made(check, conn)]


def _made(check: _Check, conn: Connection) -> Findings:
    try:
        yield from check(conn)
    except DBAPIError as error:
        name = check.__name__.strip("_").replace("_", " ")
        yield Finding(
            Severity.ERROR, f"{name}: the database refused the check: {error.orig}", "see the message"
        )


def _ok(what: str) -> Finding:
    return Finding(Severity.OK, what)


# Every home -----------------------------------------------------------------------------------------


def _revision(conn: Connection) -> Findings:
    found = migrations.revision(conn)
    if found == migrations.HEAD:
        yield _ok(f"Didier's tables have revision {found}")
    elif found and found > migrations.HEAD:
        what = f"Didier's tables have revision {found}, newer than this Didier ({migrations.HEAD})"
        yield Finding(Severity.ERROR, what, "install the newer Didier again")
    else:
        what = f"Didier's tables have revision {found or 'none'} instead of {migrations.HEAD}"
        yield Finding(Severity.NOTE, what, "start 'didier serve' once: it prepares them")


def _passwords(conn: Connection) -> Findings:
    hashing = users.hashing(conn)
    if hashing:
        yield from _bcrypt(hashing)
    elif not (plain := health.plain_passwords(conn)):
        yield _ok("passwords are stored as argon2id hashes")
    elif dialects.of(conn).is_embedded:
        what = f"{plain} users have a plain password"
        yield Finding(Severity.NOTE, what, "none: each becomes a hash at the next sign-in")
    else:
        yield Finding(
            Severity.WARNING,
            f"passwords are plain text, VICIdial's default ({plain} users)",
            "switch Encrypted Passwords on in VICIdial's System Settings (pass_hash_enabled)",
        )


def _names(conn: Connection) -> Findings:
    """Look for users whose names look alike: VICIdial's page and earlier releases could make them."""
    names = sorted(users.names(conn), key=fold)
    for _, alike in groupby(names, key=fold):
        if len(group := list(alike)) > 1:
            what = f"users look alike: {', '.join(map(ascii, group))}"
            yield Finding(Severity.WARNING, what, "check who needs them, and deactivate or delete the others")


def _bcrypt(hashing: users.VicidialHashing) -> Findings:
    if len(hashing.key.encode()) != BCRYPT_KEY_BYTES:
        what = f"passwords are bcrypt, but pass_key has {len(hashing.key.encode())} bytes: nobody can sign in"
        yield Finding(
            Severity.ERROR,
            what,
            f"set pass_key in system_settings to the {BCRYPT_KEY_BYTES} bytes of VICIdial",
        )
    elif hashing.cost not in BCRYPT_COSTS:
        what = f"passwords are bcrypt, but pass_cost is {hashing.cost}: nobody can sign in"
        yield Finding(Severity.ERROR, what, f"set pass_cost in system_settings to {BCRYPT_COSTS[-1]} or less")
    elif hashing.cost < _WEAK_COST:
        yield Finding(
            Severity.NOTE,
            f"passwords are bcrypt with cost {hashing.cost}, which is quick to guess",
            f"raise pass_cost to {_WEAK_COST} in system_settings and set every password again in VICIdial",
        )
    else:
        yield _ok(f"passwords are bcrypt with cost {hashing.cost}")


def _installation_key(conn: Connection, file: KeyFile) -> Findings:
    if migrations.revision(conn) != migrations.HEAD:
        return  # there is nothing yet that it could have sealed
    sealed = sealed_secrets.count(conn)
    try:
        keys = file.keys()
        problems = sealed_secrets.not_opened(conn, file)
    except KeyMissing as error:
        if sealed:
            yield Finding(
                Severity.ERROR,
                f"{error}; secrets that need it: {sealed}",
                _KEY_TO_DO,
            )
        else:
            yield _ok(f"nothing is encrypted, and there is no installation key ({file.path})")
        return
    except KeyProblem as error:
        yield Finding(Severity.ERROR, str(error), f"chmod 600 {file.path}, or put the right file there")
        return
    if problems:
        what = f"{len(problems)} of {sealed} secrets cannot be opened: {problems[0]}"
        yield Finding(Severity.ERROR, what, _KEY_TO_DO)
    else:
        yield _ok(f"the installation's key {keys[0].key_id} opens all secrets ({sealed})")


_KEY_TO_DO = (
    "restore the installation's key from your copy; without one, 'didier user set USER --no-second-factor'"
    " and 'didier webhook secret ID'"
    " for each user"
)

# Embedded -------------------------------------------------------------------------------------------


def _embedded(conn: Connection) -> Findings:
    found = health.embedded(conn)
    yield _ok(f"SQLite {health.version(conn)}")
    if found.problems:
        what = f"the database file is damaged: {found.problems[0]} ({len(found.problems)} problems)"
        yield Finding(Severity.ERROR, what, "stop Didier and put the last backup in its place")
    else:
        yield _ok("the database file is intact (integrity_check)")
    if found.journal_mode == "wal":
        yield _ok("the journal mode is WAL")
    else:
        what = f"the journal mode is {found.journal_mode}, not WAL: readers and writers wait for each other"
        yield Finding(Severity.WARNING, what, "put the file on a local disk; WAL needs shared memory")
    if found.synchronous >= _FULL:
        yield _ok("synchronous is FULL: confirmed changes are on the disk")
    else:
        yield Finding(
            Severity.ERROR,
            f"synchronous is {found.synchronous}: a power failure loses confirmed changes",
            "use a SQLite library that was built without a fixed synchronous mode",
        )
    if found.mode & 0o077:
        yield Finding(
            Severity.WARNING,
            f"the database file may be read or changed by others (mode {found.mode:o})",
            f"chmod 600 {conn.engine.url.database}",
        )
    else:
        yield _ok(f"only the owner can read the database file (mode {found.mode:o})")


# MariaDB --------------------------------------------------------------------------------------------


def _server(conn: Connection) -> Findings:
    if problem := server_problem(conn):
        yield Finding(Severity.ERROR, problem, "upgrade the database server")
    else:
        yield _ok(f"MariaDB {health.version(conn)}")


def _rights(conn: Connection) -> Findings:
    missing = [*rights.lacking(conn, RIGHTS), *rights.lacking_own(conn)]
    for lack, grant in zip(missing, rights.grants(conn, missing), strict=True):
        yield Finding(Severity.ERROR, f"the database user lacks {lack}", grant)
    optional = rights.lacking_optional(conn)
    for lack, grant in zip(optional, rights.grants(conn, optional), strict=True):
        yield _without_optional(lack, grant)
    if not missing and not optional:
        yield _ok("the database user has all rights that Didier needs")


def _without_optional(lack: rights.Lack, grant: str) -> Finding:
    off = f": {_OFF[lack.table]}" if lack.table in _OFF else ""
    if lack.table in OPTIONAL_OWN:
        return Finding(Severity.WARNING, f"the database user lacks {lack}{off}", grant)
    what = f"the database user lacks {lack}, or the table does not exist (VICIdial is older){off}"
    return Finding(Severity.WARNING, what, f"if it exists: {grant}")


# What is off without the rights on a table; where it says nothing, less is looked up or logged.
_OFF = {
    CAMPAIGN_AGENTS: "ranks in campaigns cannot be set, and are not copied and deleted with users",
    IN_GROUP_AGENTS: "ranks in in-groups cannot be set, and are not copied and deleted with users",
    LIVE_AGENTS: "agents at work get new ranks in campaigns at their next sign-in only",
    LIVE_INBOUND_AGENTS: "agents at work get new ranks in in-groups at their next sign-in only",
    PHONES: "phones are not looked up",
    PHONES_ALIAS: "aliases of phones do not count as phones",
    SCHEDULES: "DIDs have no opening hours",
    WEBHOOKS: "there are no webhooks",
    WEBHOOK_ATTEMPTS: "there are no webhooks",
    GATEWAYS: "there are no gateway sets",
    REPORTED_CALLS: "no calls can be reported",
    EDGES: "nobody sees how SIP edges stand",
    FAILED_CHECKS: "followers do not hear what begins to be wrong with DIDs",
    **dict.fromkeys(USAGE, "calls are not counted, and there are no reports of usage"),
    CALL_LOG: "how long calls that came into no queue lasted is not known",
    DID_LOG_ARCHIVE: "calls that were moved there before they were counted are not in the reports",
    CALL_LOG_ARCHIVE: "how long archived calls that came into no queue lasted is not known",
    CLOSER_LOG_ARCHIVE: "what came of archived calls in queues is not known",
    PREFERENCES: "the panel keeps no chosen columns, saved filters and mappings of files",
}


def _call_rights(conn: Connection) -> Findings:
    """Look for rights that routing calls needs: an error where the table is there for certain."""
    missing, there = rights.lacking(conn, CALL_RIGHTS), rights.tables(conn)
    for lack, grant in zip(missing, rights.grants(conn, missing), strict=True):
        what = f"the database user lacks {lack}, for routing calls"
        if lack.table in there:
            yield Finding(Severity.ERROR, f"{what}: {_WITHOUT_CALLS[lack.table]}", grant)
        else:
            what += ", or the table does not exist (VICIdial is older)"
            yield Finding(Severity.WARNING, f"{what}: {_WITHOUT_CALLS[lack.table]}", f"if it exists: {grant}")
    if not missing:
        yield _ok("the database user has all rights that routing calls needs")


def _call_rights_in_short(conn: Connection) -> Findings:
    if missing := rights.lacking(conn, CALL_RIGHTS):
        what = f"the database user lacks rights for routing calls: {'; '.join(map(str, missing))}"
        to_do = "none, unless Asterisk is to ask Didier where calls go: set agi_port, and run doctor again"
        yield Finding(Severity.NOTE, what, to_do)


_UNLOGGED = "calls are routed, but leave no row in it"
_UNREAD = "calls are routed as if it were empty"
_WITHOUT_CALLS = {
    table: _UNLOGGED if "INSERT" in needed else _UNREAD for table, needed in CALL_RIGHTS.items()
}
"""What happens to calls without the rights on a table."""


def _columns(conn: Connection, tables: Collection[str]) -> Findings:
    complete = True
    if too_old := health.too_old(conn):
        what = f"this VICIdial is too old for Didier: it lacks {', '.join(too_old)}"
        yield Finding(Severity.ERROR, what, "upgrade VICIdial")
    for table, there in health.columns(conn, sorted(tables)).items():
        known = health.known_columns().get(table, ())
        if lacking := [name for name in known if name not in there]:
            complete = False
            yield _without_table(table) if not there else _without_columns(table, lacking)
    if complete:
        yield _ok("all tables and columns of VICIdial 2.14-202 exist")


def _without_table(table: str) -> Finding:
    if table in {DIDS, USERS}:
        return Finding(
            Severity.ERROR,
            f"there is no table {table}",
            "use the database of a VICIdial, and grant the rights",
        )
    severity = Severity.WARNING if table in RIGHTS else Severity.NOTE
    return Finding(severity, f"there is no table {table}: features that need it are off", "upgrade VICIdial")


def _without_columns(table: str, lacking: Sequence[str]) -> Finding:
    what = f"{table} lacks {', '.join(lacking)}: ignored"
    return Finding(Severity.NOTE, what, "none; a newer VICIdial has them")


_MYISAM = (
    "no transactions (Didier journals its copies instead), writers lock the whole table, a crash can damage"
    " it, and Galera does not replicate it"
)


def _engines(conn: Connection) -> Findings:
    used = {*RIGHTS, *OPTIONAL_RIGHTS, *DIDIER_TABLES}
    engines = {name: engine for name, engine in rights.tables(conn).items() if name in used}
    for table, engine in sorted(engines.items()):
        if engine.upper() == "INNODB":
            continue
        if engine.upper() not in {"MYISAM", "ARIA"}:
            yield Finding(Severity.WARNING, f"{table} has the engine {engine}", _change_engine(table))
            continue
        severity = Severity.ERROR if table in DIDIER_TABLES else Severity.WARNING
        yield Finding(severity, f"{table} is {engine}: {_MYISAM}", _change_engine(table))
        yield from _damage(conn, table)
    inno = sum(engine.upper() == "INNODB" for engine in engines.values())
    yield _ok(f"{inno} of {len(engines)} tables that Didier uses are InnoDB")


def _change_engine(table: str) -> str:
    return f"stop VICIdial, make a backup, then: ALTER TABLE {table} ENGINE=InnoDB;"


def _damage(conn: Connection, table: str) -> Findings:
    if texts := health.damage(conn, table):
        what = f"{table} is damaged: {texts[0]}"
        yield Finding(Severity.ERROR, what, f"REPAIR TABLE {table}; (with VICIdial and Didier stopped)")


_VARIABLES = (
    "sql_mode", "innodb_flush_log_at_trx_commit", "wsrep_on", "auto_increment_increment",
    "auto_increment_offset", "wsrep_auto_increment_control",
)  # fmt: skip


def _settings(conn: Connection) -> Findings:
    found = health.variables(conn, _VARIABLES)
    mode = found.get("sql_mode") or "none"
    yield _ok(f"sql_mode of the server is {mode}; Didier's own connections use {SQL_MODE}")
    flush = found.get("innodb_flush_log_at_trx_commit")
    if flush == "1":
        yield _ok("innodb_flush_log_at_trx_commit is 1: confirmed changes are on the disk")
    else:
        yield Finding(
            Severity.WARNING,
            f"innodb_flush_log_at_trx_commit is {flush}: a crash can lose the confirmed changes"
            " of the last second",
            "SET GLOBAL innodb_flush_log_at_trx_commit=1; and the same in the server's configuration",
        )


_WSREP = ("wsrep_ready", "wsrep_cluster_size", "wsrep_cluster_status", "wsrep_local_state_comment")


def _galera(conn: Connection) -> Findings:
    settings = health.variables(conn, _VARIABLES)
    if settings.get("wsrep_on", "OFF").upper() not in {"ON", "1"}:
        yield _ok("Galera is off (wsrep_on): one database server")
        return
    yield from _cluster(health.status(conn, _WSREP), settings)
    for table, engine in sorted(rights.tables(conn).items()):
        if engine.upper() in {"MYISAM", "ARIA"}:
            what = f"{table} is {engine}: Galera does not replicate it, each node has different rows"
            yield Finding(Severity.ERROR, what, _change_engine(table))
    for table in health.without_primary_key(conn):
        yield Finding(
            Severity.WARNING,
            f"{table} has no primary key: Galera cannot delete its rows on all nodes",
            f"ALTER TABLE {table} ADD PRIMARY KEY … on the columns that name a row",
        )


def _cluster(state: Mapping[str, str], settings: Mapping[str, str]) -> Findings:
    size = state.get("wsrep_cluster_size", "0")
    node = state.get("wsrep_local_state_comment", "unknown")
    if state.get("wsrep_ready") != "ON":
        what = f"this Galera node is not ready (wsrep_ready, state {node}): it answers no statement"
        yield Finding(Severity.ERROR, what, "wait for it to join, or use another node")
    elif state.get("wsrep_cluster_status") not in {None, "Primary"}:
        what = f"this Galera node is in a part without quorum ({state.get('wsrep_cluster_status')})"
        yield Finding(Severity.ERROR, what, "restore the connection to the other nodes, or use another one")
    else:
        yield _ok(f"Galera is on and this node is ready; the cluster has {size} nodes")
    if size.isdigit() and 0 < int(size) < 3:
        what = f"the cluster has {size} nodes: the loss of one stops the others"
        yield Finding(Severity.NOTE, what, "run at least three, or an arbitrator (garbd)")
    yield from _increments(settings, size)


def _increments(settings: Mapping[str, str], size: str) -> Findings:
    step, first = (settings.get(f"auto_increment_{name}", "1") for name in ("increment", "offset"))
    what = f"auto_increment_increment is {step} and auto_increment_offset {first}"
    if settings.get("wsrep_auto_increment_control", "ON").upper() in {"ON", "1"} or int(step) >= int(size):
        yield _ok(f"{what}: nodes do not give out the same ids")
    else:
        to_do = "SET GLOBAL wsrep_auto_increment_control=ON;"
        yield Finding(Severity.WARNING, f"{what}: two nodes can give out the same id", to_do)


def _reconciling(conn: Connection, now: datetime) -> Findings:
    """Say when what is done to DIDs beside Didier was last looked for."""
    if migrations.revision(conn) != migrations.HEAD:
        return
    last = reconcile.last_pass(conn)
    hours = (now.timestamp() - last.began) / 3600 if last else 0.0
    if hours > LATE_HOURS:
        what = f"changes of DIDs beside Didier were last looked for {hours:.0f} hours ago"
        to_do = "see whether 'didier serve' runs, what it logs, and the setting reconcile"
        yield Finding(Severity.NOTE, what, to_do)
    else:
        yield _ok(f"changes of DIDs beside Didier are {'found' if last else 'not looked for yet'}")


def _clock(conn: Connection, now: datetime) -> Findings:
    there = health.clock(conn)
    apart = now.timestamp() - there.epoch
    wall = abs((now - there.local).total_seconds() - apart)
    if abs(apart) > CLOCK_SECONDS:
        yield Finding(
            Severity.WARNING,
            f"the clocks of this machine and of the database are {abs(apart):.0f} seconds apart",
            "let both follow the same time server (chrony, systemd-timesyncd)",
        )
    else:
        yield _ok("the clocks of this machine and of the database agree")
    if wall > CLOCK_SECONDS:
        yield Finding(
            Severity.WARNING,
            f"the database has another time zone than this machine ({wall / 3600:.1f} hours apart): times in"
            " logs and reports do not match",
            "set both to the same time zone, as VICIdial needs",
        )


_EMBEDDED: Sequence[_Check] = (_embedded, _revision, _passwords, _names)
_MARIADB: Sequence[_Check] = (
    _server, _rights, _engines, _settings, _galera, _passwords, _names, _revision,
)  # fmt: skip


def has_errors(findings: Iterable[Finding]) -> bool:
    """Say whether anything must be put right."""
    return any(finding.severity is Severity.ERROR for finding in findings)
