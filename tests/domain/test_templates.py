import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain.templates import LONGEST, Template
from didier.errors import InvalidField

PROPERTY = settings(derandomize=True, max_examples=100, deadline=None)

VALUES = {"target": "5550100", "source": "18001234567", "city": "Bonn", "list_id": 999, "menu_id": None}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("Sales {target}", "Sales 5550100"),
        ("{target} from {source}", "5550100 from 18001234567"),
        ("{city}{city}", "BonnBonn"),
        ("list {list_id}", "list 999"),
        ("{menu_id} call menu", "call menu"),
        ("{city} {menu_id} {list_id}", "Bonn 999"),
        ("{unknown}x", "x"),
        ("{{target}}", "{target}"),
        ("{{{target}}}", "{5550100}"),
        ("}}{{", "}{"),
        ("no name", "no name"),
        ("", ""),
    ],
)
def test_names_stand_for_values(text, rendered):
    """Each name is replaced; what has no value is left out; doubled braces stand for themselves."""
    assert rendered == Template(text).render(VALUES)


def test_values_are_no_templates():
    """Braces in a value stay as they are."""
    assert "{target} {{" == Template("{city}").render({"city": "{target} {{"})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Sales {target}", {"target"}),
        ("{city}{city} {{target}} {list_id}", {"city", "list_id"}),
        ("none", set()),
    ],
)
def test_names_that_are_used(text, names):
    """Names in doubled braces are no names."""
    assert names == Template(text).names


def test_known_names_are_no_problem():
    """Target and source are always known, columns where they are."""
    assert Template("{target} {source} {city}").problem({"city"}) is None


def test_an_unknown_name_is_refused():
    """The refusal names what is unknown and what is known."""
    assert InvalidField("description_template", "{town}", "one of city, source, target") == Template(
        "{target} {town}"
    ).problem({"city"})


@pytest.mark.parametrize(
    "text", ["{", "}", "Sales {target", "Sales target}", "{tar get}", "{}", "{{{", "a } b {target}"]
)
def test_stray_braces_are_refused(text):
    """A brace that neither opens nor closes a name is refused."""
    assert InvalidField("description_template", text, "braces only around names") == Template(text).problem(
        VALUES
    )


def test_long_templates_are_refused():
    """A template has a limit, which it may reach."""
    assert Template("x" * LONGEST).problem(()) is None
    assert InvalidField("description_template", "x" * 50, f"up to {LONGEST} characters") == Template(
        "x" * (LONGEST + 1)
    ).problem(())


@PROPERTY
@given(st.text("{}abc 7_", max_size=30))
def test_any_text_is_taken_or_refused(text):
    """What has no problem renders; its names are those whose values appear."""
    template = Template(text)
    if template.problem(["a", "b", "c", "abc"]):
        return

    with_values = template.render(dict.fromkeys(template.names, "X"))
    assert (with_values == template.render({})) is not bool(template.names)
