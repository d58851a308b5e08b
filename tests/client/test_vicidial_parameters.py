"""What may be sent to VICIdial: names, characters, and values that it would not store as they are."""

import pytest

from didier.client import errors
from didier.client.vicidial import parameters
from didier.client.vicidial.parameters import DID_PARAMETERS, USER_PARAMETERS
from didier.vicidial import call
from didier.vicidial.replies import dids, users


def refused(function, **values):
    with pytest.raises(errors.InvalidField) as caught:
        function(values, non_latin=False)
    return caught.value


def test_the_parameters_are_those_that_didier_answers_to():
    """Names and words of refusal are the same on both sides of the wire."""
    assert list(dids.FIELD_ERRORS.items()) == [(p.column, (p.name, p.refusal)) for p in DID_PARAMETERS]
    assert list(users.FIELD_ERRORS.items()) == [(p.column, (p.name, p.refusal)) for p in USER_PARAMETERS]


@pytest.mark.parametrize("parameter", [*DID_PARAMETERS, *USER_PARAMETERS], ids=lambda p: p.name)
def test_the_characters_are_those_that_are_kept(parameter):
    """What is let through is kept by Didier's clean-up, which is VICIdial's or wider."""
    kept = call.CLEAN_UP[parameter.name]
    for character in map(chr, range(32, 256)):
        for non_latin in (False, True):
            if parameter.kept.clean(character, non_latin=non_latin):
                assert character == kept.clean(character, non_latin), character


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"did_active": "N"}, {"active": "N"}),
        ({"did_active": True}, {"active": "Y"}),
        ({"active": False}, {"active": "N"}),
        ({"in_group": "SALES"}, {"group": "SALES"}),
        ({"phone": "cc100"}, {"phone_extension": "cc100"}),
        ({"list_id": 999}, {"list_id": "999"}),
        ({"description": "Sales line", "route": "IN_GROUP"},
         {"did_description": "Sales line", "did_route": "IN_GROUP"}),
    ],
)  # fmt: skip
def test_columns_become_parameters(given, sent):
    """Columns, and their short names, are sent under VICIdial's names."""
    assert sent == parameters.of_did(given, non_latin=False)


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("extension", "*83", "drops the rest"),
        ("did_active", "n", "drops the rest"),
        ("did_description", "Sales (east)", "drops the rest"),
        ("did_description", "Línea 1", "drops the rest"),
        ("did_description", "", "cannot empty"),
        ("did_description", None, "cannot empty"),
        ("extension", "--BLANK--", "cannot empty"),
        ("agent_search_method", "QQ", "one of LO"),
        ("list_id", "abc", "3 to 14 digits"),
        ("custom_one", "x", "cannot set this column"),
        ("user_group", "SALES", "cannot set this column"),
        ("group", "SALES", "called group_id here"),
        ("phone_extension", "cc100", "called phone here"),
    ],
)
def test_a_value_that_would_not_be_stored_is_refused(column, value, why):
    """What VICIdial changes, ignores or stores as nothing is refused, and says which field it is."""
    error = refused(parameters.of_did, **{column: value})

    assert (column, 0) == (error.field, error.status)
    assert why in error.allowed


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("email", "o'neil@example.com", "drops the rest"),
        ("email", "a+b@example.com", "drops the rest"),
        ("voicemail_id", "--BLANK--", "cannot empty"),
        ("vdc_agent_api_access", "1", "cannot set"),
        ("agent_full_name", "Ann", "called full_name here"),
        ("full_name", "Ann <x>", "drops the rest"),
    ],
)
def test_a_value_of_a_user_that_would_not_be_stored_is_refused(column, value, why):
    """The same holds for users, whose fields have a value that empties them."""
    assert why in refused(parameters.of_user, **{column: value}).allowed
    assert {"custom_one": "--BLANK--"} == parameters.of_user({"custom_one": "--BLANK--"}, non_latin=False)


@pytest.mark.parametrize("password", ["", "p;ss", "pass word", "pässword"])
def test_a_new_password_that_would_be_another_is_refused_unseen(password):
    """VICIdial would store the password without these characters; the refusal does not show it."""
    with pytest.raises(errors.InvalidField) as caught:
        parameters.password(password, non_latin=False)

    assert "***" in str(caught.value)
    assert not password or password not in repr(caught.value) + str(caught.value.members)


def test_a_password_of_a_phone_is_refused_unseen():
    """The refusal of a phone's password does not show it either."""
    error = refused(parameters.of_user, phone_pass="p;hone")

    assert "p;hone" not in str(error) + str(dict(error.members))


@pytest.mark.parametrize("description", ["Short", "x" * 51])
def test_the_description_of_copies_has_its_length(description):
    """VICIdial checks it after the first DIDs are made, so it is checked before."""
    with pytest.raises(errors.InvalidField) as caught:
        parameters.described(description, non_latin=False)

    assert "6 to 50 characters" == caught.value.allowed


def test_letters_of_other_scripts_need_the_servers_consent():
    """With use_non_latin on they are kept, and lengths are in bytes."""
    assert "Línea" == parameters.pattern("Línea", non_latin=True)
    with pytest.raises(errors.InvalidPattern):
        parameters.pattern("Línea", non_latin=False)
    with pytest.raises(errors.InvalidField):
        parameters.described("é" * 26, non_latin=True)
