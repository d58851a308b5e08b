"""What an edge is set up with: Kamailio's configuration, the services, the secret of both, and the tables.

All that is written into the files is checked first: they are read by a program that sends calls, and by one
that runs commands.
"""

import os
import pwd
import re
import secrets
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from string import Template

from didier.domain.gateways import NUMBER_MOST
from didier.domain.sip_addresses import PORT_MOST
from didier.edge import tables
from didier.edge.defaults import CALLS_PORT, CONTROL_PORT, SECRET_FILE, USER
from didier.errors import WrongSetting

CONFIGURATION = "kamailio.cfg"
SERVICES = ("didier-kamailio.service", "kamailio-didier.service")

_SIP_PORT = 5060
_LISTEN = re.compile(r"(udp|tcp):(?:\[([0-9a-f:]+)\]|([0-9.]+))(?::([0-9]{1,5}))?", re.ASCII | re.IGNORECASE)
# Neither Kamailio nor systemd reads anything but itself in these characters.
_PATH = re.compile(r"/[\w./+-]*", re.ASCII)
_URL = re.compile(r"https?://[\w.:/\[\]-]+", re.ASCII)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_SECRET = re.compile('#!define CONTROL_SECRET "([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class Installation:
    """An edge in *directory*: *listen* are its sockets as Kamailio writes them, *sources* who may call.

    *default_set* takes the calls to unknown numbers, 0: nobody does. The agent has the command *didier*.
    """

    directory: Path
    listen: tuple[str, ...]
    sources: tuple[str, ...]
    server: str
    token_file: Path
    database: Path
    didier: Path
    default_set: int = 0
    control_port: int = CONTROL_PORT
    calls_port: int = CALLS_PORT
    user: str = USER

    def __post_init__(self) -> None:
        for path in (self.directory, self.token_file, self.database, self.didier):
            _check(_PATH.fullmatch(str(path)), f"{path}", "an absolute path of letters, digits and . _ + - /")
        _check(self.listen, "--listen", "an address at least")
        _check(self.sources, "--from", "a network at least: nobody could call")
        _check(
            _URL.fullmatch(self.server),
            f"--server {self.server}",
            "an address such as https://didier.example",
        )
        _check(_USER.fullmatch(self.user), f"--user {self.user}", "the name of a system user")
        _check(
            0 <= self.default_set <= NUMBER_MOST, f"--default-set {self.default_set}", f"0 to {NUMBER_MOST}"
        )
        ports = [self.control_port, self.calls_port, *map(_port, self.listen)]
        _check(all(0 < port <= PORT_MOST for port in ports), "ports", f"1 to {PORT_MOST}")
        own = {self.control_port, self.calls_port}
        _check(
            len(own) == 2 and own.isdisjoint(ports[2:]),
            "ports",
            "three different ones: for SIP, --rpc-port, --calls-port",
        )

    @property
    def secret_file(self) -> Path:
        """The file with what Kamailio and the agent know each other by."""
        return self.directory / SECRET_FILE

    @property
    def files(self) -> list[Path]:
        """All files that are written, but the database."""
        return [self.secret_file, self.directory / CONFIGURATION, *map(self.directory.joinpath, SERVICES)]


def _check(holds: object, given: str, allowed: str) -> None:
    if not holds:
        raise WrongSetting(f"{given}: it has to be {allowed}")


def listen_address(written: str) -> str:
    """Return a socket as Kamailio writes it, ``udp:10.0.0.1:5060``; the port may be left out.

    Raises `WrongSetting`; also for 0.0.0.0, which others would be told to answer to.
    """
    found = _LISTEN.fullmatch(written)
    try:
        address = ip_address(found[2] or found[3]) if found else None
    except ValueError:
        address = None
    if found is None or address is None or address.is_unspecified or address.is_multicast:
        raise WrongSetting(
            f"--listen {written}: it has to be an address of this machine, as udp:10.0.0.1:5060"
        )
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{found[1].lower()}:{host}:{int(found[4] or _SIP_PORT)}"


def source_network(written: str) -> str:
    """Return a network of those who may call, or one address. Raises `WrongSetting`."""
    try:
        if "%" in written:  # a zone of IPv6, which may be any text
            raise ValueError("zones are not known here")
        return str(ip_network(written))
    except ValueError as error:
        raise WrongSetting(f"--from {written}: it has to be a network, as 203.0.113.0/24: {error}") from None


def _port(listen: str) -> int:
    return int(listen.rpartition(":")[2])


def write(one: Installation, force: bool = False) -> None:
    """Write the files of *one*, and its tables if they are not there.

    Without *force* nothing is written if any of the files is there: `WrongSetting` says which.
    """
    there = [str(file) for file in one.files if file.exists()]
    if there and not force:
        raise WrongSetting(f"{', '.join(there)}: there already; --force writes the files anew")
    owner = _owner(one.user)
    one.directory.mkdir(parents=True, exist_ok=True)
    private = [*_make_tables(one.database), _write_secret(one.secret_file)]
    values = _values(one)
    for name in (CONFIGURATION, *SERVICES):
        template = _Template(Path(__file__).with_name(name).read_text())
        one.directory.joinpath(name).write_text(template.substitute(values))
    for path in private if owner else ():
        os.chown(path, *owner)


def _owner(user: str) -> tuple[int, int] | tuple[()]:
    """Return the ids of *user* and its group, nothing if files cannot be given to others."""
    if os.geteuid() != 0:
        return ()
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise WrongSetting(f"--user {user}: there is no such user; install Kamailio first") from None
    return found.pw_uid, found.pw_gid


def summary(one: Installation) -> list[str]:
    """Return what was written, and what is left to do, as lines."""
    services = [str(one.directory / name) for name in SERVICES]
    lines = [
        f"Written: {', '.join(map(str, [*one.files, one.database]))}.",
        f"Calls are taken at {', '.join(one.listen)} from {', '.join(one.sources)}.",
    ]
    if os.geteuid() != 0:
        lines.append(f"Let {one.user} read {one.secret_file}, and write into {one.database.parent}.")
    if not one.token_file.exists():
        lines.append(f"Put a token of Didier into {one.token_file}, which {one.user} alone can read.")
    return [
        *lines,
        f"Check with: kamailio -c -f {one.directory / CONFIGURATION}",
        f"Start both with: systemctl enable --now {' '.join(services)}",
    ]


class _Template(Template):
    delimiter = "@"  # neither of the files has a use for it


def _values(one: Installation) -> dict[str, object]:
    hosts = {listen.partition(":")[2].rpartition(":")[0] for listen in one.listen}
    return {
        "listen": "\n".join(f"listen={listen}" for listen in one.listen),
        "several": "yes" if len(hosts) > 1 else "no",
        "sources": " || ".join(f"src_ip == {network}" for network in one.sources),
        "networks": ",".join(one.sources),
        "default_set": one.default_set,
        "control_port": one.control_port,
        "calls_port": one.calls_port,
        "secret_file": one.secret_file,
        "directory": one.directory,
        "database": one.database,
        "database_directory": one.database.parent,
        "server": one.server,
        "token_file": one.token_file,
        "didier": one.didier,
        "user": one.user,
    }


def _make_tables(database: Path) -> list[Path]:
    """Make the tables, without which Kamailio does not start; return what has to be its user's.

    A directory that was there stays whose it is.
    """
    made = [] if database.parent.exists() else [database.parent]
    database.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with closing(tables.connect(database)) as connection:
        connection.executescript(tables.SCHEMA)
    return [*made, *database.parent.glob(f"{database.name}*")]


def _write_secret(file: Path) -> Path:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as text:
        text.write(f'#!define CONTROL_SECRET "{secrets.token_hex(32)}"\n')
    return file


def read_secret(file: Path) -> str:
    """Return the secret that init has written into *file*. Raises `WrongSetting`."""
    try:
        found = _SECRET.match(file.read_text(errors="replace"))
    except OSError as error:
        raise WrongSetting(f"{file}: {error.strerror}") from None
    if not found:
        raise WrongSetting(f"{file}: no secret of `didier kamailio init` is there")
    return found[1]
