"""A carrier's file at the panel: what each column becomes, the preview, the copy, and what was refused."""

import csv
import io

from browser.panel import Panel
from support.field import workbook
from web.api.conftest import Api

SOURCE = "18001234567"
MESSY = """\
Report of the carrier
DID Number;Country;City;Status;Notes
18002220100;United States;Boston;Active;first
18002220101 - 18002220104;United States;Dallas;Active;
8001234567;United States;Boston;Active;the source in another spelling
1.8E+10;United States;New York;Active;spoiled
NULL;;;;
Total: 5;;;;
"""


def chosen(panel: Panel) -> list[str]:
    """Return what each column becomes, in words."""
    return panel.page.eval_on_selector_all(
        "#table-head select", "selects => selects.map(select => select.selectedOptions[0].textContent)"
    )


def saved(panel: Panel, selector: str) -> list[dict[str, str]]:
    """Save the refused rows; return them."""
    with panel.page.expect_download() as download:
        panel.page.click(selector)
    text = download.value.path().read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_messy_file_is_mapped_previewed_and_copied(home, open_page, tmp_path):
    """From the carrier's file to the new DIDs, with the city in the description; the rest comes back."""
    file = tmp_path / "numbers.csv"
    file.write_text(MESSY)
    panel = Panel(open_page(), home.url, drawn=False)
    panel.open(f"/copy?source={SOURCE}")
    panel.page.set_input_files("#file", file)
    panel.page.wait_for_selector("#table:not([hidden])")
    said, first = panel.text("#table-said"), chosen(panel)
    panel.page.select_option("#column-2", "template")
    panel.page.select_option("#column-4", "did_carrier_description")
    panel.page.fill("#template", "{city} line")
    panel.page.check("[name=mode][value=best_effort]")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#seen:not([hidden])")
    sample, verdict = panel.text("#sample-rows tr:first-child"), panel.text("#verdict")
    previewed = saved(panel, "#save-refused")
    panel.make()
    refused = saved(panel, "text=Refused rows")
    made = Api(home).get("/dids/18002220104").body

    assert "Read as a table divided by semicolons. 4 columns are no field of a DID" in said
    assert ["the number", "left out", "left out", "left out", "left out"] == first
    assert "18002220100 Boston line Calls go to extension 8300 in the context trunkinbound." == sample
    assert "6 of 9 will be created. Nothing has been saved yet." == verdict
    assert previewed == refused
    assert [("1.8E+10", "New York", "6"), ("NULL", "", "7"), ("Total: 5", "", "8")] == [
        (row["DID Number"], row["City"], row["didier_row"]) for row in refused
    ]
    assert "Dallas line" == made["did_description"]
    assert [] == panel.page.complaints


def test_a_workbook_is_read_as_it_is(server, open_page, tmp_path):
    """Whose column of numbers has a name that nobody knows: it is asked for, and then it is read."""
    file = tmp_path / "numbers.xlsx"
    file.write_bytes(workbook([["Line", "Place"], [18002220100, "Boston"], [18002220101, "Dallas"]]))
    panel = Panel(open_page(), server.url, drawn=False)
    panel.open(f"/copy?source={SOURCE}")
    panel.page.set_input_files("#file", file)
    panel.page.wait_for_selector("#table:not([hidden])")
    said = panel.text("#table-said")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#file-problem:not(:empty)")
    asked = panel.text("#file-problem")
    panel.page.select_option("#column-0", "number")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()

    assert "Choose the column with the numbers." in said
    assert "No column of numbers is known" in asked
    assert {SOURCE, "18002220100", "18002220101"} == set(Api(server).patterns())


def test_a_list_in_a_file_needs_no_step(server, open_page, tmp_path):
    """Numbers one below the other are no table."""
    file = tmp_path / "numbers.txt"
    file.write_text("18002220100\n18002220101\n")
    panel = Panel(open_page(), server.url, drawn=False)
    panel.open(f"/copy?source={SOURCE}")
    panel.page.set_input_files("#file", file)
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")

    assert panel.page.is_hidden("#table")
    assert "2 of 2 will be created. Nothing has been saved yet." == panel.text("#verdict")
