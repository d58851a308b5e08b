"""What is known of callers, and where routes lead: the rules of calls that ask nothing."""

import pytest

from didier.domain.calls import caller_ids, recent_calls, targets, urls
from didier.domain.calls.caller_ids import CallerId
from didier.domain.calls.questions import RecentCalls
from support.inbound import IP, call


@pytest.mark.parametrize(
    ("number", "name", "read"),
    [
        ("7275551212", "Ann", ("7275551212", "Ann")),
        ("+1 (727) 555-1212", "Ann", ("17275551212", "Ann")),
        ("sip:7275551212@10.0.0.1", "", ("727555121210001", "")),
        ("\uff172", "", ("2", "")),
        ("", "Ann", ("Ann", "Ann")),
        ("0", "Ann B", ("Ann B", "Ann B")),
        ("00", "Ann", ("00", "Ann")),
        ("unknown", "UNKNOWN", ("", "")),
        ("anonymous", "unknown caller", (" caller", " caller")),
        ("", "", ("", "")),
        ('"John Doe " <7275551212>', "", ("7275551212", "John Doe  ")),
        ('"John"<7275551212>', "0", ("7275551212", "John")),
        ('"John" <17275551212>', "unknown", ("17275551212", "John <17275551212>")),
        ('"John" <7275551212>', "Ann", ("7275551212", "Ann")),
        ("1", 'O\'Hara; \\"x"', ("1", "OHara x")),
        ("", "a\\b", ("ab", "ab")),
        ("1" * 5000, "", ("1" * 5000, "")),
    ],
)
def test_callers(number, name, read):
    """The number is its digits, or the name; nothing is left that ends a text in a dialplan."""
    assert CallerId(*read) == caller_ids.read(number, name)


@pytest.mark.parametrize(
    ("rules", "cleaned"),
    [
        ("", "17275551212"),
        ("R", "17275551212"),
        ("R10", "7275551212"),
        ("R99", "17275551212"),
        ("R0", ""),
        ("L1", "7275551212"),
        ("L11", "17275551212"),
        ("L7", "17275551212"),
        ("T3", "172"),
        ("T99", "17275551212"),
        ("R10 L727 T3", "555"),
        ("T3 L727 R10", "555"),
        ("R10L1", "7275551212"),
        ("L1R10", "7275551212"),
        ("r10 l1 t3", "17275551212"),
        ("Rx", "17275551212"),
        ("R10 R3", "7275551212"),
        ("ABC", "17275551212"),
    ],
)
def test_cleaning(rules, cleaned):
    """The end is kept, a beginning removed, the beginning kept: in this order, whatever the written one."""
    assert cleaned == caller_ids.cleaned("17275551212", rules)


def test_a_name_is_cleaned_as_a_number_is():
    """It stands for one."""
    assert "Do" == caller_ids.cleaned("John Doe", "R3 T2")


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("127.0.0.1", "127*000*000*001*"),
        ("10.20.30.4", "010*020*030*004*"),
        ("1.2.3.4.5", "1.2*003*004*005*"),
        ("a.b.c.d", "00a*00b*00c*00d*"),
        ("192.168.1", ""),
        ("", ""),
        ("1. 2.3.4", ""),
        ("...", "****"),
    ],
)
def test_prefixes(address, prefix):
    """Each part of an address has three characters; what is none has no prefix."""
    assert prefix == targets.prefixed(address)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", ""),
        ("http://", ""),
        ("ftp://host/x", ""),
        ("http://h/x", "http://h/x"),
        ("VARhttp://h/x", "http://h/x"),
        (" http://h/x", "http://h/x"),
        ("http://h/x?a=b c", "http://h/x?a=b+c"),
        ("http://h/--A--phone_number--B--", "http://h/1727%26x%3D%24%28a%29"),
        ("http://h/--a--PHONE_NUMBER--b--/--A--did_pattern--B--", "http://h/1727%26x%3D%24%28a%29/default"),
        (
            "http://h/--A--channel--B--/--A--uniqueid--B--/--A--server_ip--B--",
            "http://h/SIP%2Ftrunk-1/1764375000.7/192.0.2.1",
        ),
        ("http://h/--A--password--B--", "http://h/--A--password--B--"),
    ],
)
def test_web_addresses(url, address):
    """Values stand in their places, as text alone; what is too short or no address is not asked."""
    row = {"filter_url": url, "did_pattern": "default"}

    assert address == urls.address(row, call(), "1727&x=$(a)", IP)


def recent(number="7275551212", side="outbound", of="log", days=(0, 7), groups=None, statuses=None):
    return RecentCalls(side, of, number, *days, groups, statuses)


def container(side="outbound", groups="campaigns", **lines):
    given = {
        "check_type": "x-y-days-range-log",
        "days": "0-7",
        groups: "--ALL--",
        "statuses": "--ALL--",
    } | lines
    return "".join(f"{side}_recent_call_{key} => {value}\n" for key, value in given.items())


@pytest.mark.parametrize(
    ("entry", "asked"),
    [
        ("", []),
        ("what => ever\n=> x\nno line", []),
        (container(), [recent()]),
        (container().replace("\n", "\r\n"), [recent()]),
        (container(check_type="'X-Y-DAYS-RANGE LEAD'"), [recent(of="lead")]),
        (container(check_type="x-y-days-range lead or log"), [recent()]),
        (container(check_type="x-y-days-range"), []),
        (container(check_type="log"), []),
        (container(days="between 3 - 14 days"), [recent(days=(3, 14))]),
        (container(days="14-3"), [recent(days=(14, 3))]),
        (container(days="7"), []),
        (container(days="-7"), []),
        (container(days="1-2-3"), []),
        (container(days="1-" + "9" * 5000), []),
        (container(campaigns="|A|B|", statuses="|SALE|"), [recent(groups=("A", "B"), statuses=("SALE",))]),
        (container(campaigns="A", statuses="SALE"), []),
        (container(campaigns="AB", statuses="S"), [recent(groups=("AB",), statuses=("S",))]),
        (container(statuses=""), []),
        (container(campaigns="|A|--ALL--|"), [recent()]),
        (container() + container(days="1-2"), [recent(days=(1, 2))]),
        (" " + container(), []),
        (container("inbound", "groups"), [recent(side="inbound")]),
        (container("inbound", "campaigns"), []),
        (container("inbound", "groups") + container(), [recent(), recent(side="inbound")]),
    ],
)
def test_recent_call_containers(entry, asked):
    """Each side of a container that says all it has to is a question."""
    assert asked == recent_calls.questions(entry, "7275551212")


def test_calls_without_a_number_were_recent_as_blank():
    """BLANK stands for the number."""
    assert [recent("BLANK")] == recent_calls.questions(container(), "")
