"""The table of parameters agrees with what the functions read and with the reference."""

import re
from pathlib import Path

from didier.vicidial.call import CLEAN_UP
from didier.vicidial.functions import FUNCTIONS
from didier.vicidial.parameters import FORMS

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference/non-agent-api.md"


def test_every_function_has_a_form():
    """Every function that may be called with parameters, and the version."""
    assert {*FUNCTIONS, "version"} == {form.function for form in FORMS}


def test_forms_name_parameters_that_are_read():
    """Each once in a form; required ones come first."""
    for form in FORMS:
        names = [parameter.name for parameter in form.parameters]
        required = [parameter.required for parameter in form.parameters]
        assert len(names) == len(set(names)), form.name
        assert set(names) <= set(CLEAN_UP), form.name
        assert sorted(required, reverse=True) == required, form.name


def test_the_reference_names_what_is_required():
    """Each row of the table of functions has the parameters that some form of the function requires."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", REFERENCE.read_text(), re.M)
    documented = [(function, set(re.findall(r"`(\w+)(?:=\w+)?`", cell))) for function, cell in rows]

    for form in FORMS:
        required = {parameter.name for parameter in form.parameters if parameter.required}
        assert any(form.function == name and required <= named for name, named in documented), form.name
