"""The functions that show, make, copy, change and delete users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.accounts import BY_COLUMN
from didier.domain.ranks import NewRank, Place
from didier.errors import NotPermitted, UserNotFound
from didier.runtime.requests import Operation
from didier.services.usage.reports import Table
from didier.services.users import accounts
from didier.services.users.authentication import Caller
from didier.storage.users.users import StoredPassword
from didier.vicidial.call import BLANK, Call
from didier.vicidial.flags import flag, is_flag, is_on
from didier.vicidial.function import Function
from didier.vicidial.replies import shared
from didier.vicidial.replies import users as words
from didier.vicidial.replies.lines import Reply

NAME_LEAST, NAME_MOST = 2, 20
"""Characters of a user's name."""

PASSWORD_LEAST, PASSWORD_MOST = 2, 100
"""Characters of a password: what VICIdial asks for, and the width of its column."""

MAIL_LENGTH = 8
"""Least length of a password that ``reset_password`` asks for; less asks for none."""

_DETAILS = ("user", "full_name", "user_group", "user_level", "active")


def user_details(conn: Connection, call: Call, caller: Caller) -> Reply:
    """Show a user."""
    name = call.get("agent_user")
    if not name:
        return words.search_invalid(call)
    found = accounts.details(conn, caller.user, name)
    if isinstance(found, NotPermitted | UserNotFound):
        return words.details(call, found)
    row = (name, found.full_name, found.group, found.level, found.active)
    return words.details(call, Table(_DETAILS, [row]))


def _add(call: Call, caller: Caller) -> Operation[Reply]:
    dry_run = is_on(call, "dry_run")
    order = accounts.AddUserOrder(caller, call.get("agent_user"), _stored(call), _given(call), dry_run)
    return Operation(accounts.add, order, lambda _, outcome: words.added(call, caller.user, outcome))


def _copy(call: Call, caller: Caller) -> Operation[Reply]:
    order = accounts.CopyUserOrder(
        caller,
        call.get("agent_user"),
        _stored(call),
        call.get("agent_full_name"),
        call.get("source_user"),
        is_on(call, "dry_run"),
    )
    return Operation(accounts.copy, order, lambda _, outcome: words.copied(call, caller.user, outcome))


def _new_problem(
    required: Sequence[str], incomplete: Callable[[Call], Reply]
) -> Callable[[Call], Reply | None]:
    def problem(call: Call) -> Reply | None:
        named = NAME_LEAST <= len(call.get("agent_user")) <= NAME_MOST
        if not (named and password_of(call) and all(call.get(name) for name in required)):
            return incomplete(call)
        return _password_problem(call) or _flag_problem(call, "dry_run")

    return problem


def _update_problem(call: Call) -> Reply | None:
    if len(call.get("agent_user")) < NAME_LEAST:
        return words.update_incomplete(call)
    if problem := _flag_problem(call, "delete_user") or _flag_problem(call, "dry_run"):
        return problem
    if is_on(call, "delete_user"):
        return None
    if switch := next((s.only_one for s in _RANKS if call.get(s.only_one) not in {"", "0", "1"}), None):
        return words.switch_invalid(call, switch)
    if call.get("agent_pass") and not password_of(call):
        return words.password_invalid(call)
    return _password_problem(call)


def _update(call: Call, caller: Caller) -> Operation[Reply]:
    name, dry_run = call.get("agent_user"), is_on(call, "dry_run")
    if is_on(call, "delete_user"):
        deletion = accounts.DeleteUserOrder(caller, name, dry_run)
        return Operation(accounts.delete, deletion, lambda _, done: words.deleted(call, caller.user, done))
    order = accounts.UpdateUserOrder(
        caller,
        name,
        call.new_password if password_of(call) else None,
        _changed(call),
        reset_password=_asks_for_mail(call),
        dry_run=dry_run,
        ranks=_new_ranks(call),
    )
    return Operation(accounts.update, order, lambda _, done: words.updated(call, caller.user, done))


@dataclass(frozen=True, slots=True)
class _RankParameters:
    """The parameters that set ranks in one kind of place, and the switch that limits them to one."""

    place: Place
    rank: str
    grade: str
    only_one: str


_RANKS = (
    _RankParameters(Place.CAMPAIGN, "campaign_rank", "campaign_grade", "camp_rg_only"),
    _RankParameters(Place.IN_GROUP, "ingroup_rank", "ingroup_grade", "ingrp_rg_only"),
)


def _new_ranks(call: Call) -> tuple[NewRank, ...]:
    return tuple(
        NewRank(
            names.place,
            call.get(names.rank),
            call.get(names.grade),
            call.get(names.place.key) if call.get(names.only_one) == "1" else None,
        )
        for names in _RANKS
        if call.get(names.rank) or call.get(names.grade)
    )


def password_of(call: Call) -> str:
    """Return the password that the call gives to somebody, in the form that VICIdial reads; empty if none."""
    password = call.get("agent_pass")
    is_sized = PASSWORD_LEAST <= len(password) <= PASSWORD_MOST
    return password if password != BLANK and is_sized else ""


def _password_problem(call: Call) -> Reply | None:
    """The door makes what is stored of a password; it cannot where VICIdial's hashing is set up wrongly."""
    return words.password_not_storable(call) if password_of(call) and call.new_password is None else None


def _flag_problem(call: Call, name: str) -> Reply | None:
    return None if is_flag(call, name) else shared.not_a_flag(call, name)


def _stored(call: Call) -> StoredPassword:
    if call.new_password is None:
        raise ValueError("a password is prepared before it is stored")
    return call.new_password


def _given(call: Call) -> dict[str, str]:
    """Return the columns that a new user gets from the call; ``active`` is no parameter of `add_user`."""
    columns = {column: _value(call, parameter) for column, (parameter, _) in words.FIELD_ERRORS.items()}
    return {column: value for column, value in columns.items() if value and column != "active"}


def _changed(call: Call) -> dict[str, str]:
    """Return the columns that the call gives a value or empties."""
    values = {}
    for column, (parameter, _) in words.FIELD_ERRORS.items():
        if call.raw(parameter) == BLANK:
            values[column] = BLANK if BY_COLUMN[column].empty is None else ""
        elif value := _value(call, parameter):
            values[column] = value
    return values


def _value(call: Call, parameter: str) -> str:
    value = flag(call, parameter) if parameter == "active" else call.get(parameter)
    if parameter == "email":
        # As VICIdial does (section 2 of its rules), whose own pages look for it in that form.
        return value.replace("+", " ")
    if parameter == "agent_user_level" and value:
        return value.lstrip("0") or "0"  # VICIdial compares numbers: 01 is 1
    if parameter == "in_groups" and value:
        return f" {' '.join(value.replace('|', ',').replace(',', ' ').split())} -"
    return value


def _asks_for_mail(call: Call) -> bool:
    length = call.get("reset_password")
    return length.isdigit() and len(length) < 4 and int(length) >= MAIL_LENGTH


ADD = Function(
    _new_problem(("agent_user_level", "agent_full_name", "agent_user_group"), words.add_incomplete), _add
)
"""Create a user."""

COPY = Function(_new_problem(("agent_full_name", "source_user"), words.copy_incomplete), _copy)
"""Create a user with the settings of another."""

UPDATE = Function(_update_problem, _update)
"""Change a user, or delete them."""
