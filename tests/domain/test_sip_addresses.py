"""Addresses of SIP gateways: one form of each, and nothing that another program would obey."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.sip_addresses import Address


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10.0.0.5", "sip:10.0.0.5:5060"),
        ("SIP:10.0.0.5", "sip:10.0.0.5:5060"),
        ("10.0.0.5:5070", "sip:10.0.0.5:5070"),
        ("PBX.Example.com", "sip:pbx.example.com:5060"),
        ("sip:pbx.example.com;transport=UDP", "sip:pbx.example.com:5060"),
        ("pbx;transport=tcp", "sip:pbx:5060;transport=tcp"),
        ("pbx;transport=tls", "sip:pbx:5061;transport=tls"),
        ("sip:pbx:5060;transport=tls", "sip:pbx:5060;transport=tls"),
        ("[2001:DB8:0::5]", "sip:[2001:db8::5]:5060"),
        ("sip:[::1]:65535;transport=tcp", "sip:[::1]:65535;transport=tcp"),
        ("xn--bcher-kva.example", "sip:xn--bcher-kva.example:5060"),
        (f"{'a' * 63}.example", f"sip:{'a' * 63}.example:5060"),
    ],
)
def test_an_address_has_one_form(written, expected):
    """With its port, in small letters, and with a transport unless it is UDP; it reads as what it is."""
    found = Address.of(written)

    assert expected == str(found)
    assert found == Address.of(expected)


@pytest.mark.parametrize(
    "written",
    [
        "", "sip:", ":5060", "sip:5060", "sips:pbx", "tel:+4420", "sip:user@pbx", "user:secret@pbx", "//pbx",
        "pbx:0", "pbx:65536", "pbx:05060", "pbx:", "pbx:5060:5061", "pbx:5060 ", " pbx", "pbx\n",
        "pbx\r\nX: y", "pbx;lr", "pbx;transport=ws", "pbx;transport=", "pbx;transport=tcp;lr",
        "pbx;maddr=1.2.3.4", "pbx;",
        "pbx?Route=x", 'pbx"', "pbx'", "pbx,pbx2", "pbx|x", "$var(x)", "pbx;transport=tcp\n", "a b", "pbx\0",
        "-pbx", "pbx-", "p..x", ".pbx", "pbx.", "p_x", f"{'a' * 64}.example", f"{'a.' * 130}b",
        "bücher.example", "256.0.0.1", "10.0.0", "10.0.0.05", "010.0.0.1", "0.0.0.0", "224.0.0.1", "pbx.1",
        "1", "4294967295", "2001:db8::5", "[2001:db8::5", "[::]", "[ff02::1]", "[10.0.0.5]", "[fe80::1%eth0]",
        "[::1]]", "[]", "\u017fip:pbx", "pbx:\u0665060", "\uff10.0.0.1", "pbx;tran\u017fport=tcp",
    ],
)  # fmt: skip
def test_what_is_no_address(written):
    """Users, other parameters and protocols, and signs that end a line or a value."""
    assert Address.of(written) is None


_PLAIN = re.compile(r"sip:([a-z0-9.-]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}(;transport=(tcp|tls))?")
_WRITTEN = st.lists(
    st.sampled_from(["sip:", "10.0.0.5", "pbx", "[::1]", ":", "5060", ";transport=", "tcp", "TLS", ".", "-"])
    | st.text(max_size=2),
    max_size=8,
).map("".join)


@given(_WRITTEN)
def test_nothing_else_comes_out(written):
    """Whatever is written, an address has letters, digits and the signs of its form alone."""
    found = Address.of(written)

    assert found is None or _PLAIN.fullmatch(str(found))
    assert found is None or found == Address.of(str(found))
