"""Which parameters each function takes: for forms, and for the reference, which a test compares."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from didier.domain import accounts, fields
from didier.domain.fields import Field
from didier.vicidial.call import SECRETS
from didier.vicidial.replies import dids, users


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its name, whether it must be there, what it means, and the values where they are few."""

    name: str
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether it is never shown, logged or stored."""
        return self.name in SECRETS


@dataclass(frozen=True, slots=True)
class Form:
    """A function as it is asked for in one way; *name* tells it from another way of the same."""

    function: str
    name: str
    help: str
    parameters: tuple[Parameter, ...]
    needs_user: bool = True


def _needed(name: str, meaning: str = "", choices: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, True, meaning, choices)


_YES = ("Y",)
_DRY = Parameter("dry_run", help="Y: show the answer without changing anything", choices=_YES)
_JSON = Parameter("format", help="json: the answer as JSON", choices=("json",))
_PATTERN = _needed("did_pattern", "The number as it is dialled")
_ROWS = (
    Parameter("stage", help="Format of the rows", choices=("pipe", "csv", "tab")),
    Parameter("header", help="YES: first a line with the column names", choices=("YES",)),
    _JSON,
)
_WHOSE = _needed("agent_user", "The user concerned")


def _of_fields(
    table: Mapping[str, tuple[str, str]], columns: Mapping[str, Field], *known: str
) -> tuple[Parameter, ...]:
    """Return the parameters that set columns; without those that are *known* to be required."""
    return tuple(
        Parameter(name, help=columns[column].help, choices=columns[column].choices)
        for column, (name, _) in table.items()
        if name not in known
    )


_DID = _of_fields(dids.FIELD_ERRORS, fields.BY_COLUMN)
_RANKS = (
    Parameter("campaign_rank", help="-9 to 9: the user's rank in all campaigns"),
    Parameter("campaign_grade", help="1 to 10: the user's grade in all campaigns"),
    Parameter("camp_rg_only", help="1: only in the campaign campaign_id", choices=("0", "1")),
    Parameter("campaign_id", help="The campaign for camp_rg_only"),
    Parameter("ingroup_rank", help="-9 to 9: the user's rank in all in-groups"),
    Parameter("ingroup_grade", help="1 to 10: the user's grade in all in-groups"),
    Parameter("ingrp_rg_only", help="1: only in the in-group group_id", choices=("0", "1")),
    Parameter("group_id", help="The in-group for ingrp_rg_only"),
)
_NEW_USER = (
    _WHOSE,
    _needed("agent_pass", "Password of the new user"),
    _needed("agent_user_level", "1 to 9"),
    _needed("agent_full_name", "Name of the person"),
    _needed("agent_user_group", "Group that the user belongs to"),
)

FORMS: tuple[Form, ...] = (
    Form(
        "copy_did", "copy_did", "Copies a DID to new numbers: the tutorial's request",
        (_needed("did_pattern", "The number to copy"),
         _needed("new_did_pattern", "The new number; several separated by commas, or ranges"),
         _needed("did_active", "Whether calls to it are accepted", ("Y", "N")),
         Parameter("summary", help="Y: one line for all", choices=_YES), _DRY,
         Parameter("idempotency_key", help="A repeated request with the same key copies only once"), _JSON),
    ),
    Form(
        "copy_did", "copy_did, as VICIdial asks", "The same request in VICIdial's own form",
        (_needed("source_did_pattern", "The number to copy"),
         _needed("new_dids", "The new numbers, separated by commas, or ranges"),
         Parameter("did_description", help="6 to 50 characters; default: that of the source"),
         Parameter("summary", help="Y: one line for all", choices=_YES), _DRY,
         Parameter("idempotency_key", help="A repeated request with the same key copies only once"), _JSON),
    ),
    Form(
        "add_did", "add_did", "Creates a DID; fields that are not given get their defaults",
        (_PATTERN, *_DID, _DRY,
         Parameter("idempotency_key", help="A repeated request with the same key adds only once"), _JSON),
    ),
    Form(
        "update_did", "update_did", "Changes a DID; --BLANK-- empties a field",
        (_PATTERN, *_DID, _DRY, _JSON),
    ),
    Form(
        "update_did", "update_did, to delete", "Deletes a DID",
        (_PATTERN, _needed("delete_did", "Y deletes it", _YES),
         Parameter("force", help="Y: also if it is protected or in use", choices=_YES), _DRY, _JSON),
    ),
    Form(
        "list_dids", "list_dids", "Lists the DIDs that the user may see",
        (Parameter("search", help="Part of a number or description"),
         Parameter("did_route", help="Where calls go", choices=fields.ROUTES),
         Parameter("active", help="Whether calls are accepted", choices=("Y", "N")),
         Parameter("user_group", help="Group of the DID"),
         Parameter("limit", help="Most rows, up to 100,000"),
         Parameter("offset", help="Rows that are skipped"), *_ROWS),
    ),
    Form("did_info", "did_info", "Shows all columns of a DID", (_PATTERN, *_ROWS)),
    Form(
        "did_log_export", "did_log_export", "Lists the calls to a number on one day",
        (_needed("phone_number", "The number that was called"), _needed("date", "YYYY-MM-DD"), *_ROWS),
    ),
    Form("user_details", "user_details", "Shows name, group, level and state of a user", (_WHOSE, *_ROWS)),
    Form(
        "add_user", "add_user", "Creates a user without API rights",
        (*_NEW_USER,
         *_of_fields(users.FIELD_ERRORS, accounts.BY_COLUMN, *(p.name for p in _NEW_USER), "active"),
         _DRY, _JSON),
    ),
    Form(
        "copy_user", "copy_user", "Creates a user with the settings and rights of another",
        (_WHOSE, _needed("agent_pass", "Password of the new user"),
         _needed("agent_full_name", "Name of the person"),
         _needed("source_user", "The user whose settings are copied"), _DRY, _JSON),
    ),
    Form(
        "update_user", "update_user", "Changes a user and ends a lock",
        (_WHOSE, Parameter("agent_pass", help="A new password"),
         *_of_fields(users.FIELD_ERRORS, accounts.BY_COLUMN), *_RANKS,
         Parameter("reset_password", help="Length of a random password; Didier sends no mail"), _DRY, _JSON),
    ),
    Form(
        "update_user", "update_user, to delete", "Deletes a user",
        (_WHOSE, _needed("delete_user", "Y deletes the user", _YES), _DRY, _JSON),
    ),
    Form(
        "server_refresh", "server_refresh", "Makes every server rewrite its configuration",
        (_needed("stage", "", ("REFRESH",)), _JSON),
    ),
    Form("version", "version", "Shows the version and the time", (_JSON,), needs_user=False),
)  # fmt: skip
"""Every way to ask for a function, those of the tutorial first."""

BY_NAME: Mapping[str, Form] = MappingProxyType({form.name: form for form in FORMS})
