import dataclasses
import inspect
import itertools
import re
from pathlib import Path

import pytest

from didier import client
from didier.client import AsyncDidier, Batch, Destinations, Didier, Preview, errors
from didier.client.errors import PROBLEMS
from didier.web.api import problems

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "client.md"


def table(heading, under="# "):
    """Return the rows of the first table that begins with *heading*, behind the line *under*."""
    lines = iter(PAGE.read_text().splitlines())
    for start in (under, f"| {heading}"):
        next(line for line in lines if line.startswith(start))
    next(lines)
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def plain(annotation):
    """Return an annotation as it is written, without the modules of its names."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(\w+\.)+(?=\w)", "", text).replace("ForwardRef", "").replace("NoneType", "None")


def written(name, method):
    """Return a method as the page has it: its parameters, and what it returns."""
    signature = inspect.signature(method)
    given = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()][1:]
    bare = signature.replace(parameters=given, return_annotation=inspect.Signature.empty)
    returned = plain(signature.return_annotation)
    return f"`{name}{bare}`" + ("" if returned == "None" else f" → `{returned}`").replace("|", r"\|")


def first_sentence(documented):
    text = inspect.getdoc(documented).partition("\n\n")[0].replace("\n", " ").replace("``", "`")
    return re.match(r".*?\.(?= [A-Z]|$)", text)[0].replace("|", r"\|")


def methods(of):
    return {
        name: found for name, found in inspect.getmembers(of, inspect.isfunction) if not name.startswith("_")
    }


def method_rows(of):
    listed = sorted(methods(of).items(), key=lambda one: one[1].__code__.co_firstlineno)
    return [[written(name, method), first_sentence(method)] for name, method in listed]


def field_rows(of):
    return [
        [f"`{one.name}`", f"`{plain(one.type)}`".replace("|", r"\|")]
        for one in dataclasses.fields(of)
        if not one.name.startswith("_") and one.name != "reported"
    ]


def error_rows():
    types = {cls: name for name, cls in PROBLEMS.items()}
    found = [
        cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, errors.DidierError)
    ]
    return [
        [f"`{cls.__name__}`", f"`{types[cls]}`" if cls in types else "", first_sentence(cls)] for cls in found
    ]


@pytest.mark.parametrize(
    ("heading", "of"),
    [
        ("Didier", Didier),
        ("Destinations of a client", Destinations),
        ("Batch", Batch),
        ("Preview", Preview),
    ],
)
def test_every_method_is_in_the_reference(heading, of):
    """The page has each method with its parameters, what it returns, and its first sentence."""
    assert method_rows(of) == table("method | what it does", f"## {heading}")


@pytest.mark.parametrize(("heading", "of"), [("Batch", Batch), ("Preview", Preview)])
def test_every_attribute_is_in_the_reference(heading, of):
    """The page has what a value tells."""
    assert field_rows(of) == table("attribute | type", f"## {heading}")


def test_every_error_is_in_the_reference():
    """The page has each exception with its type of problem and its sentence."""
    assert error_rows() == table("exception | problem")


def test_every_problem_of_the_server_has_an_exception():
    """No type of problem that this release of the server knows is a plain `ProblemError`."""
    assert {kind.name for kind in problems.ALL} == PROBLEMS.keys()


def test_both_clients_have_the_same_methods():
    """What `Didier` can, `AsyncDidier` can, with the same parameters."""
    assert {name: parameters(method) for name, method in methods(Didier).items()} == {
        name: parameters(method) for name, method in methods(AsyncDidier).items()
    }


def parameters(method):
    return [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]


def test_examples_of_the_reference_work(server, tmp_path, monkeypatch, capsys):
    """The examples of the page run in order on a fresh server, and print what the page says."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text()
    names = {}
    shown = []
    for example in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        exec(example.replace("http://127.0.0.1:8080", server.url), names)
        shown.append(capsys.readouterr().out)
    names["client"].close()

    said = re.findall(r"^```text\n(.*?)^```", text, re.M | re.S)
    assert said == shown[:1]
    assert "True 10000\n" in shown[1]
    assert "done 10000\nundone 10000\n" in shown[1]
    assert "True 10 0\n2 [('18009990000', 'missing')]\n10 10\n" == shown[2]
    assert "18002223333\n" == shown[3][-12:]
    assert "did_route " == shown[4][:10]
    assert shown[4].endswith("['18002223333']\n")
    assert "('DID 18002223333',)\nMain menu ['1']\n" == shown[5]
    assert shown[6] in {"True\n", "False\n"}
    assert "['sip:10.0.0.5:5060', 'sip:10.0.0.6:5060']\n" == shown[7]
    assert shown[8].startswith("failed None ")
    assert "StoredCalls(stored=1, known=0) StoredCalls(stored=0, known=1)\n" == shown[9]
    assert shown[10].endswith("exists\n")
    assert "batch.finished\n" == shown[11]
    assert "18002227777 added" == shown[12].splitlines()[0]


def test_examples_of_docstrings_and_readme_work(server):
    """The example of the package, and that of the README, copy."""
    readme = ROOT.joinpath("README.md").read_text()
    [example] = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    documented = inspect.getdoc(client)
    example_of_package = "\n".join(re.findall(r"^    (.*)", documented, re.M))

    for source in (example, example_of_package):
        exec(source.replace("http://127.0.0.1:8080", server.url), {})

    assert ["18002226666", "18002227777", "18002223333"] == server.patterns()[-3:]
