"""Rules of the house style that a program can check."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

import didier

SOURCE = Path(didier.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
# Advice to operators may name ALTER TABLE; what reads and writes rows stands in storage.
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|(INSERT\s+(IGNORE\s+)?|REPLACE\s+)INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\b",
    re.DOTALL,
)
TRANSACTION = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|START TRANSACTION)\b")
TRANSACTIONS = (
    "runtime/committer.py", "storage/changes/journal.py", "storage/database.py", "storage/migrations/",
    "storage/system/backups.py", "storage/batches/duplicates.py", "cli/local/",
    "edge/",
)  # fmt: skip
"""Where transactions begin and end: committer, journal, reading, own files, commands on a database."""
# What one of the databases is called, and words that it alone understands.
ONE_DATABASE = re.compile(r"sqlite|mysql|mariadb|.*\b(json_each|JSON_TABLE|STRAIGHT_JOIN)\b.*", re.DOTALL)
KNOW_THE_DATABASE = (
    "storage/dialects.py",  # says what differs
    "storage/database.py",  # reads addresses and opens what they name
    "storage/batches/duplicates.py",  # has a database of its own, always SQLite, for one order
    "storage/migrations/versions/",  # released migrations stay what they were
    "edge/",  # has files of its own, always SQLite, which Kamailio reads
)


def name_of(module: Path) -> str:
    return module.relative_to(SOURCE).as_posix()


@pytest.fixture(scope="module", params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> tuple[str, ast.Module]:
    """Each module by its name, and its tree: pytest runs all that is about one before it goes on."""
    return name_of(request.param), ast.parse(request.param.read_text())


@lru_cache(maxsize=1)
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return all nodes of a tree; going through it takes most of the time here."""
    return tuple(ast.walk(tree))


def sql_in(tree: ast.AST) -> list[str]:
    """Return the texts with SQL in a tree, docstrings aside."""
    return [text for text in texts_in(tree) if SQL.search(text)]


def texts_in(tree: ast.AST) -> list[str]:
    """Return the texts in a tree, docstrings aside."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in nodes_of(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    }
    parts = {id(part) for node in nodes_of(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = []
    for node in nodes_of(tree):
        if id(node) in docstrings | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            texts.append("".join(p.value if isinstance(p, ast.Constant) else "x" for p in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return texts


def calls_of(tree: ast.AST, method: str) -> list[int]:
    """Return the lines in which *method* is called without arguments, as a transaction is begun."""
    return [
        node.lineno
        for node in nodes_of(tree)
        if isinstance(node, ast.Call)
        and not node.args
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
    ]


def is_dialect_name(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr != "name":
        return False
    return "dialect" in (getattr(node.value, "attr", None), getattr(node.value, "id", None))


def is_of_one_database(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return ONE_DATABASE.fullmatch(node.value) is not None


def asks_for_the_database(tree: ast.AST) -> list[int]:
    """Return the lines that name one of the databases, or use a word of one; docstrings aside."""
    docstrings = {id(node.value) for node in nodes_of(tree) if isinstance(node, ast.Expr)}
    asking = (node for node in nodes_of(tree) if is_dialect_name(node) or is_of_one_database(node))
    return [node.lineno for node in asking if id(node) not in docstrings]


def is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether it only shows a type checker one of the ways in which the next one can be called."""
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list)


def undocumented(tree: ast.Module) -> list[str]:
    """Return what lacks a docstring: the module, or its public classes, their methods, and functions."""
    missing = [] if ast.get_docstring(tree) else ["module"]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, *functions)) or node.name.startswith("_"):
            continue
        inner = node.body if isinstance(node, ast.ClassDef) else []
        methods = [n for n in inner if isinstance(n, functions) and not is_overload(n)]
        public = [n for n in methods if not n.name.startswith("_")]
        missing += [n.name for n in (node, *public) if not ast.get_docstring(n)]
    return missing


def test_no_sql_above_storage(module):
    """SQL stands in storage alone; agents have files of their own, and no storage."""
    name, tree = module
    if name.startswith(("storage/", "edge/")):
        return

    assert [] == sql_in(tree)


def test_transactions_begin_and_end_in_few_places(module):
    """Services and storage work in a transaction that is not theirs."""
    name, tree = module
    if name.startswith(TRANSACTIONS):
        return

    assert [] == [line for method in ("begin", "commit", "rollback") for line in calls_of(tree, method)]
    assert [] == [text for text in texts_in(tree) if TRANSACTION.match(text)]


def test_one_module_knows_what_differs_between_databases(module):
    """Nobody asks which of the databases it is, and no statement is written for one of them, elsewhere."""
    name, tree = module
    if name.startswith(KNOW_THE_DATABASE):
        return

    assert [] == asks_for_the_database(tree)


def test_everything_public_is_documented(module):
    """Every module, public class, method and function says what it is; a migration says what it makes."""
    name, tree = module
    exempt = ["upgrade"] if "versions/" in name else []

    assert [] == [one for one in undocumented(tree) if one not in exempt]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 'SELECT a FROM t'", 1),
        ("x = f'SELECT {a} FROM {t}'", 1),
        ("x = f'DELETE FROM {t}'", 1),
        ("x = 'INSERT INTO t VALUES (1)'", 1),
        ("x = 'UPDATE t SET a = 1'", 1),
        ("def f():\n    '''Run SELECT a FROM t.'''", 0),
        ("x = 'update_did DID HAS BEEN UPDATED'", 0),
        ("x = 'copied from the source into the target'", 0),
    ],
)
def test_the_check_finds_sql(source, found):
    """The check above finds SQL in texts, and nothing in docstrings and answers."""
    assert found == len(sql_in(ast.parse(source)))


def test_the_check_finds_transactions():
    """The check above finds a transaction, and nothing in an attribute of the same name."""
    assert [1] == calls_of(
        ast.parse("with engine.begin() as conn: pass\nx.begin\nidempotency.begin(conn)"), "begin"
    )


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a = conn.dialect.name", [1]),
        ("def f(dialect):\n    return dialect.name", [2]),
        ("a = b == 'sqlite'", [1]),
        ("a = f'SELECT v FROM json_each(?) AS {r}'", [1]),
        ("a = 'sqlite:///FILE'", []),
        ("'''As JSON_TABLE does.'''\na = dialect.rows\nb = user.name", []),
    ],
)
def test_the_check_finds_who_asks_for_the_database(source, lines):
    """The check above finds names and words of one database, and nothing in docstrings and addresses."""
    assert lines == asks_for_the_database(ast.parse(source))


def test_the_check_finds_what_is_undocumented():
    """The check above names what lacks a docstring, and leaves private names alone."""
    assert ["module", "A", "m", "f"] == undocumented(
        ast.parse(
            "class A:\n    @overload\n    def m(self): ...\n    def m(self): ...\n    def _n(self): ...\n"
            "def f(): ...\ndef _g(): ..."
        )
    )
