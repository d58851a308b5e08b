"""Nobody gets a right they lack: every function, operation and page, whoever asks."""

from dataclasses import replace

import pytest

from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS
from didier.vicidial.parameters import FORMS
from security import circumstances as c
from security.functions import FUNCTIONS_ASKED
from security.interfaces import INTERFACES, JsonApi, NonAgentApi, Panel, PanelApi, addresses
from security.matrix import surprises
from security.operations import OPERATIONS
from security.page import ALWAYS, PAGE, written
from security.pages import PAGES_OPENED, routes
from security.rule import ALLOWED, needs

CASES = [
    *(
        pytest.param(
            "sqlite", interface, (*interface.rights, *interface.entry), id=f"{interface.name} on SQLite"
        )
        for interface in INTERFACES
    ),
    *(
        pytest.param("mariadb", interface, c.RIGHTS_COLUMNS, id=f"{interface.name} on MariaDB")
        for interface in (NonAgentApi, JsonApi)
    ),
]


@pytest.mark.parametrize(("world", "interface", "columns"), CASES, indirect=["world"])
def test_every_answer_is_as_declared(world, interface, columns):
    """Whoever asks is answered as the rights say that are declared, and a refusal changes nothing."""
    assert [] == surprises(world, interface(), columns)


def test_every_operation_is_asked():
    """Each operation of the OpenAPI document has a row, and no other."""
    assert addresses().keys() == {row.operation_id for row in OPERATIONS}


def test_every_function_is_asked():
    """Each function, in each way in which it is called, has a row, and no other."""
    ways = {form.name for form in FORMS if form.needs_user} | set(OPEN_FUNCTIONS)

    assert ways == {row.name for row in FUNCTIONS_ASKED}
    assert {*FUNCTIONS, *OPEN_FUNCTIONS} == {row.function for row in FUNCTIONS_ASKED}


def test_every_page_is_opened():
    """Each route of the panel's pages has a row, and no other."""
    assert set(routes()) == {row.route for row in PAGES_OPENED}


def test_addresses_of_the_library_lead_nowhere(world):
    """What the library would offer for its models is there for nobody."""
    found = {
        path: world.browser.get("/admin" + path.replace("{path:path}", "x").format(key="didier", storage="x"))
        for path in routes(of_library=True)
    }

    assert found
    assert {404, 405} >= {answer.status for answer in found.values()}


def wrong(number, **values):
    """Return an interface whose operation at *number* is declared with other *values*."""
    interface = JsonApi()
    interface.rows = [replace(OPERATIONS[number], **values)]
    return interface


@pytest.mark.parametrize(
    ("interface", "found"),
    [
        (wrong(2, need=needs("update_did")), ["addDid / least", "addDid / function"]),
        (wrong(2, changes=False), ["addDid / all", "addDid / least"]),
        (wrong(0, hidden=ALLOWED), ["listDids / group"]),
    ],
    ids=["needs another function", "changes nothing", "shows what is hidden"],
)
def test_a_wrong_declaration_is_found(world, interface, found):
    """The check above sees a right too many, a change, and what is shown or not."""
    columns = [c.ADMINISTRATOR, c.LEAST, c.NO_FUNCTION, c.GROUP]
    named = [text.partition(":")[0] for text in surprises(world, interface, columns)]

    assert set(found) <= set(named)


def test_the_page_shows_the_matrix():
    """The tables of the page are those that are measured; `make docs` writes them."""
    text = PAGE.read_text()

    assert written(text) == text


@pytest.mark.parametrize("interface", INTERFACES, ids=lambda interface: interface.name)
def test_what_is_needed_is_enough(interface):
    """The two columns that the page leaves out have nothing but what is allowed."""
    columns = [one for one in interface.rights if one.heading in {always.heading for always in ALWAYS}]

    assert 2 == len(columns)
    assert {True} == {
        interface().expected(row, one) == row.allowed for row in interface.rows for one in columns
    }


def test_the_panel_asks_for_the_same_rights():
    """What the panel's pages send is answered as by the JSON API, as the page says."""
    plain = {one.heading: one for one in JsonApi.rights}
    behind, before = PanelApi(), JsonApi()

    assert [] == [
        (row.name, one.heading)
        for row in OPERATIONS
        for one in PanelApi.rights
        if behind.expected(row, one) != before.expected(row, plain[one.heading])
    ]
    assert Panel.rights == PanelApi.rights
