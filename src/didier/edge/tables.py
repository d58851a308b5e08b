"""The tables on an edge: what Kamailio loads at its start, and what the agent works out that from.

Kamailio's tables have the columns and versions that its modules ask for (``htable`` 2, ``dispatcher`` 4,
release 5.6). A value in ``numbers`` is the number of the gateway set that takes the calls, or `INACTIVE`; a
number that is not there is unknown. One key is no number: `CURSOR`, whose value says which push the table
has in it, so that whoever has loaded the table says it too.
"""

CURSOR = "!cursor"
INACTIVE = 0

SCHEMA = """
CREATE TABLE IF NOT EXISTS version (
    table_name VARCHAR(32) NOT NULL PRIMARY KEY,
    table_version INT NOT NULL
);
INSERT OR REPLACE INTO version VALUES ('numbers', 2), ('dispatcher', 4);
CREATE TABLE IF NOT EXISTS numbers (
    key_name VARCHAR(64) NOT NULL PRIMARY KEY,
    key_type INT NOT NULL DEFAULT 0,
    value_type INT NOT NULL DEFAULT 1,
    key_value VARCHAR(16) NOT NULL,
    expires INT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dispatcher (
    id INTEGER PRIMARY KEY,
    setid INT NOT NULL,
    destination VARCHAR(192) NOT NULL,
    flags INT NOT NULL,
    priority INT NOT NULL,
    attrs VARCHAR(128) NOT NULL,
    description VARCHAR(64) NOT NULL
);
"""
