"""Replay recorded VICIdial scenarios against a running server and compare answers and rows.

Usage:
    replay.py --url http://127.0.0.1:8080 --database URL [--create] [--engine InnoDB]
              [--loose-ids] [--only TEXT] [--deviations FILE] [--report FILE] RECORDING.json ...

--database is the SQLAlchemy URL of the database that the server under test uses. With --create the tables of
schema.json are created there first (MariaDB only; an embedded database brings its own). Each scenario empties
the tables, inserts its fixture, sends its requests on fresh connections and compares

  * each answer's text, after masking every password that VICIdial echoes: that of a refused login, and the
    new one that add_user, copy_user and update_user are given (the answer and the log must show *** there),
  * and afterwards the rows of vicidial_inbound_dids, vicidial_api_log, vicidial_admin_log and vicidial_users,
    and of the rank tables where they are recorded.

Not compared: content type, vicidial_api_urls, the log column `value`, times, and whatever deviations.json
leaves out: {"scenario": {"compare": "nothing" | "answer", "why": "..."}}. Columns that copy_did of VICIdial
drops are expected to be copied. With --loose-ids automatic ids may have gaps (InnoDB).

Exit status 0 when everything that is compared is equal. The last line is "N passed, N failed, N skipped".
"""

import argparse
import datetime
import http.client
import json
import re
import sys
import urllib.parse
import uuid
from pathlib import Path

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
DROPPED_BY_VICIDIAL = ("inbound_route_answer", "pre_filter_recent_call", "pre_filter_recent_extension")
API_LOG = ("user", "function", "result", "result_reason", "source", "data")
ADMIN_LOG = ("user", "event_section", "event_type", "record_id", "event_code", "event_notes")
RANKS = {"vicidial_inbound_group_agents": "user, group_id", "vicidial_campaign_agents": "user, campaign_id"}
USER_IGNORED = ("modify_stamp", "last_login_date", "last_ip", "pass", "pass_hash")
BASE_SETTINGS = {
    "use_non_latin": "0",
    "webroot_writable": "0",
    "pass_hash_enabled": "0",
    "pass_key": "",
    "pass_cost": 2,
    "allow_ip_lists": "0",
    "system_ip_blacklist": "",
    "two_factor_auth_hours": 0,
    "two_factor_container": "---DISABLED---",
    "enable_auto_reports": "0",
    "enable_languages": "0",
    "language_method": "DISABLED",
    "allow_web_debug": "0",
    "auto_user_add_value": 101,
    "custom_fields_enabled": "0",
    "reload_timestamp": "2020-01-01 00:00:00",
}


class Database:
    """The tables of the server under test, reached beside it."""

    def __init__(self, url, create, engine):
        self.engine = sa.create_engine(url)
        self.mysql = self.engine.dialect.name in ("mysql", "mariadb")
        if create:
            self._create(engine)
        self.schema = json.loads((HERE / "schema.json").read_text())["tables"]
        inspector = sa.inspect(self.engine)
        self.columns = {
            t: {c["name"] for c in inspector.get_columns(t)}
            for t in inspector.get_table_names()
            if t in self.schema or t.startswith("didier_")
        }
        self.tables = [t for t in self.schema if t in self.columns]
        # Leases are renewed by the running server while it holds locks of other tables.
        kept = ("token", "version", "secret", "setting", "lease")
        self.own = [t for t in self.columns if t.startswith("didier_") and not any(k in t for k in kept)]

    def _create(self, engine):
        tables = json.loads((HERE / "schema.json").read_text())["tables"]
        with self.engine.begin() as conn:
            for name, table in tables.items():
                conn.exec_driver_sql(f"DROP TABLE IF EXISTS `{name}`")
                lines = [self._column(c) for c in table["columns"]]
                lines += [self._index(i) for i in table.get("indexes", [])]
                kind = "MEMORY" if table["engine"] == "MEMORY" else engine or table["engine"]
                conn.exec_driver_sql(
                    f"CREATE TABLE `{name}` ({', '.join(lines)}) ENGINE={kind} "
                    "DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_unicode_ci".replace("%", "%%")
                )

    @staticmethod
    def _column(column):
        sql = f"`{column['name']}` {column['type']}" + ("" if column["nullable"] else " NOT NULL")
        if "default_expression" in column:
            sql += f" DEFAULT {column['default_expression']}"
        elif "default" in column:
            value = column["default"]
            if value is None:
                sql += " DEFAULT NULL"
            else:
                sql += " DEFAULT '" + str(value).replace("'", "''") + "'"
        extra = column.get("extra", "")
        return sql + (f" {extra}" if extra else "")

    @staticmethod
    def _index(index):
        columns = ", ".join(f"`{c}`" for c in index["columns"])
        if index["name"] == "PRIMARY":
            return f"PRIMARY KEY ({columns})"
        return f"{'UNIQUE ' if index.get('unique') else ''}KEY `{index['name']}` ({columns})"

    def load(self, fixture, moment):
        with self.engine.begin() as conn:
            if self.mysql:
                conn.exec_driver_sql("SET FOREIGN_KEY_CHECKS=0")
            for table in self._used(conn):
                conn.exec_driver_sql(f"TRUNCATE TABLE `{table}`" if self.mysql else f"DELETE FROM `{table}`")
            if (
                not self.mysql
                and conn.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name='sqlite_sequence'").first()
            ):
                conn.exec_driver_sql("DELETE FROM sqlite_sequence")
            for own in self._filled(conn, self.own):
                conn.exec_driver_sql(f"DELETE FROM `{own}`")
            if "system_settings" in self.columns:
                values = {**BASE_SETTINGS, **fixture.get("system_settings", {})}
                values = {k: v for k, v in values.items() if k in self.columns["system_settings"]}
                conn.exec_driver_sql("DELETE FROM system_settings")
                self._insert(conn, "system_settings", values, moment)
            for table, rows in fixture.items():
                if table == "system_settings":
                    continue
                if table not in self.columns:
                    raise LookupError(f"table {table} is missing in the database under test")
                for row in rows:
                    self._insert(conn, table, row, moment)

    def _used(self, conn):
        """VICIdial's tables that have rows, or had some with ids; MariaDB makes each anew to empty it."""
        tables = [t for t in self.tables if t != "system_settings"]
        counted = set()
        if self.mysql:
            query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            counted = set(conn.exec_driver_sql(f"{query} AND auto_increment > 1").scalars())
        return counted & set(tables) | self._filled(conn, tables)

    @staticmethod
    def _filled(conn, tables):
        """Those of *tables* that have rows."""
        looks = [f"SELECT '{t}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{t}`)" for t in tables]
        if conn.dialect.name == "sqlite":
            looks = [look.replace(" FROM DUAL", "") for look in looks]
        return set(conn.exec_driver_sql(" UNION ALL ".join(looks)).scalars())

    def _insert(self, conn, table, row, moment):
        row = {k: self._time(v, moment) for k, v in row.items() if k in self.columns[table]}
        names = ", ".join(f"`{k}`" for k in row)
        marks = ", ".join(f":{k}" for k in row)
        conn.execute(sa.text(f"INSERT INTO `{table}` ({names}) VALUES ({marks})"), row)

    @staticmethod
    def _time(value, moment):
        found = re.fullmatch(r"<NOW(?:([+-]\d+)s)?>", value) if isinstance(value, str) else None
        if not found:
            return value
        return (moment + datetime.timedelta(seconds=int(found[1] or 0))).strftime("%Y-%m-%d %H:%M:%S")

    def rows(self, table, order):
        with self.engine.connect() as conn:
            found = conn.exec_driver_sql(f"SELECT * FROM `{table}` ORDER BY {order}").mappings().all()
        return [{k: plain(v) for k, v in r.items()} for r in found]


def plain(value):
    if isinstance(value, (datetime.datetime, datetime.date)):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, (int, float)) else str(value)


def quote(text):
    return urllib.parse.quote(str(text), safe="[]")


def send(base, request):
    url = urllib.parse.urlsplit(base)
    if "raw_query" in request:
        query = request["raw_query"]
    else:
        query = "&".join(f"{quote(k)}={quote(v)}" for k, v in request.get("query", []))
    headers, body = dict(request.get("headers", [])), None
    if "form" in request:
        body = "&".join(f"{quote(k)}={quote(v)}" for k, v in request["form"]).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif "multipart" in request:
        mark = uuid.uuid4().hex
        parts = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
            for k, v in request["multipart"]
        )
        body, headers["Content-Type"] = (
            (parts + f"--{mark}--\r\n").encode(),
            f"multipart/form-data; boundary={mark}",
        )
    elif "raw_body" in request:
        body = request["raw_body"].encode()
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=60)
    try:
        target = url.path.rstrip("/") + "/vicidial/non_agent_api.php" + (f"?{query}" if query else "")
        connection.request(request["method"], target, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def masked(text):
    """VICIdial echoes the password of a refused login; the server under test must print *** there."""
    return re.sub(r"(Login incorrect, please try again: \|[^|]*\|)[^|]*(\|)", r"\1***\2", text)


def without_secrets(value, secrets):
    """Replace each password of the requests that stands alone between bars by ***."""
    if isinstance(value, str):
        for secret in secrets:
            value = re.sub(rf"(?<=\|){re.escape(secret)}(?=\|)", "***", value)
    return value


def given_passwords(scenario):
    pairs = [
        pair
        for request in scenario["requests"]
        for kind in ("query", "form")
        for pair in request.get(kind, [])
    ]
    return {value for name, value in pairs if name == "agent_pass" and len(value) > 1}


def pattern(text):
    """The recorded answer as an expression in which placeholders match any value."""
    out = re.escape(text)
    for name, expression in {
        "<NOW>": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
        "<EPOCH>": r"\d+",
        "<RUN_TIME>": r"\d+",
        "<API_URL>": r"\S+",
        "<HOSTNAME>": r"\S+",
    }.items():
        out = out.replace(re.escape(name), expression)
    return out


def loosen(text):
    text = re.sub(r"(DID HAS BEEN ADDED - [^|\n]*\|[^|\n]*\|[^|\n]*\|)\d+", r"\1ID", text)
    return re.sub(r"(did_id: )\d+|(DID HAS BEEN DELETED - [^|\n]*\|[^|\n]*\|)\d+", r"\1\2ID", text)


def matches(expected, got, loose):
    if isinstance(expected, str):
        expected = masked(expected)
    if expected == got or (got is not None and str(expected) == str(got)):
        return True
    if not isinstance(expected, str):
        return False
    if loose:
        expected, got = loosen(expected), loosen(str(got))
    return (
        re.fullmatch(pattern(expected), str(got), re.S) is not None if got is not None else expected is None
    )


def compare_rows(label, expected, got, columns, loose, problems):
    if len(expected) != len(got):
        problems.append(f"{label}: {len(expected)} rows expected, {len(got)} found")
        return
    for number, (want, have) in enumerate(zip(expected, got, strict=True)):
        for column in columns(want):
            if column in have and not matches(want[column], have[column], loose):
                problems.append(
                    f"{label} row {number} {column}: expected {want[column]!r}, found {have[column]!r}"
                )


def did_columns(loose):
    skipped = {"modify_stamp", *(("did_id",) if loose else ())}
    return lambda row: [c for c in row if c not in skipped]


def restore_dropped(rows, fixture):
    """Expect what VICIdial's copy_did loses as it is in the source of the copy.

    The other columns of the copy, as its description and custom fields, are expected as they were recorded.
    """
    given = [r for r in fixture.get("vicidial_inbound_dids", []) if any(c in r for c in DROPPED_BY_VICIDIAL)]
    known = {r["did_pattern"] for r in fixture.get("vicidial_inbound_dids", [])}
    for row in rows:
        if row["did_pattern"] not in known and len(given) == 1:
            row.update({c: given[0][c] for c in DROPPED_BY_VICIDIAL if c in given[0]})
    return rows


def check(scenario, database, base, loose, scope):
    problems, fixture, secrets = [], scenario["fixture"], given_passwords(scenario)
    database.load(fixture, datetime.datetime.now())
    before = {r["user"]: r for r in database.rows("vicidial_users", "user")}
    for number, request in enumerate(scenario["requests"], 1):
        status, body = send(base, request)
        want = request["response"]
        if status != want["status"]:
            problems.append(f"request {number}: status {want['status']} expected, {status} found")
        wanted = without_secrets(want["body"], secrets)
        if not matches(wanted, body, loose):
            problems.append(f"request {number}: answer\n      expected {wanted!r}\n      found    {body!r}")
    if scope == "answer":
        return problems
    after = scenario["after"]
    if "vicidial_inbound_dids" in after:
        rows = [dict(r) for r in after["vicidial_inbound_dids"]]
        if scenario["function"] == "copy_did":
            rows = restore_dropped(rows, fixture)
        compare_rows(
            "vicidial_inbound_dids",
            rows,
            database.rows("vicidial_inbound_dids", "did_id"),
            did_columns(loose),
            loose,
            problems,
        )
    if after.get("vicidial_api_log"):
        rows = [{k: without_secrets(v, secrets) for k, v in r.items()} for r in after["vicidial_api_log"]]
        compare_rows(
            "vicidial_api_log",
            rows,
            [
                r
                for r in database.rows("vicidial_api_log", "api_id")
                if "Login" not in (r["result_reason"] or "")
            ],
            lambda row: [c for c in API_LOG if c in row],
            loose,
            problems,
        )
    if "vicidial_admin_log" in after:
        columns = [c for c in ADMIN_LOG if not (loose and c == "record_id")]
        compare_rows(
            "vicidial_admin_log",
            after["vicidial_admin_log"],
            database.rows("vicidial_admin_log", "admin_log_id"),
            lambda row: [c for c in columns if c in row],
            loose,
            problems,
        )
    for table, order in RANKS.items():
        if table in after and table in database.columns:
            compare_rows(
                table, after[table], database.rows(table, order), lambda row: list(row), loose, problems
            )
    changed = {c["user"]: c["columns"] for c in (after.get("vicidial_users") or {}).get("changed", [])}
    now = {r["user"]: r for r in database.rows("vicidial_users", "user")}
    for user, row in before.items():
        for column, value in row.items():
            if column in USER_IGNORED or user not in now:
                continue
            want = changed.get(user, {}).get(column, {}).get("after", value)
            if not matches(want, now[user][column], loose):
                problems.append(
                    f"vicidial_users {user} {column}: expected {want!r}, found {now[user][column]!r}"
                )
    return problems


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--engine")
    parser.add_argument("--loose-ids", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--deviations", type=Path, default=HERE / "deviations.json")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args(arguments)

    database = Database(options.database, options.create, options.engine)
    deviations = json.loads(options.deviations.read_text()) if options.deviations.exists() else {}
    passed, failed, skipped, report = 0, 0, 0, {}
    for path in options.recordings:
        for scenario in json.loads(path.read_text())["scenarios"]:
            name = scenario["name"]
            if options.only not in name:
                continue
            scope = deviations.get(name, {}).get("compare", "everything")
            if scope == "nothing" or scenario.get("environment_dependent"):
                skipped += 1
                continue
            try:
                problems = check(scenario, database, options.url, options.loose_ids, scope)
            except (OSError, http.client.HTTPException, LookupError, sa.exc.SQLAlchemyError) as error:
                problems = [f"{type(error).__name__}: {error}"]
            report[name] = problems
            passed, failed = passed + (not problems), failed + bool(problems)
            if problems:
                print(f"FAIL {name}: {scenario['description']}")
                for problem in problems[:6]:
                    print(f"    {problem}")
    database.engine.dispose()
    if options.report:
        options.report.write_text(json.dumps(report, indent=1))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
