#!/usr/bin/env python3
"""Replay recorded inbound calls against a FastAGI server and compare its commands, log rows and web requests.

Usage:
    replay_agi.py --agi agi://127.0.0.1:4573/did_route --database URL [--create] [--engine InnoDB]
                  [--schema FILE ...] [--server-ip 127.0.0.1] [--only TEXT] [--deviations FILE] [--report FILE]
                  RECORDING.json ...

--database is the SQLAlchemy URL of the database that the server under test uses; --server-ip is the address which
that server takes as its own (VARserver_ip of VICIdial). With --create the tables of the --schema files (as a rule
schema.json here and in the folder above) are created there first (MariaDB only; an embedded database brings its own).

Each scenario empties the tables the routing touches, inserts its fixture, and then plays Asterisk: it connects,
sends the AGI environment, answers one command after the other as Asterisk does and stops when the server closes the
connection. Compared are

  * the commands, verbatim and in order,
  * the rows of every table named in the scenario's "rows" (the harness waits up to 2 seconds for them), and
  * the requests that reached the harness's own web server, which stands in for a DID's filter_url (percent signs
    and plus signs decoded on both sides).

Placeholders in a scenario: {now} {now-30s} {now+60s} a time, {today-3d} a date, {epoch} seconds, {stamp} a time as
YYYYMMDDhhmmss, {uniqueid} the agi_uniqueid sent, {uniqueid:20} its first 20 characters, {server_ip}, {http} the base
address of the harness's web server, {http_closed} an address where nothing listens, {id} any number.

deviations.json leaves out or replaces what is expected: {"scenario": {"compare": "everything" | "commands" | "rows" |
"nothing", "commands": [...], "rows": {...}, "http": [...], "why": "..."}}; what it does not name stays as recorded.

Exit status 0 when everything that is compared is equal. The last line is "N passed, N failed, N skipped".
"""

import argparse
import datetime
import http.server
import json
import re
import socket
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
TOUCHED = (
    "servers", "system_settings", "phones", "vicidial_inbound_dids", "vicidial_filter_phone_numbers", "vicidial_dnc",
    "vicidial_campaign_dnc", "vicidial_settings_containers", "vicidial_lists", "vicidial_list", "vicidial_log",
    "vicidial_closer_log", "vicidial_live_agents", "vicidial_auto_calls", "vicidial_did_log", "call_log",
    "vicidial_did_agent_log", "vicidial_did_gateway_log", "recording_log", "vicidial_url_log",
)
AUTOMATIC = {"recording_log": ("recording_id",), "vicidial_url_log": ("url_log_id", "response_sec")}
ROWS_WITHIN = 2.0  # seconds a server may take to write its rows after the call left
SILENCE = 15.0  # seconds without a command after which a call counts as stuck
CLOCK_SLACK = 5  # seconds a recorded time may lie outside the duration of the call

TEMPLATE = {
    "agi_channel": "SIP/trunk1-00000001", "agi_language": "en", "agi_type": "SIP", "agi_uniqueid": "",
    "agi_version": "18.26.4", "agi_callerid": "7275551212", "agi_calleridname": "unknown", "agi_callingpres": "0",
    "agi_callingani2": "0", "agi_callington": "0", "agi_callingtns": "0", "agi_dnid": "", "agi_rdnis": "unknown",
    "agi_context": "trunkinbound", "agi_extension": "18005550100", "agi_priority": "1", "agi_enhanced": "0.0",
    "agi_accountcode": "", "agi_threadid": "140222779365056",
}


# Placeholders

class Moment:
    """The values that the placeholders of one run stand for."""

    def __init__(self, number, server_ip, web):
        self.start = datetime.datetime.now().replace(microsecond=0)
        self.server_ip, self.web = server_ip, web
        self.uniqueid = f"{int(self.start.timestamp())}.{number}"

    def fill(self, value):
        """A fixture value, an environment field or a reply with its placeholders replaced."""
        if not isinstance(value, str) or "{" not in value:
            return value
        value = re.sub(r"\{now(?:([+-]\d+)s)?\}", lambda m: str(self.start + datetime.timedelta(
            seconds=int(m[1] or 0))), value)
        value = re.sub(r"\{today(?:([+-]\d+)d)?\}", lambda m: str(self.start.date() + datetime.timedelta(
            days=int(m[1] or 0))), value)
        for name, text in (("epoch", str(int(self.start.timestamp()))), ("uniqueid", self.uniqueid),
                           ("uniqueid:20", self.uniqueid[:20]), ("server_ip", self.server_ip),
                           ("http", self.web.base), ("http_closed", self.web.closed)):
            value = value.replace("{%s}" % name, text)
        return value

    def matches(self, expected, found):
        """Whether a found value is the expected one; times must lie within the run."""
        if expected is None or found is None:
            return expected is None and found is None
        if not isinstance(expected, str):
            return str(expected) == str(found) or (isinstance(found, float) and float(expected) == found)
        parts, names = [], []
        for piece in re.split(r"(\{(?:now|epoch|stamp|id)\})", expected):
            kind = {"{now}": r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", "{epoch}": r"(\d+)", "{stamp}": r"(\d{14})",
                    "{id}": r"(\d+)"}.get(piece)
            parts.append(kind or re.escape(str(self.fill(piece))))
            if kind:
                names.append(piece)
        hit = re.fullmatch("".join(parts), str(found), re.S)
        return bool(hit) and all(self._within(n, v) for n, v in zip(names, hit.groups()))

    def _within(self, name, text):
        if name == "{id}":
            return True
        if name == "{epoch}":
            then = datetime.datetime.fromtimestamp(int(text))
        else:
            then = datetime.datetime.strptime(text, "%Y%m%d%H%M%S" if name == "{stamp}" else "%Y-%m-%d %H:%M:%S")
        slack = datetime.timedelta(seconds=CLOCK_SLACK)
        return self.start - slack <= then <= datetime.datetime.now() + slack


# The three sides of the server under test: database, web, Asterisk

class Database:
    """The tables of the server under test, reached beside it."""

    def __init__(self, url, schema=(), engine=None):
        self.engine = sa.create_engine(url)
        self.mysql = self.engine.dialect.name in ("mysql", "mariadb")
        if schema:
            self._create(schema, engine)
        inspector = sa.inspect(self.engine)
        self.columns = {t: {c["name"] for c in inspector.get_columns(t)} for t in inspector.get_table_names()
                        if t in TOUCHED}

    def _create(self, schema, engine):
        known = {}
        for path in schema:
            known.update(json.loads(path.read_text())["tables"])
        with self.engine.begin() as conn:
            conn.exec_driver_sql("SET SESSION innodb_strict_mode=OFF")  # system_settings is too wide for InnoDB's check
            for name in TOUCHED:
                table = known[name]
                conn.exec_driver_sql(f"DROP TABLE IF EXISTS `{name}`")
                lines = [self._column(c) for c in table["columns"]] + [self._index(i) for i in table.get("indexes", [])]
                kind = "MEMORY" if table["engine"] == "MEMORY" else engine or table["engine"]
                conn.exec_driver_sql(
                    f"CREATE TABLE `{name}` ({', '.join(lines)}) ENGINE={kind} "
                    f"DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_unicode_ci".replace("%", "%%"))

    @staticmethod
    def _column(column):
        sql = f"`{column['name']}` {column['type']}" + (" NULL" if column["nullable"] else " NOT NULL")
        if "default_expression" in column:
            sql += f" DEFAULT {column['default_expression']}"
        elif "default" in column:
            value = column["default"]
            sql += " DEFAULT NULL" if value is None else " DEFAULT '" + str(value).replace("'", "''") + "'"
        extra = column.get("extra", "")
        return sql + (f" {extra}" if extra else "")

    @staticmethod
    def _index(index):
        columns = ", ".join(f"`{c}`" for c in index["columns"])
        if index["name"] == "PRIMARY":
            return f"PRIMARY KEY ({columns})"
        return f"{'UNIQUE ' if index.get('unique') else ''}KEY `{index['name']}` ({columns})"

    def load(self, fixture, moment):
        """Empty every table the routing touches, then insert the fixture."""
        with self.engine.begin() as conn:
            if self.mysql:
                conn.exec_driver_sql("SET SESSION sql_mode='NO_ENGINE_SUBSTITUTION', FOREIGN_KEY_CHECKS=0")
            for table in self.columns:
                conn.exec_driver_sql(f"DELETE FROM `{table}`")
            for table, rows in fixture.items():
                if table not in self.columns:
                    raise LookupError(f"table {table} is missing in the database under test")
                for row in rows:
                    lost = set(row) - self.columns[table]
                    if lost:
                        raise LookupError(f"table {table} has no column {', '.join(sorted(lost))}")
                    names = ", ".join(f"`{k}`" for k in row)
                    marks = ", ".join(f":{k}" for k in row)
                    conn.execute(sa.text(f"INSERT INTO `{table}` ({names}) VALUES ({marks})"),
                                 {k: moment.fill(v) for k, v in row.items()})

    def rows(self, table):
        with self.engine.connect() as conn:
            found = conn.exec_driver_sql(f"SELECT * FROM `{table}`").mappings().all()
        return [{k: plain(v) for k, v in row.items()} for row in found]


def plain(value):
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or isinstance(value, (int, float)):
        return value
    return re.sub(r"(\d\d:\d\d:\d\d)\.0+$", r"\1", str(value))


class Web:
    """A loopback web server: gives the recorded answers in turn and remembers what was asked."""

    def __init__(self):
        self.answers, self.requests = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.encode("latin-1").decode("utf-8", "replace")
                outer.requests.append(f"{self.command} {path}")
                number = len(outer.requests) - 1
                answer = outer.answers[number] if number < len(outer.answers) else {"status": 404, "answer": ""}
                body = answer["answer"].encode()
                self.send_response(answer.get("status", 200))
                for name, value in answer.get("headers", {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_HEAD = do_PUT = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        with socket.socket() as spare:
            spare.bind(("127.0.0.1", 0))
            self.closed = f"http://127.0.0.1:{spare.getsockname()[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def expect(self, answers):
        self.answers, self.requests = answers, []


def environment(call, moment, network=None):
    """The AGI environment as Asterisk sends it, up to and including the blank line."""
    fields = {k: moment.fill(v) for k, v in {**TEMPLATE, **call}.items()}
    fields["agi_uniqueid"] = moment.uniqueid = fields["agi_uniqueid"] or moment.uniqueid
    fields["agi_dnid"] = fields["agi_dnid"] or fields["agi_extension"]
    first = {"agi_request": "agi-DID_route.agi"}
    if network:
        script = urllib.parse.urlsplit(network).path.lstrip("/")
        first = {"agi_network": "yes", **({"agi_network_script": script} if script else {}), "agi_request": network}
    return "".join(f"{k}: {v}\n" for k, v in {**first, **fields}.items()) + "\n"


def reply(command, overrides, moment):
    """What Asterisk 18 answers to a command; a refused syntax is answered by several lines."""
    for start, lines in overrides.items():
        if command.startswith(start):
            return "".join(moment.fill(line) + "\n" for line in lines)
    verb = next((v for v in ("SET CONTEXT", "SET EXTENSION", "SET PRIORITY", "SET CALLERID") if command.startswith(v)),
                None)
    if verb and len(words(command[len(verb):])) != 1:
        return (f"520-Invalid command syntax.  Proper usage follows:\n Usage: {verb} <value>\n"
                "\tChanges the value for continuation upon exiting the application.\n520 End of proper usage.\n")
    if verb == "SET CALLERID" or command.startswith("VERBOSE") or command.startswith("SET VARIABLE"):
        return "200 result=1\n"
    if verb or command.startswith(("GET VARIABLE", "GET FULL VARIABLE", "EXEC", "NOOP", "ANSWER")):
        return "200 result=0\n"
    return "510 Invalid or unknown command\n"


def words(text):
    """The arguments of a command: blanks part them, double quotes hold them together, a backslash escapes."""
    found, word, quoted, escaped = [], None, False, False
    for char in text:
        if escaped:
            word, escaped = (word or "") + char, False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted, word = not quoted, word or ""
        elif char in " \t" and not quoted:
            found, word = found + ([word] if word is not None else []), None
        else:
            word = (word or "") + char
    return found + ([word] if word is not None else [])


def converse(agi, call, overrides, moment):
    """Play Asterisk for one call; returns the commands the server sent."""
    url, commands = urllib.parse.urlsplit(agi), []
    with socket.create_connection((url.hostname, url.port or 4573), timeout=SILENCE) as channel:
        channel.sendall(environment(call, moment, agi).encode())
        buffer = b""
        while True:
            while b"\n" not in buffer:
                try:
                    piece = channel.recv(4096)
                except ConnectionResetError:
                    piece = b""
                if not piece:
                    if buffer:
                        commands.append(buffer.decode("utf-8", "replace") + " [no line end]")
                    return commands
                buffer += piece
            line, buffer = buffer.split(b"\n", 1)
            command = line.decode("utf-8", "replace")
            commands.append(command)
            if buffer:
                commands.append("[sent before the reply] " + buffer.decode("utf-8", "replace"))
                return commands
            try:
                channel.sendall(reply(command, overrides, moment).encode())
            except (BrokenPipeError, ConnectionResetError):
                return commands


# Comparing

def compare_commands(expected, found, moment):
    if len(expected) == len(found) and all(moment.matches(w, h) for w, h in zip(expected, found)):
        return []
    return ["commands\n      expected " + "\n               ".join(map(repr, expected))
            + "\n      found    " + "\n               ".join(map(repr, found))]


def compare_rows(table, expected, found, moment):
    """Rows in any order; columns that are not named in the expected row are not looked at."""
    left, missing = list(found), []
    for want in expected:
        hit = next((r for r in left if not differences(want, r, moment)), None)
        if hit is None:
            missing.append(want)
        else:
            left.remove(hit)
    if len(missing) == len(left) == 1:
        return [f"{table} {c}: expected {missing[0][c]!r}, found {left[0].get(c)!r}"
                for c in differences(missing[0], left[0], moment)]
    return ([f"{table}: row missing: {row}" for row in missing] + [f"{table}: row not expected: {row}" for row in left])


def differences(want, have, moment):
    return [c for c, v in want.items() if c not in have or not moment.matches(v, have[c])
            and not (c == "url" and None not in (v, have[c]) and decoded(moment.fill(v)) == decoded(have[c]))]


def decoded(address):
    """An address with its percent signs and plus signs read: the encoding of an equal address may differ."""
    return urllib.parse.unquote_plus(address)


def check(scenario, options, database, web, number):
    exception = options.deviations.get(scenario["name"], {})
    scope = exception.get("compare", "everything")
    expected = {k: exception.get(k, scenario.get(k)) for k in ("commands", "rows", "http")}
    moment = Moment(number, options.server_ip, web)
    call = scenario.get("call", {})
    if call.get("agi_uniqueid"):
        moment.uniqueid = moment.fill(call["agi_uniqueid"])
    database.load(scenario["fixture"], moment)
    web.expect(scenario.get("http") or [])
    problems = []
    commands = converse(options.agi, call, scenario.get("replies", {}), moment)
    if scope != "rows":
        problems += compare_commands(expected["commands"], commands, moment)
    if scope != "commands":
        deadline = time.monotonic() + ROWS_WITHIN
        while True:
            wrong = [p for table, rows in expected["rows"].items()
                     for p in compare_rows(table, rows, database.rows(table), moment)]
            if not wrong or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        problems += wrong
        asked = [r["request"] for r in expected["http"] or [] if "request" in r]
        if [decoded(moment.fill(w)) for w in asked] != [decoded(h) for h in web.requests]:
            problems.append(f"web requests: expected {asked}, found {web.requests}")
    return problems


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--agi", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--create", action="store_true")
    parser.add_argument("--engine")
    parser.add_argument("--schema", type=Path, action="append")
    parser.add_argument("--server-ip", default="127.0.0.1")
    parser.add_argument("--only", default="")
    parser.add_argument("--deviations", type=Path, default=HERE / "deviations.json")
    parser.add_argument("--report", type=Path)
    options = parser.parse_args(arguments)
    options.deviations = json.loads(options.deviations.read_text()) if options.deviations.exists() else {}

    schema = options.schema or [p for p in (HERE.parent / "schema.json", HERE / "schema.json") if p.exists()]
    database, web = Database(options.database, schema if options.create else (), options.engine), Web()
    passed, failed, skipped, report = 0, 0, 0, {}
    number = 0
    for path in options.recordings:
        for scenario in json.loads(path.read_text())["scenarios"]:
            name = scenario["name"]
            if options.only not in name:
                continue
            if options.deviations.get(name, {}).get("compare") == "nothing":
                skipped += 1
                continue
            number += 1
            try:
                problems = check(scenario, options, database, web, number)
            except (OSError, LookupError, sa.exc.SQLAlchemyError) as error:
                problems = [f"{type(error).__name__}: {error}"]
            report[name] = problems
            passed, failed = passed + (not problems), failed + bool(problems)
            if problems:
                print(f"FAIL {name}: {scenario['what']}")
                for problem in problems[:6]:
                    print(f"    {problem}")
    if options.report:
        options.report.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
