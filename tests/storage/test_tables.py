import pytest

from didier.storage.statements import run
from didier.storage.tables import vicidial_tables
from support import recorded

OURS = vicidial_tables().tables


@pytest.fixture(scope="module")
def theirs():
    """VICIdial's tables as recorded from a running system."""
    return recorded.tables()


def listed():
    """The lines of our schema file: table, column, type, and what follows it."""
    from importlib.resources import files

    text = files("didier.storage").joinpath("vicidial.schema").read_text()
    table = ""
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            table = line.strip()
        elif ": " not in line.split("=")[0]:
            name, _, rest = line.strip().partition(" ")
            yield table, name, rest.strip()


COLUMNS = list(listed())
NOT_RECORDED = {"vicidial_call_menu_options"}
"""Tables that are known from VICIdial's own SQL scripts alone."""


def as_listed(column):
    """A recorded column in the words of our schema file."""
    kind = column["type"].replace("'", "")
    words = [kind]
    if not column["nullable"]:
        words.append("required")
    if "auto_increment" in column.get("extra", ""):
        words.append("auto")
    if column.get("default_expression"):
        words.append("= now")
    elif (default := column.get("default")) is not None:
        text = str(default)
        words.append(f"= {text if text == text.strip() else repr(text)}")
    return " ".join(words).rstrip()


def test_every_table_is_vicidials(theirs):
    """Every table that we list exists in VICIdial."""
    assert NOT_RECORDED == set(OURS) - set(theirs)


@pytest.mark.parametrize("table", sorted(set(OURS) - NOT_RECORDED))
def test_every_column_is_vicidials(theirs, table):
    """Every column that we list has the type, the default and the rest that it has in VICIdial."""
    recorded = {column["name"]: as_listed(column) for column in theirs[table]["columns"]}
    ours = {name: rest for of, name, rest in COLUMNS if of == table}

    assert {name: recorded.get(name) for name in ours} == ours
    assert ours


@pytest.mark.parametrize("table", sorted(set(OURS) - NOT_RECORDED))
def test_columns_stand_in_vicidials_order(theirs, table):
    """The columns have VICIdial's order, so that a dump of one reads like the other."""
    ours = [name for of, name, _ in COLUMNS if of == table]

    assert [column["name"] for column in theirs[table]["columns"] if column["name"] in ours] == ours


@pytest.mark.parametrize("table", ["vicidial_inbound_dids", "vicidial_users"])
def test_copied_tables_are_whole(theirs, table):
    """Where rows are copied, and users kept, no column of VICIdial's is missing."""
    assert [column["name"] for column in theirs[table]["columns"]] == [
        name for of, name, _ in COLUMNS if of == table
    ]


@pytest.mark.parametrize("table", sorted(set(OURS) - NOT_RECORDED))
def test_what_is_listed_is_what_is_made(table):
    """The table that we make has the columns of the file."""
    assert [name for of, name, _ in COLUMNS if of == table] == [column.name for column in OURS[table].columns]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("vicidial_inbound_dids", ["did_pattern"]),
        ("vicidial_users", ["user"]),
        ("vicidial_urls", ["url"]),
        ("vicidial_webservers", ["webserver", "hostname"]),
    ],
)
def test_unique_indexes(table, columns):
    """What decides races is unique."""
    unique = [[column.name for column in index.columns] for index in OURS[table].indexes if index.unique]

    assert columns in unique


def test_defaults_are_stored(engine, theirs):
    """A row that names nothing gets VICIdial's defaults in every home, spaces included."""
    names = [
        "user_level",
        "api_allowed_functions",
        "selected_language",
        "last_login_date",
        "ready_max_logout",
    ]
    recorded = {column["name"]: column.get("default") for column in theirs["vicidial_users"]["columns"]}

    with engine.begin() as conn:
        run(conn, "INSERT INTO vicidial_users (user, pass) VALUES ('x', '')")
        [found] = run(conn, f"SELECT {', '.join(names)} FROM vicidial_users WHERE user = 'x'")

    assert {name: str(recorded[name]) for name in names} == dict(zip(names, map(str, found), strict=True))
