import json
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.errors import InvalidField, UnknownReference
from didier.masking import MASK, Masking, is_secret, mask_path, reveals
from support.secrets import NAMES, SPELLINGS

SECRET = "Marigold-77"
ADDRESSES = Masking(["function", "user", "pass", "did_pattern", "did_description", "idempotency_key"])
LOG = Masking()

names = st.sampled_from(NAMES)
spellings = st.sampled_from(list(SPELLINGS.values()))
around = st.sampled_from(
    ["", "user=admin", "function=version", "a=%zz", "x", "==", "%", "did_description=a%26b"]
)


@pytest.mark.parametrize("masking", [ADDRESSES, LOG], ids=["addresses", "log"])
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", NAMES)
def test_a_secret_in_a_query_is_masked(name, spelling, masking):
    """However the name of a secret is written, its value is not in what is kept of a query."""
    assert SECRET not in masking.query(f"user=admin&{SPELLINGS[spelling](name)}={SECRET}&x=1".encode())


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_in_a_form_is_masked(spelling):
    """The same in a form, whose names and values were decoded once."""
    read = [unquote_to_bytes(SPELLINGS[spelling](name).replace("+", " ")) for name in NAMES]

    assert SECRET not in LOG.form([(b"user", b"admin"), *((name, SECRET.encode()) for name in read)])


@pytest.mark.parametrize("sign", ["=", ":", "%3D", "%253d", "%3A", "+:+", '":"', "%EF%BC%9D"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_within_a_value_is_masked(spelling, sign):
    """A value that itself holds a name with a sign and a secret behind it is masked, in every parameter."""
    values = [f"{SPELLINGS[spelling](name)}{sign}{SECRET}".replace("&", "%26") for name in NAMES]
    queries = [f"did_description=x+{value}&x={value}".encode() for value in values]

    kept = {masking.query(query) for masking in (ADDRESSES, LOG) for query in queries}

    assert {f"did_description={MASK}&x={MASK}"} == kept


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_in_a_path_is_masked(spelling):
    """An address that was put together wrongly, with the query in its path, is kept up to the secret."""
    beginning = "/vicidial/non_agent_api.php&user=admin&"

    kept = [mask_path(f"{beginning}{SPELLINGS[spelling](name)}={SECRET}&more/x") for name in NAMES]

    assert all(path.startswith("/vicidial/") for path in kept)
    assert not any(SECRET in path or "more" in path for path in kept)


@given(names, spellings, around, around, st.booleans())
def test_what_stands_around_a_secret_does_not_matter(name, spelling, before, after, is_log):
    """Whatever is sent before and after it, a secret is masked."""
    query = f"{before}&{spelling(name)}={SECRET}&{after}".encode()

    assert SECRET not in (LOG if is_log else ADDRESSES).query(query)


@given(st.binary(max_size=40), st.binary(max_size=40), names, spellings)
def test_no_bytes_around_a_secret_matter(before, after, name, spelling):
    """No bytes before and after it keep a secret from being masked."""
    query = before + f"&{spelling(name)}={SECRET}&".encode() + after

    assert SECRET not in ADDRESSES.query(query)
    assert SECRET not in LOG.query(query)


@given(st.text(max_size=20), st.text(max_size=20))
def test_unknown_parameters_are_masked_in_addresses(name, value):
    """Of parameters that are not known nothing but the name is kept where addresses are stored."""
    kept = ADDRESSES.query(f"user=admin&z{quote(name)}={quote(value)}&{SECRET}".encode())

    shown = MASK if reveals(f"z{name}") else f"z{quote(name)}={MASK}"
    assert f"user=admin&{shown}&{MASK}" == kept


@pytest.mark.parametrize(
    "query",
    [
        "function=copy_did&user=admin&did_pattern=18001234567",
        "did_pattern=%2B1800,%2A99%23&user=",
        "did_description=Sales+line%2C%20north",
        "did_description=%C3%89t%C3%A9&user",
        "did_description=pass&user=token",
        "idempotency_key=7d1f:22",
        "did_description=a=b",
        "",
    ],
)
def test_known_parameters_are_kept_as_received(query):
    """Values of parameters that are known, and no secrets, are kept as they were sent."""
    assert query == ADDRESSES.query(query.encode())


@pytest.mark.parametrize(
    "query",
    ["search=1800&page=2", "cursor=eyJhIjoxfQ%3D%3D", "phone_code=44", "x=%zz", "idempotency_key=a:b"],
)
def test_the_log_keeps_what_is_no_secret(query):
    """In the log of other pages values of all parameters are kept that are no secrets."""
    assert query == LOG.query(query.encode())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"pass=1234", "pass=***"),
        (b"pass=", "pass=***"),
        (b"pass", "pass"),
        (b"user=a&pass=1=2%263&user=%41", "user=a&pass=***&user=%41"),
        (b"pass=a\nb&user=1", "pass=***&user=1"),
        (b"pass=Beg&onia", "pass=***&***"),
        (b"user=?pass=1", "user=***"),
        (b"user=1;PASS=2", "user=***"),
        (b"user&amp;pass=1&user=2", "user&amp;pass=***&user=2"),
        (b"pass%3D1", "***"),
        (b"x%26pass%3D1=2", "***"),
        (b"user=\xff", "user=\ufffd"),
    ],
)
def test_what_is_shown_of_a_secret(query, expected):
    """The name of a secret is kept, unless the secret stands in it."""
    assert expected == ADDRESSES.query(query)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/dids/18001234567", "/api/v1/dids/18001234567"),
        ("/api/v1/tokens/5", "/api/v1/tokens/5"),
        ("/admin/login", "/admin/login"),
        ("/api/v1/users/pass=1/tokens", "/api/v1/users/pass=***"),
        ("/vicidial/non_agent_api.php?user=a&pass=1&x=2", "/vicidial/non_agent_api.php?user=***"),
        ("/vicidial/non_agent_api.php?pass=1/2", "/vicidial/non_agent_api.php?pass=***"),
        ("/a/token%3A1", "/a/***"),
        ("/pass/=1", "***"),
    ],
)
def test_what_is_shown_of_a_path(path, expected):
    """A path is kept as it is unless a secret stands in it, otherwise up to there."""
    assert expected == mask_path(path)


@pytest.mark.parametrize("name", ["pin", "key", "CODE", "sig", "%70in", "p.w", "sid[]"])
def test_short_names_are_secrets_when_they_stand_alone(name):
    """What is part of many a harmless name means a secret alone."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["user", "function", "did_pattern", "phone_code", "idempotency_key", "shipping", ""]
)
def test_other_names_are_no_secrets(name):
    """Names that mean no secret are not taken for one."""
    assert not is_secret(name)


@given(st.text(max_size=50), st.binary(max_size=50))
def test_any_text_is_judged(text, data):
    """Whatever is sent, half characters too, is judged without an error."""
    answers = [judge(one) for judge in (is_secret, reveals) for one in (text, data, f"\ud800{text}")]

    assert {True, False}.issuperset(answers)


@pytest.mark.parametrize("field", NAMES)
def test_a_refusal_shows_no_secret(field):
    """A refused value of a field that is a secret is in no refusal, however it is shown."""
    refusals = [InvalidField(field, SECRET, "else"), UnknownReference(field, SECRET, "else", "kind")]

    assert not any(SECRET in f"{one}{one!r}{one.args}{json.dumps(vars(one))}" for one in refusals)


def test_a_refusal_shows_other_values():
    """A refused value that is no secret is shown."""
    assert "did_route 'X' is not allowed: one of A" == str(InvalidField("did_route", "X", "one of A"))
