"""VICIdial's configuration file, ``/etc/astguiclient.conf``: where its database is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL

from didier.errors import WrongSetting

DEFAULT_PORT = "3306"

# As VICIdial's own scripts read a line: blanks and ">" do not count, "#" and ";" begin a comment.
_IGNORED = re.compile(r"[\s>]|[#;].*")


@dataclass(frozen=True, slots=True)
class AstguiclientConf:
    """What the file says: the URL of the database, and the address of this VICIdial server if named."""

    database: str = field(repr=False)
    server_ip: str | None


def read(file: Path) -> AstguiclientConf:
    """Read *file*; raise `WrongSetting` that names it and what is missing. No message has the password."""
    values = _values(_text(file))
    url = URL.create(
        "mysql+pymysql",
        username=_required(file, values, "VARDB_user"),
        password=_required(file, values, "VARDB_pass", may_be_empty=True) or None,
        host=_required(file, values, "VARDB_server"),
        port=_port(file, values),
        database=_required(file, values, "VARDB_database"),
    )
    return AstguiclientConf(url.render_as_string(hide_password=False), values.get("VARserver_ip") or None)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError as error:
        raise WrongSetting(f"astguiclient_conf: {file} cannot be read: {error.strerror}") from None


def _values(text: str) -> Mapping[str, str]:
    """Return the values by name; the last of several counts."""
    lines = (_IGNORED.sub("", line).partition("=") for line in text.splitlines())
    return {name: value for name, equals, value in lines if equals}


def _required(file: Path, values: Mapping[str, str], name: str, *, may_be_empty: bool = False) -> str:
    value = values.get(name)
    if value is None or not (value or may_be_empty):
        raise WrongSetting(f"astguiclient_conf: {file} has no {name}")
    return value


def _port(file: Path, values: Mapping[str, str]) -> int:
    text = values.get("VARDB_port") or DEFAULT_PORT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise WrongSetting(f"astguiclient_conf: {file}: VARDB_port {text!r} is not allowed: 1 to 65535")
    return int(text)
