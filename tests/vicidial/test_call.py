from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from didier.masking import MASK
from didier.vicidial.call import (
    CLEAN_UP,
    MASKING,
    SECRETS,
    Call,
    Dialect,
    read_parameters,
    split_form,
)

DIGITS = frozenset("0123456789")
ASCII_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
PASSWORD = "Pa55-hidden"

names = st.sampled_from(sorted(CLEAN_UP))


def values(query: bytes, *form: tuple[bytes, bytes]) -> dict[str, bytes]:
    return dict(read_parameters(query, form).values)


def call(query: bytes | str, non_latin: bool = False) -> Call:
    raw = query.encode() if isinstance(query, str) else query
    return Call(
        parameters=read_parameters(raw),
        non_latin=non_latin,
        address="192.0.2.1",
        script="http://localhost/vicidial/non_agent_api.php",
        host="localhost",
        url=f"?{MASKING.query(raw)}",
    )


def cleaned(name: str, value: str, non_latin: bool = False) -> str:
    return call(f"{name}={quote(value)}", non_latin).get(name)


# Reading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": b"1", "b": b"2"}),
        (b"a=", {"a": b""}),
        (b"a", {"a": b""}),
        (b"=1&&a=2&", {"a": b"2"}),
        (b"a=1=2", {"a": b"1=2"}),
        (b"a=1&a=2", {"a": b"2"}),
        (b"a=1&a=", {"a": b""}),
        (b"a=1;b=2", {"a": b"1;b=2"}),
        (b"A=1&a=2", {"A": b"1", "a": b"2"}),
        (b"a=+1555", {"a": b" 1555"}),
        (b"a=%2B1555", {"a": b"+1555"}),
        (b"a=%252B", {"a": b"%2B"}),
        (b"a=100%&b=%zz&c=%4", {"a": b"100%", "b": b"%zz", "c": b"%4"}),
        (b"a=%ff%00", {"a": b"\xff\x00"}),
        (b"did.pattern=1", {"did_pattern": b"1"}),
        (b"did+pattern=1&a%20b=2&c%2Ed=3", {"did_pattern": b"1", "a_b": b"2", "c_d": b"3"}),
        (b"+a=1", {"a": b"1"}),
        (b"p%61ss=1", {"pass": b"1"}),
        (b"did[pattern=1", {"did_pattern": b"1"}),
    ],
)
def test_query_is_read_as_php_reads_it(query, expected):
    """Separators, encodings and names have the meaning that PHP gives them."""
    assert expected == values(query)


def test_query_hides_form():
    """A name in the query, even if empty, hides the one in the form; other names of the form count."""
    assert {"a": b"", "b": b"form"} == values(b"a=", (b"a", b"form"), (b"b", b"form"))


def test_last_of_the_form_counts():
    """Of repeated names in the form the last counts."""
    assert {"a": b"2"} == values(b"", (b"a", b"1"), (b"a", b"2"))


@pytest.mark.parametrize(
    "query", [b"did_pattern[]=1", b"did_pattern[x]=1", b"did_pattern%5B%5D=1", b"did.pattern[]"]
)
def test_arrays_are_named(query):
    """A parameter sent as an array has no value and is told by its name."""
    read = call(query)

    assert {} == read.parameters.values
    assert "did_pattern" == read.bad_parameter


def test_arrays_of_unknown_names_do_not_matter():
    """An array that no function reads is no bad parameter."""
    assert None is call(b"rows[]=1&function=version").bad_parameter


@given(
    st.binary(max_size=200), st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=5)
)
def test_any_bytes_are_read(query, form):
    """Whatever is sent, it is read."""
    read = read_parameters(query, form)

    assert all(read.values) or {} == read.values
    assert all(isinstance(value, bytes) for value in read.values.values())


@given(st.dictionaries(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.text()))
def test_what_is_encoded_is_decoded_once(sent):
    """Values that a client encodes arrive as they were."""
    assert {name: value.encode() for name, value in sent.items()} == values(urlencode(sent).encode())


@given(st.binary(max_size=100))
def test_bytes_survive_percent_encoding(value):
    """Every byte can be sent."""
    assert [(b"a", value)] == split_form(b"a=" + quote_from_bytes(value).encode())


# Cleaning ------------------------------------------------------------------------------------------


@given(names, st.binary(max_size=60), st.booleans())
def test_cleaned_values_hold_kept_characters_alone(name, value, non_latin):
    """Of any bytes only a parameter's own characters are left."""
    rule = CLEAN_UP[name]
    kept = (
        set(rule.symbols)
        | (DIGITS if rule.digits else set())
        | (ASCII_LETTERS if rule.letters != "none" else set())
    )

    found = call(f"{name}=".encode() + quote_from_bytes(value).encode(), non_latin).get(name)

    others = {c for c in found if c not in kept}
    assert all(non_latin and rule.letters == "any" and not c.isascii() and c.isalpha() for c in others)


@given(names, st.text(max_size=60), st.booleans())
def test_cleaning_keeps_order_and_is_done_once(name, value, non_latin):
    """Cleaning removes characters and nothing else; a cleaned value stays as it is."""
    found = cleaned(name, value, non_latin)

    rest = iter(value)
    assert all(character in rest for character in found)
    assert found == cleaned(name, found, non_latin)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("function user pass did_route record_call exten_context phone_extension menu_id campaign_id", "-_"),
        ("list_id", "-_"),
        ("source active did_active delete_did force", ""),
        ("did_pattern source_did_pattern", ":+*#._"),
        ("new_dids new_did_pattern", ":+*#._,"),
        ("did_description filter_clean_cid_number", " -.,_"),
        ("voicemail_ext", "*#._"),
        ("server_ip", "-.:_"),
        ("group", "-_|"),
        ("call_handle_method agent_search_method", "_"),
    ],
)
def test_symbols_that_are_kept(names, kept):
    """Of all ASCII symbols exactly those of the parameter are kept."""
    symbols = "".join(chr(i) for i in range(128) if not chr(i).isalnum())

    found = {name: cleaned(name, f"{symbols}aZ09") for name in names.split()}

    assert {name: "".join(sorted(kept)) + "aZ09" for name in names.split()} == {
        name: "".join(sorted(text[:-4])) + text[-4:] for name, text in found.items()
    }


@pytest.mark.parametrize("name", ["entry_list_id", "phone_code"])
def test_digits_alone_are_kept(name):
    """Of a number only its digits are left."""
    assert "4401" == cleaned(name, "+44 (0)x1 ٣é", non_latin=True)


@pytest.mark.parametrize(
    "name", ["did_pattern", "user", "pass", "source", "did_description", "exten_context"]
)
def test_letters_of_other_scripts(name):
    """With use_non_latin letters of every script are kept, without it ASCII ones alone."""
    assert "Aéж电" == cleaned(name, "Aéж电²…٣", non_latin=True)
    assert "A" == cleaned(name, "Aéж电²…٣")


@pytest.mark.parametrize("name", ["function", "server_ip", "call_handle_method", "list_id", "active"])
def test_ascii_parameters_never_keep_other_scripts(name):
    """Where only ASCII letters may be, use_non_latin changes nothing."""
    assert "A" == cleaned(name, "Aéж", non_latin=True)


@pytest.mark.parametrize("non_latin", [True, False])
def test_bad_bytes_are_dropped(non_latin):
    """Bytes that are not UTF-8 go; the rest of the value counts."""
    assert "5550001" == call(b"did_pattern=555%ff00%c301%80", non_latin).get("did_pattern")


@pytest.mark.parametrize(("sent", "expected"), [("n", "n"), ("Y", "Y"), ("-y-", "y"), ("1", "1"), ("", "")])
def test_flags_keep_what_can_be_refused(sent, expected):
    """A flag is not emptied by cleaning, so that it is understood or refused."""
    assert expected == cleaned("active", sent)


def test_a_missing_parameter_is_empty():
    """A parameter that was not sent is an empty text."""
    assert ("", "") == (call(b"").get("did_pattern"), call(b"").raw("did_pattern"))


def test_a_parameter_that_nobody_cleans_is_not_read():
    """Reading a parameter without a clean-up rule is an error of the programmer."""
    with pytest.raises(KeyError):
        call(b"other=1").get("other")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("5550001,5550002", ("5550001", "5550002")),
        (",5550001,,", ("5550001",)),
        (",,", ()),
        ("()", ()),
        ("5550001\n5550002", ("5550001", "5550002")),
        ("1 800 555 0100,5550002", ("18005550100", "5550002")),
        ("18005550100 18005550101", ("18005550100", "18005550101")),
    ],
)
def test_lists_have_no_empty_items(sent, expected):
    """A list parameter is the patterns in it, cleaned; empty items are skipped."""
    assert expected == call(f"new_dids={quote(sent)}").patterns("new_dids")


@given(st.binary(max_size=100), st.booleans())
def test_every_list_comes_apart(value, non_latin):
    """Any bytes are a list of patterns, none of them empty or with a comma."""
    items = call(b"new_dids=" + quote_from_bytes(value).encode(), non_latin).patterns("new_dids")

    assert all(item and "," not in item for item in items)


# Dialects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "function=copy_did&new_did_pattern=1",
        "function=copy_did&new_did_pattern=",
        "new_did_pattern=1",
        "function=&new_did_pattern=1",
        "function=**&new_did_pattern=1",
        "function=copy_did&new.did.pattern=1",
        "function=copy_did&new_did_pattern=1&did_description=x",
    ],
)
def test_tutorial_dialect(query):
    """A new_did_pattern without VICIdial's names and without another function is the tutorial's."""
    assert Dialect.TUTORIAL is call(query).dialect


@pytest.mark.parametrize(
    "query",
    [
        "",
        "function=copy_did",
        "function=copy_did&new_dids=1",
        "function=copy_did&new_did_pattern=1&new_dids=2",
        "function=copy_did&new_did_pattern=1&new_dids=",
        "function=copy_did&new_did_pattern=1&source_did_pattern=2",
        "function=add_did&new_did_pattern=1",
        "function=version&new_did_pattern=1",
        "function=COPY_DID&new_did_pattern=1",
        "function=copy_did&NEW_DID_PATTERN=1",
    ],
)
def test_vicidial_dialect(query):
    """Everything else is VICIdial's."""
    assert Dialect.VICIDIAL is call(query).dialect


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_call(query, non_latin):
    """Whatever is sent, it is a call in one of the dialects."""
    made = call(query, non_latin)

    assert made.dialect in Dialect
    assert all(isinstance(made.get(name), str) for name in CLEAN_UP)


# Masking -------------------------------------------------------------------------------------------

secret_names = st.sampled_from(sorted(SECRETS))


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """A spelling of a secret parameter's name that PHP reads as that name."""
    name = draw(secret_names)
    spaces = draw(st.sampled_from(["", "+", "%20", "+%20"]))
    letters = [draw(st.sampled_from([c, f"%{ord(c):02x}", f"%{ord(c):02X}"])) for c in name]
    alternatives = ["_", ".", "+", "%20", "%2e", "%5F", "[", "%5b"]
    letters = [
        draw(st.sampled_from(alternatives)) if c == "_" else s for c, s in zip(name, letters, strict=True)
    ]
    bracket = (
        draw(st.sampled_from(["", "", "[]", "[a]", "%5B%5D"]))
        if "[" not in letters and "%5b" not in letters
        else ""
    )
    return spaces + "".join(letters) + bracket


others = st.sampled_from(
    ["", "user=admin", "a%62=1", "pass", "pass[]", "x.y=%zz", "%", "=", "a=\n", "password=x"]
)


@given(spelled(), others, others)
@example("pass", "a%62=1", "user=admin")
@example("agent.pass", "", "")
def test_a_password_never_survives(name, before, after):
    """However its parameter's name is encoded, a password is not in the masked text."""
    query = f"{before}&{name}={PASSWORD}&{after}".encode()

    masked = MASKING.query(query)

    assert PASSWORD not in masked
    assert f"{name}={MASK}" in masked


@given(st.binary(max_size=30), st.binary(max_size=30), secret_names)
def test_a_password_never_survives_any_bytes(before, after, name):
    """No bytes around it keep a password from being masked."""
    assert PASSWORD not in MASKING.query(before + f"&{name}={PASSWORD}&".encode() + after)


@given(st.binary(max_size=100))
def test_what_is_read_as_a_password_is_masked(query):
    """What the call would compare as a password is not in the masked text."""
    query = query + b"&p%61ss=" + PASSWORD.encode()

    assert PASSWORD == call(query).raw("pass")
    assert PASSWORD not in call(query).url


@given(spelled(), spelled())
def test_repeated_passwords_are_all_masked(one, other):
    """Of repeated parameters none is left, also those that do not count."""
    assert PASSWORD not in MASKING.query(f"{one}={PASSWORD}&{other}={PASSWORD}".encode())


def test_a_call_does_not_show_its_proof():
    """The text form of a call holds no proof of a password."""
    assert "proof" not in repr(call(b"user=admin"))


PIECES = st.sampled_from([
    b"pass", b"agent_pass", b"PASS", b"p%61ss", b"function", b"user", b"other", b"=", b"=", b"&", b"&", b";",
    b"%26", b"?", b"+", b"[", b"]", b"%3F", b"reset_password", b" ", b"hunter2hunter2",
])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map(b"".join))
def test_no_password_that_is_read_stands_in_the_masked_text(query):
    """Whatever an address looks like: what Didier reads as a password is not in what it logs."""
    read = read_parameters(query).values
    only_secret = query.count(b"hunter2hunter2") == 1 and b"hunter2hunter2" in {
        read.get(name, b"") for name in SECRETS
    }

    assert not only_secret or "hunter2hunter2" not in MASKING.query(query)
