"""Tokens: making, listing, revoking, signing in with them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from didier.cli.local import CALLER
from didier.errors import (
    AddressRefused,
    InvalidField,
    LevelNotAllowed,
    NotPermitted,
    TokenNotFound,
    TokenRefused,
    UserNotFound,
)
from didier.services.users import directory, tokens
from didier.services.users.tokens import AddedToken, AddTokenOrder, ListOrder, PresentedToken, RevokeOrder
from didier.storage.statements import run

ADDRESS = "192.0.2.7"


def order(user="admin", caller=CALLER, **settings):
    given = {"name": "CRM", "scopes": ("dids:read",), "secret": tokens.generate(), **settings}
    return AddTokenOrder(caller=caller, user=user, **given)


def carry_out(engine, service, now, *orders):
    with engine.begin() as conn:
        return service(conn, orders, now)


def made(engine, now, **settings):
    """Return a new token, and how it is shown."""
    [added] = carry_out(engine, tokens.add, now, order(**settings))
    assert isinstance(added, AddedToken), added
    return added.token, PresentedToken(added.secret.digest, ADDRESS)


def signed_in(engine, now, *presented):
    return carry_out(engine, tokens.sign_in, now, *presented)


def test_a_token_signs_its_user_in(engine, now):
    """With the user's rights, the scopes and the prefix of the token."""
    _, shown = made(engine, now, pattern_prefix="+44")
    [caller] = signed_in(engine, now, shown)

    assert ("admin", 9, ADDRESS) == (caller.user.name, caller.user.level, caller.address)
    assert (frozenset({"dids:read"}), "+44") == (caller.scopes, caller.pattern_prefix)


def test_nothing_but_the_digest_is_stored(engine, now):
    """What the token says is in no column but by its beginning."""
    [added] = carry_out(engine, tokens.add, now, order())
    with engine.begin() as conn:
        stored = str(run(conn, "SELECT * FROM didier_tokens"))

    assert added.secret.text not in stored
    assert added.secret.digest in stored
    assert "didier_" + added.secret.text[7:12] == added.token.hint


def test_tokens_are_decided_for_themselves(engine, now):
    """One that is not known costs the others nothing."""
    _, shown = made(engine, now)
    outcomes = signed_in(engine, now, PresentedToken("0" * 64, ADDRESS), shown)

    assert TokenRefused("there is no such token") == outcomes[0]
    assert "admin" == outcomes[1].name


def test_a_token_expires(engine, now):
    """At its time, not before."""
    _, shown = made(engine, now, expires_at=now + timedelta(seconds=60))

    assert "admin" == signed_in(engine, now + timedelta(seconds=59), shown)[0].name
    assert [TokenRefused("it has expired")] == signed_in(engine, now + timedelta(seconds=60), shown)


def test_a_revoked_token_is_refused_and_listed(engine, now):
    """Revoking twice is no error and does not change when it was revoked."""
    token, shown = made(engine, now)
    later = now + timedelta(hours=1)
    first = carry_out(engine, tokens.revoke, now, RevokeOrder(CALLER, token.token_id))
    second = carry_out(engine, tokens.revoke, later, RevokeOrder(CALLER, token.token_id))

    assert [replace(token, revoked_at=now)] == first == second
    assert [TokenRefused("it was revoked")] == signed_in(engine, now, shown)
    assert [first] == carry_out(engine, tokens.listed, now, ListOrder(CALLER, "ADMIN"))
    assert [TokenNotFound(999)] == carry_out(engine, tokens.revoke, now, RevokeOrder(CALLER, 999))


def test_a_token_of_an_inactive_user_is_refused(engine, now):
    """And works again when the user is active again."""
    _, shown = made(engine, now)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET active = 'N'")

    assert [TokenRefused("its user is not active")] == signed_in(engine, now, shown)


def test_a_new_user_does_not_inherit_tokens(engine, now):
    """A user who is deleted and made again under the same name is somebody else."""
    _, shown = made(engine, now)
    with engine.begin() as conn:
        run(conn, "DELETE FROM vicidial_users")
        directory.add(conn, "admin", directory.AccountSettings(level=9), now)

    assert [TokenRefused("its user is not active")] == signed_in(engine, now, shown)
    assert [[]] == carry_out(engine, tokens.listed, now, ListOrder(CALLER, "admin"))


def test_wrong_passwords_do_not_stop_tokens(engine, now):
    """Somebody else may have sent them."""
    _, shown = made(engine, now)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET failed_login_count = 10")

    assert "admin" == signed_in(engine, now, shown)[0].name


@pytest.mark.parametrize(
    ("networks", "address", "accepted"),
    [
        ((), "203.0.113.1", True),
        ((), "", True),
        (("192.0.2.0/24",), "192.0.2.255", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("192.0.2.0/24",), "192.0.3.1", False),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("2001:db8::1",), "2001:db8::2", False),
        (("192.0.2.0/24",), "", False),
    ],
)
def test_networks(engine, now, networks, address, accepted):
    """A token is accepted from its networks; without any from everywhere."""
    _, shown = made(engine, now, networks=networks)
    [outcome] = signed_in(engine, now, replace(shown, address=address))

    assert accepted != isinstance(outcome, AddressRefused)


def test_vicidials_address_lists_count(engine, now):
    """A token does not get round the list of addresses that its user has."""
    _, shown = made(engine, now)
    with engine.begin() as conn:
        run(conn, "INSERT INTO system_settings (allow_ip_lists, system_ip_blacklist) VALUES ('1', 'BLACK')")
        run(conn, "INSERT INTO vicidial_ip_lists (ip_list_id, active) VALUES ('BLACK', 'Y')")
        run(
            conn, "INSERT INTO vicidial_ip_list_entries (ip_list_id, ip_address) VALUES ('BLACK', ?)", ADDRESS
        )

    assert [AddressRefused(ADDRESS)] == signed_in(engine, now, shown)


def test_use_is_remembered_to_the_minute(engine, now):
    """Not every request writes."""
    _, shown = made(engine, now)

    def used_at(seconds):
        signed_in(engine, now + timedelta(seconds=seconds), shown, shown)
        [[token]] = carry_out(engine, tokens.listed, now, ListOrder(CALLER, "admin"))
        return (token.last_used_at - now).total_seconds()

    assert [0, 0, 60] == [used_at(0), used_at(59), used_at(60)]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("dids:read", "coffee")}, "scopes"),
        ({"pattern_prefix": ""}, "pattern_prefix"),
        ({"pattern_prefix": "%"}, "pattern_prefix"),
        ({"pattern_prefix": "1", "scopes": ("users",)}, "pattern_prefix"),
        ({"networks": ("192.0.2.1/24",)}, "networks"),
        ({"networks": ("192.0.2.1",) * 51}, "networks"),
    ],
)
def test_bad_tokens_are_refused(engine, now, settings, field):
    """The refusal names the field."""
    [refused] = carry_out(engine, tokens.add, now, order(**settings))

    assert isinstance(refused, InvalidField)
    assert field == refused.field


def test_an_expiry_lies_ahead(engine, now):
    """A token that has expired already is a mistake."""
    [refused] = carry_out(engine, tokens.add, now, order(expires_at=now))

    assert "expires_at" == refused.field


def test_others_ask_for_the_right_to_change_them(engine, now):
    """Nobody gets at the rights of somebody whom they may not change."""
    own = replace(CALLER, user=replace(CALLER.user, name="ann", modify_users=False))
    lower = replace(CALLER, user=replace(CALLER.user, name="ann", level=8, modify_same_level=False))
    token, _ = made(engine, now)
    service = (tokens.add, tokens.listed)
    outcomes = [
        carry_out(engine, what, now, wish)[0]
        for who in (own, lower)
        for what, wish in zip(service, (order(caller=who), ListOrder(who, "admin")), strict=True)
    ]

    assert [NotPermitted, NotPermitted, LevelNotAllowed, LevelNotAllowed] == [type(one) for one in outcomes]
    assert [UserNotFound("ghost")] == carry_out(engine, tokens.add, now, order("ghost", caller=lower))
    assert [TokenNotFound(1)] * 2 == [
        carry_out(engine, tokens.revoke, now, RevokeOrder(who, token.token_id))[0] for who in (own, lower)
    ]
    assert [[]] == carry_out(engine, tokens.listed, now, ListOrder(lower, None))


def test_no_token_makes_tokens(engine, now):
    """Whatever its scopes."""
    caller = replace(CALLER, user=replace(CALLER.user, name="admin"), scopes=frozenset({"users"}))
    outcomes = [
        carry_out(engine, tokens.add, now, order(caller=caller))[0],
        carry_out(engine, tokens.listed, now, ListOrder(caller, "admin"))[0],
        carry_out(engine, tokens.revoke, now, RevokeOrder(caller, 1))[0],
    ]

    assert {NotPermitted} == {type(one) for one in outcomes}


@pytest.mark.parametrize(
    ("pattern", "reached"), [("+4420", True), ("+44", True), ("+4", False), ("18005550100", False)]
)
def test_a_prefix_is_what_patterns_begin_with(pattern, reached):
    """Compared as DIDs are: without case."""
    assert reached == replace(CALLER, pattern_prefix="+44").may_touch(pattern)
    assert CALLER.may_touch(pattern)
    assert replace(CALLER, pattern_prefix="Abc").may_touch("aBCd")
