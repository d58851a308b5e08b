"""The settings: one row each, from the environment, ``didier.toml`` or a flag, in this order of weight:

a flag of the command line, then the environment (``DIDIER_PORT``), then ``didier.toml`` in the working
directory (or the file that ``DIDIER_CONFIG`` names), then the default.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from tzlocal import get_localzone

from didier.environment import VARIABLES
from didier.errors import WrongSetting

PREFIX = "DIDIER_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = "didier.toml"


def _separate(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _host(value: str) -> str:
    name = value.lower().rstrip(".").removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        if not re.fullmatch(r"(\*\.)?[0-9a-z_-]+(\.[0-9a-z_-]+)*", name):
            raise ValueError("it must be a name or an address, without scheme, port and path") from None
    return name


Item = TypeVar("Item")
Listed = Annotated[tuple[Item, ...], NoDecode, BeforeValidator(_separate)]
"""A list: in the environment as one text with commas between, in the file also as a list."""

Host = Annotated[str, AfterValidator(_host)]
Context = Annotated[str, Field(pattern=r"^[^\s\[\]]{1,80}$")]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(ipaddress.ip_network)]


GONE = {"lenient_port": "`port` takes addresses that are not percent-encoded now; leave this setting out"}
"""Settings that there were, and what is in their place."""


class Settings(BaseSettings):
    """Every setting of Didier."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    database: str = Field(
        "sqlite:///didier.db",
        description="Database: sqlite:///FILE, or mysql+pymysql://USER:PASSWORD@HOST/DATABASE",
        repr=False,
    )
    astguiclient_conf: str | None = Field(
        None,
        min_length=1,
        description="VICIdial's /etc/astguiclient.conf, which names the database, instead of `database`",
    )
    key_file: str | None = Field(
        None,
        min_length=1,
        description="File with the installation's key, which encrypts second factors and secrets of webhooks;"
        " only its owner may read it. Default: beside the embedded database, `didier.key` for"
        " `didier.db`; with MariaDB `didier.key` in the working directory, the same on all nodes",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level of messages that are logged; requests are logged at info"
    )
    log_reads: bool = Field(
        False,
        description="Whether reads of the JSON API and the panel are lines of the API log too; changes,"
        " exports and refusals always are",
    )
    body_limit: int = Field(1_000_000, ge=1_000, description="Largest request body that is read, in bytes")
    waiting_limit: int = Field(
        10_000, ge=1, description="Most requests that may wait to be stored; any more get 503"
    )
    upload_limit: int = Field(
        100_000_000, ge=1_000, description="Largest text or CSV body that the JSON API reads, in bytes"
    )
    batch_limit: int = Field(1_000_000, ge=1, le=100_000_000, description="Most targets of a batch")
    parse_seconds: float = Field(
        30.0,
        gt=0,
        description="Most processor time for reading the targets of a request",
    )
    region: str = Field(
        "US",
        pattern="^[A-Z]{2}$",
        description="Country, as two letters, whose number formats are understood",
    )
    rate_limit: int = Field(
        600, ge=0, description="Most JSON API requests per minute and caller; 0 for no limit"
    )
    tls_cert: str | None = Field(
        None, min_length=1, description="PEM file with the certificate, followed by its chain: serve TLS"
    )
    tls_key: str | None = Field(None, min_length=1, description="PEM file with the key of `tls_cert`")
    trusted_proxies: Listed[Network] = Field(
        (),
        description="Addresses or networks of proxies, separated by commas, whose X-Forwarded-For and"
        " X-Forwarded-Proto are trusted",
    )
    allowed_hosts: Listed[Host] = Field(
        (),
        description="Names under which the server answers, separated by commas; `*.example.com` covers all"
        " names below it; none: any name",
    )
    connection_limit: int = Field(
        20_000, ge=1, description="Most connections at once; any more wait for one to end"
    )
    idle_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest wait for the headers of a request, on a new or open connection",
    )
    body_seconds: float = Field(
        30.0,
        gt=0,
        description="Longest wait for a body; texts up to `upload_limit` get one more second per 10 kB",
    )
    reading_seconds: float = Field(
        60.0,
        gt=0,
        description="Longest time a client may read nothing of its answer before it is disconnected",
    )
    stop_seconds: float = Field(
        30.0, ge=0, description="Longest wait for running requests when the server stops"
    )

    agi_host: str = Field("127.0.0.1", min_length=1, description="Address to listen on for Asterisk")
    agi_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port on which Asterisk asks by FastAGI where calls go: 4573, as a rule",
    )
    agi_networks: Listed[Network] = Field(
        (),
        description="Addresses or networks, separated by commas, from which Asterisk may ask besides this"
        " machine",
    )
    agi_server_ip: str | None = Field(
        None,
        min_length=1,
        description="Address under which VICIdial knows the server on which calls arrive; default:"
        " `VARserver_ip` of `astguiclient_conf` while `agi_networks` is empty, else the address from which it"
        " asks",
    )
    agi_seconds: float = Field(
        5.0, gt=0, description="Longest wait for a word of Asterisk, and for the decision on a call"
    )
    agi_connections: int = Field(1_000, ge=1, description="Most calls that are decided on at once")
    agi_url_seconds: float = Field(
        3.0, gt=0, description="Longest wait for the web address that a DID's filter asks"
    )
    agi_url_networks: Listed[Network] = Field(
        (),
        description="Addresses or networks, separated by commas, in which such web addresses may be;"
        " none: any",
    )
    agi_replica: bool = Field(
        True,
        description="With MariaDB: whether a replica of what calls find their way by is kept in a file, by"
        " which they are routed while the database is away, and the rows of their logs in another",
    )
    agi_directory: str = Field(
        ".",
        min_length=1,
        description="Directory of these files, which are called `didier-calls-PORT.db` and"
        " `didier-calls-PORT.spool`; default: the working directory",
    )
    agi_database_seconds: float = Field(
        0.75, gt=0, description="Longest wait for the database, for a call that the replica can route"
    )
    agi_list_limit: int = Field(
        500_000,
        ge=0,
        description="Most rows of a list (filter phone numbers, DNC) that the replica has; a longer one is"
        " empty while the database is away",
    )
    agi_number_forms: bool = Field(
        False,
        description="Whether calls to numbers that are no DID as they are dialled go to the DID with another"
        " spelling of the same number (+, 00, 011, national, by `region`), before `default`",
    )
    agi_metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address on which `didier agi` listens with `agi_metrics_port`"
    )
    agi_metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port on which `didier agi` has `/metrics`, `/healthz` and `/readyz`; `didier serve` has"
        " them at `port`",
    )
    dialplan_contexts: Listed[Context] = Field(
        (),
        description="Contexts of your dialplan, separated by commas, that checks of DIDs are to know besides"
        " those of VICIdial, its servers, phones and call menus",
    )
    lease_seconds: float = Field(
        15.0,
        ge=1,
        le=3600,
        description="With MariaDB: how long after a process was killed another one takes over its work on"
        " large batches",
    )
    reconcile: bool = Field(
        True,
        description="Whether what VICIdial or SQL change in DIDs beside Didier is looked for, and recorded in"
        " their history",
    )
    reconcile_seconds: float = Field(
        300.0,
        ge=1,
        le=86_400,
        description="How long after the beginning of a pass over all DIDs the next one begins; it takes"
        " 2 % of the time at most, so that it may last longer than that",
    )

    check_seconds: float = Field(
        300.0,
        ge=0,
        le=86_400,
        description="How often it is looked with which DIDs something is wrong, so that followers hear of"
        " `check.failed` and `check.passed`; it takes 2 % of the time at most, unless there is something to"
        " tell. 0: never",
    )

    time_zone: str | None = Field(
        None,
        description="Time zone of the times that VICIdial logs, such as America/New_York; default: that of"
        " this machine",
    )
    usage_seconds: float = Field(
        300.0,
        ge=0,
        le=86_400,
        description="How often calls are counted for reports of usage; the last four hours are counted anew"
        " each time. 0: never",
    )
    usage_months: int = Field(
        13, ge=1, le=1_200, description="How many months calls are kept as they were counted"
    )
    usage_database: str | None = Field(
        None,
        min_length=1,
        description="Copy of the MariaDB database (a read replica) in which the logs of calls are read to"
        " count them: mysql+pymysql://USER:PASSWORD@HOST/DATABASE; default: the database itself",
        repr=False,
    )

    feed_days: int = Field(
        90,
        ge=1,
        le=36_500,
        description="How many days of changes those who follow them can catch up; who is behind takes an"
        " export first",
    )

    reported_calls_days: int = Field(
        400,
        ge=1,
        le=36_500,
        description="How many days calls that were reported are kept; older ones are deleted when others are"
        " reported",
    )

    webhook_seconds: float = Field(
        15.0, gt=0, le=300, description="Longest time that sending an event to a webhook may take"
    )
    webhook_networks: Listed[Network] = Field(
        (),
        description="Addresses or networks, separated by commas, that webhooks may be sent to besides the"
        " internet: those of this machine, private and link-local ones are refused",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError("it must be the name of a time zone, such as Europe/Berlin") from None
        return name

    @property
    def zone(self) -> tzinfo:
        """The time zone of what VICIdial logs."""
        return ZoneInfo(self.time_zone) if self.time_zone else get_localzone()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is pydantic-settings'
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file (which `load` reads)."""
        return init_settings, env_settings, _File(settings_cls)


class _File(PydanticBaseSettingsSource):
    """``didier.toml``."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the file is read as a whole."""
        return field, field_name, False

    def __call__(self) -> dict[str, Any]:
        return _read_file(config_file())


def config_file() -> Path | None:
    """Return the settings file that counts, None when there is none."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise WrongSetting(f"{CONFIG_VARIABLE}: there is no file {named}")
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def _read_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WrongSetting(f"{file}: cannot be read: {error}") from error


def load(flags: Mapping[str, Any]) -> Settings:
    """Read the settings; *flags* whose value is None were not given.

    Raises `WrongSetting` with the name of the setting and what is allowed; values that may hold a password
    are never repeated.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE, *VARIABLES}
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise WrongSetting(_unknown(name, name.upper().removeprefix(PREFIX).lower(), sorted(known)))
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise WrongSetting("\n".join(_explain(problem) for problem in error.errors())) from None
    if settings.astguiclient_conf and "database" in settings.model_fields_set:
        raise WrongSetting("database and astguiclient_conf both name a database: give only one")
    return settings


def _unknown(said: str, name: str, known: Iterable[str]) -> str:
    if name in GONE:
        return f"{said}: this setting is gone: {GONE[name]}"
    return f"{said}: there is no such setting; choose from {', '.join(known)}"


_SECRET = ("database", "usage_database")
"""Settings whose values, which may hold a password, are never repeated."""

_SAYING = re.compile("^(Input|Value error,) ")


def _explain(problem: Mapping[str, Any]) -> str:
    name = str(problem["loc"][0])
    if name not in Settings.model_fields:
        return _unknown(name, name, Settings.model_fields)
    given = "" if name in _SECRET else f": {problem['input']!r} is not allowed"
    return f"{name} ({PREFIX}{name.upper()}){given}: {_SAYING.sub('', problem['msg'])}"
