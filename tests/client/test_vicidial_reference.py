"""The pages about the client of VICIdial, checked against the code; their examples run."""

import inspect
import re
from pathlib import Path

import pytest

from didier.client import vicidial
from didier.client.vicidial import VicidialClient
from didier.client.vicidial import errors as own_errors
from didier.client.vicidial.calls import _REFUSALS
from didier.client.vicidial.copying import LIST_BYTES, RANGE_LIMIT
from didier.client.vicidial.parameters import DID_PARAMETERS, USER_PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "vicidial-client.md"
GUIDE = ROOT / "docs" / "guide" / "migration.md"


def table(heading):
    """Return the rows of the table that begins with *heading*."""
    lines = PAGE.read_text().partition(f"\n| {heading} |")[2].splitlines()[2:]
    rows = lines[: next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]) for row in rows]


def cell(text):
    return text.replace("|", r"\|")


def sentence(documented):
    first = inspect.getdoc(documented).partition("\n\n")[0].replace("\n", " ")
    return first.replace("``", "`")


def written(method):
    """Return a method as the page has it: its parameters, and what it returns."""
    signature = inspect.signature(method)
    given = [one.replace(annotation=one.empty) for one in signature.parameters.values()][1:]
    bare = signature.replace(parameters=given, return_annotation=signature.empty)
    returned = re.sub(r"\b(\w+\.)+(?=\w)", "", inspect.formatannotation(signature.return_annotation))
    return f"`{method.__name__}{bare}`" + ("" if returned == "None" else f" → `{returned}`")


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)


def run(page, server):
    """Run the examples of a page in order against the server, as its user."""
    names = {}
    for example in examples(page):
        code = re.sub(r"https://(dialer|didier)\.example\.com", server.url, example)
        exec(code.replace('"apiuser", "PASSWORD"', '"admin", "1234"'), names)


def test_every_method_is_in_the_reference():
    """The page has each method in order, with its parameters and what it returns."""
    methods = [
        one for name, one in vars(VicidialClient).items() if inspect.isfunction(one) and name[0] != "_"
    ]

    assert [(cell(written(one)), cell(sentence(one))) for one in methods] == table("method")


@pytest.mark.parametrize(
    ("heading", "parameters"), [("column", DID_PARAMETERS), ("column of users", USER_PARAMETERS)]
)
def test_every_column_is_in_the_reference(heading, parameters):
    """The pages have each column with its parameter, what is allowed, and its characters."""
    assert [
        (f"`{one.column}`", f"`{one.name}`", cell(one.allowed), cell(str(one.kept))) for one in parameters
    ] == table(heading)


def test_every_refusal_is_in_the_reference():
    """Each beginning of a line that refuses is there with its exception."""
    documented = [row[0].strip("`") for row in table("VICIdial says")]

    assert [beginning.strip() for beginning in _REFUSALS] == documented[:-1]


def test_every_error_of_its_own_is_in_the_reference():
    """Each exception is there with its sentence."""
    own = [
        one
        for one in vars(own_errors).values()
        if inspect.isclass(one) and one.__module__ == own_errors.__name__ and issubclass(one, Exception)
    ]

    assert [(f"`{one.__name__}`", sentence(one)) for one in own] == table("exception")


def test_everything_public_is_in_the_reference():
    """The page names what the package exports, and the limits."""
    text = PAGE.read_text()

    values = {"Line", "LoggedCall", "Result", "UserDetails", "Version"}  # named as what methods return
    assert [] == [name for name in vicidial.__all__ if name not in values and f"`{name}" not in text]
    assert f"{LIST_BYTES:,} bytes" in text
    assert f"{RANGE_LIMIT:,} targets" in text.replace("\n", " ")


def test_examples_of_the_reference_work(server, capsys):
    """They make what they say, and print what the page says."""
    run(PAGE, server)

    [said] = re.findall(r"^```text\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert capsys.readouterr().out.startswith(said)
    assert 1 + 1 + 200 + 1000 == len(server.patterns())


def test_examples_of_the_guide_work(server, capsys):
    """Both clients do on one server what the guide says."""
    run(GUIDE, server)

    shown = capsys.readouterr().out
    assert "done 1000\n" in shown
    assert "['18002225555'] ['18002223333']\n" in shown
    assert 1 + 2 + 1000 == len(server.patterns())


def test_the_curl_line_of_the_guide_works(server):
    """The request in VICIdial's own form makes both DIDs."""
    [line] = re.findall(r'^    curl "https://didier\.example\.com(\S+)" (-d .*)$', GUIDE.read_text(), re.M)
    fields = dict(field.split("=", 1) for field in re.findall(r"-d (\S+)", line[1]))

    answer = server.post(**{**fields, "user": "admin", "pass": "1234"})
    assert "SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|2|0" == answer.splitlines()[-1]


def test_the_example_of_the_package_works(server):
    """The docstring's example copies."""
    example = "\n".join(re.findall(r"^    (.*)", vicidial.__doc__, re.M))
    code = example.replace("https://dialer.example.com", server.url)
    exec(code.replace('"apiuser", "PASSWORD"', '"admin", "1234"'), {})

    assert 1 + 1 + 100 == len(server.patterns())
