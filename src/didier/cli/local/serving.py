"""Serves, and makes databases, for `didier serve`, `didier agi` and `didier init`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Engine

from didier import config, tutorial
from didier.agi.server import AgiServer
from didier.cli.local import database_url
from didier.cli.terminal import say
from didier.config import Settings
from didier.errors import DatabaseAway, DatabaseInUse, WrongSetting
from didier.logging import configure
from didier.runtime.calls import PORT, WAIT_SECONDS, Calls
from didier.runtime.outage import OutageWatch
from didier.runtime.process import Process, Transport
from didier.runtime.runtime import Runtime
from didier.services.system import demo as demo_data
from didier.services.users import directory
from didier.storage import migrations
from didier.storage.database import (
    check_connection,
    database_file,
    open_engine,
    parse_url,
    reading,
    with_limit,
)
from didier.vicidial import conf
from didier.web.app import create_app, create_watched_app
from didier.web.legacy import PATH
from didier.web.server import HttpServer, check_ports, check_tls

DEMO_DATABASE = "sqlite:///didier-demo.db"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def serve(demo: bool, flags: Mapping[str, str | None]) -> None:
    """Serve until a signal comes, with the settings in *flags*; *demo*: the tutorial's DID and user.

    The demonstration's own file has more than these; a database that is named has nothing else.
    """
    furnished = flags["database"] is None
    if demo and furnished:
        flags = {**flags, "database": DEMO_DATABASE}
    settings = config.load(flags)
    if demo:
        _check_private(settings)
    check_tls(settings)
    settings = _with_server_ip(settings)
    engine = open_engine(database_url(settings), create=demo)
    if settings.agi_port and (away := _away(engine)) and not _routed_meanwhile(engine, settings, away):
        return
    migrations.upgrade(engine)
    _check_demo(engine, demo, furnished)
    _run(engine, settings, demo)


def _check_private(settings: Settings) -> None:
    """Refuse to serve the sample user, whose password is public, to others than this machine."""
    if settings.host not in LOOPBACK:
        raise WrongSetting(
            f"host: {settings.host!r} is not allowed with --demo, whose password is public;"
            f" allowed are {', '.join(sorted(LOOPBACK))}"
        )
    if settings.trusted_proxies:
        raise WrongSetting(
            "trusted_proxies: not allowed with --demo, whose password is public: a proxy would show it to"
            " others"
        )


def _check_demo(engine: Engine, demo: bool, furnished: bool) -> None:
    with engine.begin() as conn:
        if demo:
            demo_data.fill(conn, datetime.now(), furnished=furnished)
        elif demo_data.is_demo(conn):
            raise DatabaseInUse(
                "this database was created by --demo and has a user with a public password;"
                " 'didier init' creates one for real use"
            )


def _run(engine: Engine, settings: Settings, demo: bool) -> None:
    configure(settings.log_level)
    check_ports(settings)
    runtime = Runtime(engine, settings)
    app = create_app(runtime, demo=demo)
    transports: list[Transport] = [HttpServer(app, settings)]
    if runtime.calls:
        transports.append(AgiServer(runtime.calls.router, settings, runtime.calls.live))
    # Looked up before it is said: once requests are taken, a database that is lost is no reason to end.
    greeting = _greeting(engine, settings, demo)
    Process(runtime, transports, settings.stop_seconds, lambda: say(*greeting)).run()


def serve_calls(flags: Mapping[str, str | None]) -> None:
    """Serve FastAGI alone until a signal comes, with the settings in *flags*.

    With a replica that is complete it starts without the database.
    """
    settings = _with_server_ip(config.load(flags))
    settings = settings.model_copy(update={"agi_port": settings.agi_port or PORT})
    engine = open_engine(database_url(settings))
    configure(settings.log_level)
    check_ports(settings, (("agi_host", "agi_port"), ("agi_metrics_host", "agi_metrics_port")))
    if (away := _away(engine)) is None:
        migrations.upgrade(engine)
    calls = _calls(engine, settings, away)
    transports: list[Transport] = [AgiServer(calls.router, settings, calls.live)]
    if settings.agi_metrics_port:
        check_tls(settings)
        here = {"host": settings.agi_metrics_host, "port": settings.agi_metrics_port}
        transports.append(HttpServer(create_watched_app(calls, settings), settings.model_copy(update=here)))
    Process(calls, transports, settings.stop_seconds, lambda: say(_for_asterisk(settings))).run()


def _away(engine: Engine) -> DatabaseAway | None:
    """Return why the database does not answer at the moment; None where it does, or is a file."""
    if database_file(engine.url):
        return None
    impatient = with_limit(engine, WAIT_SECONDS)
    try:
        check_connection(impatient)
    except DatabaseAway as error:
        return error
    finally:
        impatient.dispose()
    return None


def _calls(engine: Engine, settings: Settings, away: DatabaseAway | None) -> Calls:
    """Return what routes calls; raise *away* if it cannot do without the database, which is so."""
    calls = Calls(engine, settings)
    if away:
        if not calls.can_do_without:
            raise away
        calls.outage.begin(str(away))
    return calls


def _routed_meanwhile(engine: Engine, settings: Settings, away: DatabaseAway) -> bool:
    """Route calls until the database answers; say whether it does: a signal may have come before."""
    configure(settings.log_level)
    check_ports(settings)
    calls = _calls(engine, settings, away)
    watch = OutageWatch(calls.outage)
    say("The database is away: calls alone are answered until it is back")
    transports: list[Transport] = [AgiServer(calls.router, settings, calls.live), watch]
    Process(calls, transports, settings.stop_seconds, lambda: say(_for_asterisk(settings))).run()
    return watch.is_over


def _with_server_ip(settings: Settings) -> Settings:
    """Take the address of the server from VICIdial's file, where no other server may ask."""
    if settings.agi_server_ip or settings.agi_networks or not settings.astguiclient_conf:
        return settings
    named = conf.read(Path(settings.astguiclient_conf)).server_ip
    return settings.model_copy(update={"agi_server_ip": named})


def _greeting(engine: Engine, settings: Settings, demo: bool) -> Sequence[str]:
    scheme = "https" if settings.tls_cert else "http"
    base = f"{scheme}://{_in_address(settings.host)}:{settings.port}"
    lines = [f"Didier serves {base}/ (admin panel: {base}/admin/)"]
    if settings.agi_port:
        lines += [_for_asterisk(settings)]
    if demo:
        with reading(engine) as conn:
            target = demo_data.free_target(conn)
        query = tutorial.copy_query(tutorial.USER, tutorial.PASSWORD, target)
        lines += ["This is a demonstration: its password is public. Copy a DID:", ""]
        lines += [f'    curl "{base}{PATH}?{query}"', ""]
    return lines


def _for_asterisk(settings: Settings) -> str:
    address = f"agi://{_in_address(settings.agi_host)}:{settings.agi_port}/did-route"
    return f"Asterisk asks {address} where calls go"


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def init(database: str | None, astguiclient_conf: str | None) -> None:
    """Make a database with an administrator, and show the password."""
    url = database_url(config.load({"database": database, "astguiclient_conf": astguiclient_conf}))
    file = database_file(parse_url(url))
    engine = open_engine(url, create=True)
    migrations.upgrade(engine)
    with engine.begin() as conn:
        if directory.everyone(conn):
            raise DatabaseInUse(f"the database {file or ''} already has users; nothing was changed")
        password = directory.first_administrator(conn, None, datetime.now())
    engine.dispose()
    say(f"Database {file or engine.url.database} is ready.")
    say(f"User {directory.ADMIN}, password {password} (shown only once)")
