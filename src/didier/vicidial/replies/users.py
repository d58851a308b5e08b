"""The answers to the functions that show and change users.

Some name the wrong subject, as VICIdial's do, because clients parse them: an unknown source of a copy is
told as a missing group (copy_user.source_unknown), an unknown user with the parameter ``server_ip``
(update_user.not_found).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from didier import errors
from didier.domain.ranks import NewRank, Place
from didier.domain.users import User
from didier.masking import MASK
from didier.services.usage.reports import Table
from didier.services.users.accounts import UserChanged
from didier.services.users.rank_changes import told
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Line, Reply, data_line, error_line, one
from didier.vicidial.replies.reports import stage_of, text_of
from didier.vicidial.replies.shared import not_permitted

# Parameter and text of each field's refusal, by column.
FIELD_ERRORS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "full_name": ("agent_full_name", "YOU MUST USE A VALID FULL NAME"),
    "user_level": ("agent_user_level", "YOU MUST USE A VALID USER LEVEL"),
    "user_group": ("agent_user_group", "YOU MUST USE A VALID USER GROUP"),
    "phone_login": ("phone_login", "YOU MUST USE A VALID PHONE LOGIN"),
    "phone_pass": ("phone_pass", "YOU MUST USE A VALID PHONE PASSWORD"),
    "hotkeys_active": ("hotkeys_active", "YOU MUST USE A VALID HOTKEYS SETTING"),
    "voicemail_id": ("voicemail_id", "YOU MUST USE A VALID VOICEMAIL ID"),
    "email": ("email", "YOU MUST USE A VALID EMAIL"),
    "custom_one": ("custom_one", "YOU MUST USE A VALID CUSTOM ONE"),
    "custom_two": ("custom_two", "YOU MUST USE A VALID CUSTOM TWO"),
    "custom_three": ("custom_three", "YOU MUST USE A VALID CUSTOM THREE"),
    "custom_four": ("custom_four", "YOU MUST USE A VALID CUSTOM FOUR"),
    "custom_five": ("custom_five", "YOU MUST USE A VALID CUSTOM FIVE"),
    "active": ("active", "ACTIVE MUST BE Y OR N"),
    "wrapup_seconds_override": (
        "wrapup_seconds_override", "wrapup_seconds_override MUST BE A VALID DIGIT BETWEEN -1 AND 9999"
    ),
    "agent_choose_ingroups": (
        "agent_choose_ingroups", "agent_choose_ingroups MUST BE A VALID DIGIT BETWEEN 0 AND 1"
    ),
    "agent_choose_blended": (
        "agent_choose_blended", "agent_choose_blended MUST BE A VALID DIGIT BETWEEN 0 AND 1"
    ),
    "closer_default_blended": (
        "closer_default_blended", "closer_default_blended MUST BE A VALID DIGIT BETWEEN 0 AND 1"
    ),
    "closer_campaigns": ("in_groups", "YOU MUST USE VALID IN-GROUPS"),
})  # fmt: skip

# The same of ranks, by parameter; what VICIdial has no words for at the end.
_RANK_ERRORS: Mapping[str, str] = MappingProxyType({
    "campaign_rank": "YOU MUST USE A VALID CAMPAIGN RANK",
    "campaign_grade": "YOU MUST USE A VALID CAMPAIGN GRADE",
    "ingroup_rank": "YOU MUST USE A VALID IN-GROUP RANK",
    "ingroup_grade": "YOU MUST USE A VALID IN-GROUP GRADE",
    "campaign_id": "YOU MUST USE A VALID CAMPAIGN ID",
    "group_id": "YOU MUST USE A VALID IN-GROUP ID",
    "campaign_ranks": "CAMPAIGN RANKS CANNOT BE CHANGED HERE, SEE didier doctor",
    "ingroup_ranks": "IN-GROUP RANKS CANNOT BE CHANGED HERE, SEE didier doctor",
})  # fmt: skip

_RANKED = MappingProxyType({Place.CAMPAIGN: "CAMPAIGN", Place.IN_GROUP: "IN-GROUP"})


def search_invalid(call: Call) -> Reply:
    """No user was named."""
    return _not_shown(call, "user_details INVALID SEARCH PARAMETERS")


def details(call: Call, outcome: Table | errors.NotPermitted | errors.UserNotFound) -> Reply:
    """The answer to ``user_details``."""
    if isinstance(outcome, errors.NotPermitted):
        return not_permitted(call)
    if isinstance(outcome, errors.UserNotFound):
        return _not_shown(call, "user_details USER NOT FOUND")
    stage = stage_of(call)
    header = [outcome.columns] if call.get("header") == "YES" else []
    text = text_of([*header, *outcome.rows], stage)
    data = f"{call.user}|{call.get('agent_user')}|{stage}"
    return Reply((Line("SUCCESS", f"user_details {text}\n", data, text),), outcome=outcome)


def _not_shown(call: Call, reason: str) -> Reply:
    data = f"{call.user}|{call.get('agent_user')}"
    return one(Line("ERROR", reason, data, f"ERROR: {reason}: {data}"))


def add_incomplete(call: Call) -> Reply:
    """A required parameter of ``add_user`` is missing, too short or too long."""
    return _incomplete(call, _added_data(call, call.get("agent_user")))


def copy_incomplete(call: Call) -> Reply:
    """A required parameter of ``copy_user`` is missing, too short or too long."""
    values = (call.get("agent_user"), _masked(call), call.get("source_user"), call.get("agent_full_name"))
    return _incomplete(call, "|".join(values))


def update_incomplete(call: Call) -> Reply:
    """``update_user`` names no user."""
    return _incomplete(call, f"{call.get('agent_user')}|")  # VICIdial ends the data with a bar here


def _incomplete(call: Call, data: str) -> Reply:
    return one(error_line(f"{call.function} YOU MUST USE ALL REQUIRED FIELDS", call.user, data))


def _masked(call: Call) -> str:
    return MASK if call.get("agent_pass") else ""


def _added_data(call: Call, name: str) -> str:
    rest = ("agent_user_level", "agent_full_name", "agent_user_group")
    return "|".join((name, _masked(call), *(call.get(parameter) for parameter in rest)))


def password_invalid(call: Call) -> Reply:
    """The new password is too long, or the mark that empties a field."""
    reason = f"{call.function} YOU MUST USE A VALID PASSWORD, THIS IS AN OPTIONAL FIELD"
    return one(error_line(reason, call.user, MASK))


def password_not_storable(call: Call) -> Reply:
    """VICIdial is set up to hash passwords in a way that cannot be done."""
    reason = f"{call.function} PASSWORD CANNOT BE STORED, SYSTEM SETTINGS OF THE PASSWORD HASH ARE NOT VALID"
    return one(error_line(reason, call.user, call.get("agent_user")))


def added(call: Call, user: User, outcome: UserChanged | errors.Refusal) -> Reply:
    """The answer to ``add_user``."""
    if isinstance(outcome, UserChanged):
        return _done(call, outcome, "ADDED", _added_data(call, outcome.name))
    return _not_made(call, user, outcome, "ADD")


def copied(call: Call, user: User, outcome: UserChanged | errors.Refusal) -> Reply:
    """The answer to ``copy_user``."""
    if isinstance(outcome, UserChanged):
        values = (outcome.name, _masked(call), call.get("agent_full_name"), call.get("source_user"))
        return _done(call, outcome, "COPIED", "|".join(values))
    return _not_made(call, user, outcome, "COPY")


def _done(call: Call, outcome: UserChanged, words: str, data: str) -> Reply:
    verb = "WOULD BE" if outcome.dry_run else "HAS BEEN"
    line = data_line("SUCCESS", f"{call.function} USER {verb} {words}", call.user, data)
    lines = (*_not_reset(call, outcome.not_reset), line)
    return Reply(lines, outcome=outcome, agent_user=outcome.name)


def _not_made(call: Call, user: User, outcome: errors.Refusal, verb: str) -> Reply:
    match outcome:
        case errors.LevelNotAllowed():
            reason = f"{call.function} USER DOES NOT HAVE PERMISSION TO {verb} USERS IN THIS USER LEVEL"
            level = call.get("agent_user_level") or outcome.level
            return one(error_line(reason, call.user, f"{level}|{user.level}"))
        case errors.GroupNotFound():
            return one(error_line(f"{call.function} USER GROUP DOES NOT EXIST", call.user, outcome.group))
        case errors.UserExists():
            return one(error_line(f"{call.function} USER ALREADY EXISTS", call.user, outcome.user))
        case errors.InvalidField():
            return one(_field_error(call, user, outcome))
        case _:
            return not_permitted(call)


def updated(call: Call, user: User, outcome: UserChanged | errors.Refusal) -> Reply:
    """The answer to ``update_user``."""
    match outcome:
        case UserChanged():
            return _updated(call, outcome)
        case errors.InvalidField():
            return one(_field_error(call, user, outcome))
        case errors.NothingToChange():
            return one(_nothing(call))
        case errors.PasswordNotReset():
            return Reply((*_not_reset(call, outcome), _nothing(call)))
        case _:
            return _not_changed(call, user, outcome)


def _updated(call: Call, outcome: UserChanged) -> Reply:
    """Tell of each rank first; VICIdial calls it an error if nothing else was to be changed."""
    notices = tuple(_rank_notice(call, outcome, new) for new in outcome.ranks)
    if outcome.ranks_only:
        lines = (*notices, *_not_reset(call, outcome.not_reset), _nothing(call))
        return Reply(lines, outcome=outcome, agent_user=outcome.name)
    done = _done(call, outcome, "UPDATED", f"{outcome.name}|")
    return replace(done, lines=(*notices, *done.lines))


def _rank_notice(call: Call, outcome: UserChanged, new: NewRank) -> Line:
    verb = "WOULD BE" if outcome.dry_run else "HAVE BEEN"
    reason = f"{call.function} USER {_RANKED[new.place]} RANKS/GRADES {verb} UPDATED"
    data = f"{outcome.name}|{new.rank}|{new.grade}{told(new)}"
    return data_line("NOTICE", reason, call.user, data)


def switch_invalid(call: Call, name: str) -> Reply:
    """A switch is neither 0 nor 1."""
    reason = f"{call.function} {name} MUST BE A VALID DIGIT BETWEEN 0 AND 1, THIS IS AN OPTIONAL FIELD"
    return one(error_line(reason, call.user, call.get(name)))


def _nothing(call: Call) -> Line:
    return error_line("update_user NO UPDATES DEFINED", call.user, "")


def deleted(call: Call, user: User, outcome: UserChanged | errors.Refusal) -> Reply:
    """The answer to ``update_user`` with ``delete_user``."""
    if isinstance(outcome, UserChanged):
        return _done(call, outcome, "DELETED", f"{outcome.name}|")
    if isinstance(outcome, errors.NotPermitted) and outcome.function == "delete_user":
        reason = "update_user USER DOES NOT HAVE PERMISSION TO DELETE USERS"
        return one(error_line(reason, call.user, "0"))
    return _not_changed(call, user, outcome)


def _not_changed(call: Call, user: User, outcome: errors.Refusal) -> Reply:
    match outcome:
        case errors.UserNotFound():
            # VICIdial shows this parameter, not the user's name.
            data = call.get("server_ip")
            return one(error_line("update_user USER DOES NOT EXIST", call.user, data))
        case errors.LevelNotAllowed():
            reason = "update_user USER DOES NOT HAVE PERMISSION TO UPDATE THIS USER"
            highest = f"{'<=' if user.modify_same_level else '<'}|{user.level}"
            return one(error_line(reason, call.user, f"{call.get('agent_user')}|{highest}\n"))
        case errors.LastManager():
            reason = "update_user USER IS THE LAST WHO MAY MANAGE USERS"
            return one(error_line(reason, call.user, call.get("agent_user")))
        case _:
            return not_permitted(call)


def _field_error(call: Call, user: User, refusal: errors.InvalidField) -> Line:
    if refusal.field == "user":
        return error_line(f"{call.function} YOU MUST USE ALL REQUIRED FIELDS", call.user, refusal.value)
    if text := _RANK_ERRORS.get(refusal.field):
        return error_line(f"{call.function} {text}, THIS IS AN OPTIONAL FIELD", call.user, refusal.value)
    parameter, text = FIELD_ERRORS[refusal.field]
    data = {
        "user_level": f"{call.get(parameter) or refusal.value}|{user.level}|{int(user.modify_same_level)}",
        "user_group": f"{refusal.value}|0",
        "phone_login": f"{refusal.value}|0|0",  # phones with this login, and aliases
        "phone_pass": refusal.value,
    }.get(refusal.field, call.get(parameter))
    return error_line(f"{call.function} {text}, THIS IS AN OPTIONAL FIELD", call.user, data)


def _not_reset(call: Call, refusal: errors.PasswordNotReset | None) -> tuple[Line, ...]:
    if refusal is None:
        return ()
    problem = "EMAIL FAILURE" if refusal.is_address else "NO VALID EMAIL PROVIDED"
    reason = f"{call.function} USER PASSWORD RESET FAILED: {problem}"
    return (data_line("NOTICE", reason, call.user, f"{refusal.user}|{refusal.email}"),)
