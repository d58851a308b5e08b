"""What differs between SQLite, the embedded database, and MariaDB, the database of VICIdial.

Each difference has a name in `SqlDialect`, and its two forms below. Statements are put together from these;
nobody else asks which of the databases it is.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection, Dialect, Engine

SQLITE = "sqlite"
"""SQLAlchemy's name for SQLite."""

MARIADB = ("mysql", "mariadb")
"""SQLAlchemy's names for MariaDB: a URL may begin with either."""

MARK = "?"
"""Stands in a statement for a parameter."""

Assignments = Iterable[tuple[str, str]]
"""Columns, and the expressions of what they are set to."""


class SqlDialect(ABC):
    """The differences by name. What attributes hold and methods return is SQL, unless they say otherwise."""

    is_embedded: bool
    """Whether the database is a file of Didier's own: it has no users, and VICIdial never reads it."""

    has_own_indexes: bool
    """Whether VICIdial's tables have the indexes that Didier adds to them, see `tables`."""

    has_transactions: bool
    """Whether a change of any table can be rolled back; not with MyISAM, VICIdial's default engine."""

    has_one_writer: bool
    """Whether one transaction at a time writes: rows need no locks, and ids are in the order of commits."""

    has_conditional_upsert: bool
    """Whether there is ``ON CONFLICT … WHERE``; ``ON DUPLICATE KEY UPDATE`` takes no condition."""

    has_digests: bool
    """Whether it computes digests of texts, and the exclusive or of them; else the texts are fetched."""

    forced_join: str
    """Joins two tables in the order in which they stand, whatever the planner thinks of it."""

    has_collations: bool
    """Whether patterns are compared by the collation of their column: without case and accents."""

    compares_by_checksum: bool
    """Whether rows are compared by a checksum of their columns, as texts are compared by collations."""

    first_row: int
    """The number ``n`` of the first row of `targets`."""

    shared_lock: str
    """Behind a ``SELECT``: holds the rows against changes until the transaction ends."""

    row_lock: str
    """Behind a ``SELECT``: holds the rows until the transaction ends."""

    free_row_lock: str
    """Behind a ``SELECT``: holds the rows, but leaves out those that others hold."""

    texts: str
    """Reads a parameter, a list of texts in JSON, as a subquery behind ``IN``."""

    numbers: str
    """Reads a parameter, a list of whole numbers in JSON, as a subquery behind ``IN``."""

    now: str
    """The time of the database, in UTC."""

    local_now: str
    """The time of the database in the zone in which VICIdial's tables have times."""

    insert_new: str
    """Begins an ``INSERT`` that leaves out rows whose key is there already."""

    in_seconds: str
    """The time of the database as it will be when as many seconds have passed as the parameter says."""

    mark: str
    """The driver's own mark of a parameter, which statements write as `MARK`."""

    version: str
    """Asks the database for its version."""

    @abstractmethod
    def binds_values(self, rows: int) -> bool:
        """Say whether so many *rows* are bound value by value, and not as one text in JSON."""

    @abstractmethod
    def rows(self, columns: Sequence[str], *, any_letter: bool = False) -> str:
        """Return the FROM item ``r`` that reads a parameter, lists in a list in JSON, as rows of *columns*.

        Its column ``n`` counts them in order. The others hold the letters of the database's own character
        set, so that they can be compared, or with *any_letter* every one.
        """

    @abstractmethod
    def targets(self, own: Sequence[str]) -> str:
        """Return the FROM item ``r`` that reads a parameter, a list in JSON, as rows of a ``target``.

        With columns *own* each is a list of the target and its values of these. Its column ``n`` counts them
        in order, from `first_row` on.
        """

    @abstractmethod
    def items(self, name: str, kind: str) -> str:
        """Return the FROM item ``r`` that reads a parameter, a list in JSON, as a column *name*.

        *kind* is its type on MariaDB; SQLite takes from JSON what stands there. A text of no other character
        set has that of the database, as in `rows`.
        """

    @abstractmethod
    def row_text(self, columns: Sequence[str], is_unicode: bool) -> str:
        """Return a row's *columns* as one text, in UTF-8; *is_unicode*: they are stored so.

        SQLite's is a list in JSON; MariaDB's has the character 31 between columns and 0 for NULL.
        """

    @abstractmethod
    def member(self, column: str, name: str) -> str:
        """Return the text *name* in the JSON object in *column*; NULL without one."""

    @abstractmethod
    def comparable(self, text: str) -> str:
        """Return *text*, which is ASCII, such that it can be compared with a column of any collation."""

    @abstractmethod
    def mixable(self, text: str) -> str:
        """Return *text* such that one expression can take it or a column of any collation."""

    @abstractmethod
    def same_text(self, left: str, right: str) -> str:
        """Return the condition that two texts are the same to the letter, or both NULL."""

    @abstractmethod
    def padded(self, prefix: str, number: str, width: str) -> str:
        """Return the text of *prefix* and of *number*, with zeros before it up to *width*."""

    @abstractmethod
    def exactly(self, text: str) -> str:
        """Return *text*, which is ASCII, such that it is compared to the letter."""

    @abstractmethod
    def is_not_ascii(self, column: str) -> str:
        """Return the condition that *column* has characters beyond printable ASCII."""

    @abstractmethod
    def local(self, moment: str) -> str:
        """Return a *moment* in UTC in the zone in which VICIdial's tables have times."""

    @abstractmethod
    def seconds_until(self, column: str) -> str:
        """Return how many seconds are left until the time in *column*; negative when it has passed."""

    @abstractmethod
    def update_joined(self, table: str, source: str, matches: str, new: Assignments, where: str) -> str:
        """Return the ``UPDATE`` of those rows ``t`` of *table* that a row ``r`` of *source* *matches*."""

    @abstractmethod
    def delete_joined(self, table: str, source: str, matches: str, key: str, value: str) -> str:
        """Return the ``DELETE`` of those rows ``t`` of *table* that a row ``r`` of *source* *matches*.

        That is a comparison of the columns *key* with the columns *value* of ``r``.
        """

    @abstractmethod
    def upsert(self, key: str, new: Assignments) -> str:
        """Return what makes an ``INSERT … SELECT … WHERE …`` change the row that has its *key* already."""

    @abstractmethod
    def first_id(self, last_row_id: int, count: int) -> int:
        """Return the first of *count* consecutive ids, of which the driver has told *last_row_id*."""


FEW = 64
"""Most rows that SQLite is given value by value: a compiled statement is kept for each number of rows."""


class _SQLite(SqlDialect):
    is_embedded = True
    has_own_indexes = True
    has_transactions = True
    has_one_writer = True
    has_conditional_upsert = True
    has_digests = False
    forced_join = "CROSS JOIN"  # which the planner does not reorder: https://sqlite.org/lang_select.html
    has_collations = False  # its own ignores the case of a to z
    compares_by_checksum = False
    first_row = 0
    shared_lock = row_lock = free_row_lock = ""  # the one writer holds everything
    texts = "(SELECT value FROM json_each(?))"
    numbers = texts
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    local_now = "datetime('now', 'localtime')"
    insert_new = "INSERT OR IGNORE"
    in_seconds = "strftime('%Y-%m-%d %H:%M:%f', 'now', ? || ' seconds')"
    mark = MARK
    version = "SELECT sqlite_version()"

    def binds_values(self, rows: int) -> bool:
        # A text in JSON is taken apart anew for each column, which costs four times what binding the values
        # does; for many rows it is the text all the same: nothing has to be compiled for their number.
        return rows <= FEW

    def rows(self, columns: Sequence[str], *, any_letter: bool = False) -> str:
        values = "".join(f", value ->> {i} AS {name}" for i, name in enumerate(columns))
        return f"(SELECT key AS n{values} FROM json_each(?)) AS r"

    def targets(self, own: Sequence[str]) -> str:
        if not own:
            return "(SELECT key AS n, value AS target FROM json_each(?)) AS r"
        return self.rows(("target", *own))

    def items(self, name: str, kind: str) -> str:
        return "json_each(?) AS r" if name == "value" else f"(SELECT value AS {name} FROM json_each(?)) AS r"

    def row_text(self, columns: Sequence[str], is_unicode: bool) -> str:  # it always is
        return f"json_array({', '.join(f'`{name}`' for name in columns)})"  # the fastest of what it has

    def member(self, column: str, name: str) -> str:
        return f"({column} ->> '$.{name}')"

    def comparable(self, text: str) -> str:
        return text

    def mixable(self, text: str) -> str:
        return text

    def same_text(self, left: str, right: str) -> str:
        return f"{left} COLLATE BINARY IS {right}"

    def padded(self, prefix: str, number: str, width: str) -> str:
        return f"{prefix} || printf('%0*d', {width}, {number})"

    def exactly(self, text: str) -> str:
        return f"({text}) COLLATE BINARY"

    def is_not_ascii(self, column: str) -> str:
        return f"{column} GLOB '*[^ -~]*'"

    def local(self, moment: str) -> str:
        return f"datetime({moment}, 'localtime')"

    def seconds_until(self, column: str) -> str:
        return f"(julianday({column}) - julianday('now')) * 86400"

    def update_joined(self, table: str, source: str, matches: str, new: Assignments, where: str) -> str:
        assignments = ", ".join(f"`{name}` = {value}" for name, value in new)
        return f"UPDATE {table} AS t SET {assignments} FROM {source} WHERE {matches} AND {where}"

    def delete_joined(self, table: str, source: str, matches: str, key: str, value: str) -> str:
        return f"DELETE FROM {table} WHERE ({key}) IN (SELECT {value} FROM {source})"

    def upsert(self, key: str, new: Assignments) -> str:
        assignments = ", ".join(f"{name} = {value}" for name, value in new)
        return f"ON CONFLICT ({key}) DO UPDATE SET {assignments}"

    def first_id(self, last_row_id: int, count: int) -> int:
        return last_row_id - count + 1  # it tells the last: https://sqlite.org/c3ref/last_insert_rowid.html


_ANY_LETTER = "LONGTEXT CHARACTER SET utf8mb4"
_TEXT = re.compile(r"LONGTEXT|VARCHAR\(\d+\)")


class _MariaDB(SqlDialect):
    """Its bound texts have the *collation* of the database, if that is known.

    Some versions, as 10.11.19, give that to a column of JSON_TABLE by themselves, others, as 10.11.18, that
    of utf8mb4: joined with VICIdial's columns these use no index, or are refused.
    """

    is_embedded = False
    has_own_indexes = False
    has_transactions = False
    has_one_writer = False
    has_conditional_upsert = False
    has_digests = True
    forced_join = "STRAIGHT_JOIN"
    has_collations = True
    compares_by_checksum = True
    first_row = 1
    shared_lock = " LOCK IN SHARE MODE"
    row_lock = " FOR UPDATE"
    free_row_lock = " FOR UPDATE SKIP LOCKED"
    numbers = "(SELECT v FROM JSON_TABLE(?, '$[*]' COLUMNS (v BIGINT PATH '$')) AS r)"
    now = "utc_timestamp(6)"
    local_now = "now()"
    insert_new = "INSERT IGNORE"
    in_seconds = "utc_timestamp(6) + INTERVAL ? SECOND"
    mark = "%s"
    version = "SELECT version()"

    def __init__(self, collation: str = "") -> None:
        self._collation = collation
        self.texts = f"(SELECT v FROM {self.items('v', 'VARCHAR(255)')})"

    def binds_values(self, rows: int) -> bool:
        return False

    def rows(self, columns: Sequence[str], *, any_letter: bool = False) -> str:
        kind = _ANY_LETTER if any_letter else self._typed("LONGTEXT")
        values = "".join(f", {name} {kind} PATH '$[{i}]'" for i, name in enumerate(columns))
        return f"JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY{values})) AS r"

    def targets(self, own: Sequence[str]) -> str:
        path = "$[0]" if own else "$"
        values = "".join(f", {name} {_ANY_LETTER} PATH '$[{i}]'" for i, name in enumerate(own, 1))
        target = f"target {self._typed('VARCHAR(50)')} PATH '{path}'"
        return f"JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, {target}{values})) AS r"

    def items(self, name: str, kind: str) -> str:
        return f"JSON_TABLE(?, '$[*]' COLUMNS ({name} {self._typed(kind)} PATH '$')) AS r"

    def _typed(self, kind: str) -> str:
        return f"{kind}{self._collation}" if _TEXT.fullmatch(kind) else kind

    def row_text(self, columns: Sequence[str], is_unicode: bool) -> str:
        if is_unicode:  # bytes are put together, which takes a fifth less time than texts
            return f"CONCAT_WS(0x1F, {', '.join(f'IFNULL(`{name}`, 0x00)' for name in columns)})"
        texts = ", ".join(f"IFNULL(`{name}`, _utf8mb4 0x00)" for name in columns)
        return f"CONVERT(CONCAT_WS(_utf8mb4 0x1F, {texts}) USING utf8mb4)"

    def member(self, column: str, name: str) -> str:
        return f"JSON_VALUE({column}, '$.{name}')"

    def comparable(self, text: str) -> str:
        # Texts with different collations are compared only if one of them is in ASCII: Didier's tables and
        # the database, whose collation bound rows have, may differ.
        return f"CONVERT({text} USING ascii)"

    def mixable(self, text: str) -> str:
        # Of two collations that differ, one that is said outright counts.
        return f"CONVERT({text} USING utf8mb4) COLLATE utf8mb4_bin"

    def same_text(self, left: str, right: str) -> str:
        return f"BINARY CONVERT({left} USING utf8mb4) <=> BINARY CONVERT({right} USING utf8mb4)"

    def padded(self, prefix: str, number: str, width: str) -> str:
        return f"CONCAT({prefix}, LPAD({number}, {width}, '0'))"

    def exactly(self, text: str) -> str:
        return f"BINARY {text}"

    def is_not_ascii(self, column: str) -> str:
        return f"{column} REGEXP '[^ -~]'"

    def local(self, moment: str) -> str:
        return f"CONVERT_TZ({moment}, '+00:00', @@session.time_zone)"

    def seconds_until(self, column: str) -> str:
        return f"timestampdiff(MICROSECOND, utc_timestamp(6), {column}) / 1000000"

    def update_joined(self, table: str, source: str, matches: str, new: Assignments, where: str) -> str:
        assignments = ", ".join(f"t.`{name}` = {value}" for name, value in new)
        return f"UPDATE {source} STRAIGHT_JOIN {table} AS t ON {matches} SET {assignments} WHERE {where}"

    def delete_joined(self, table: str, source: str, matches: str, key: str, value: str) -> str:
        return f"DELETE t FROM {source} STRAIGHT_JOIN {table} AS t ON {matches}"

    def upsert(self, key: str, new: Assignments) -> str:
        return f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = {value}' for name, value in new)}"

    def first_id(self, last_row_id: int, count: int) -> int:
        return last_row_id  # it tells the first: https://mariadb.com/kb/en/last_insert_id/


_SQLITE = _SQLite()
_KNOWN = "didier_dialect"
"""Where SQLAlchemy's object for an engine has what was learned of its database."""


def learn(dialect: Dialect, connection: Any) -> None:
    """Learn from the driver's *connection* to MariaDB which collation the database has, the first time."""
    if hasattr(dialect, _KNOWN):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_database, @@collation_database")
        setattr(dialect, _KNOWN, _mariadb(" CHARACTER SET {} COLLATE {}".format(*cursor.fetchone())))


@cache
def _mariadb(collation: str = "") -> SqlDialect:
    return _MariaDB(collation)


def of(database: Connection | Engine) -> SqlDialect:
    """Return the dialect of a database, or of the one that is connected to."""
    if database.dialect.name == SQLITE:
        return _SQLITE
    known: SqlDialect | None = getattr(database.dialect, _KNOWN, None)
    return known or _mariadb()
