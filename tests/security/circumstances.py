"""Who asks, and how it stands with what they ask for: the columns of the matrix."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from didier import errors
from didier.domain.grants import GRANTS
from didier.domain.scopes import SCOPES
from security.rule import (
    API_ACCESS,
    FULL,
    LABEL_OF,
    LEVEL,
    Expected,
    Need,
    Row,
    lacks,
    least,
    without_functions,
)

EVERY_GROUP, ANOTHER_GROUP = " ---ALL--- ", " SALES "

Columns = Mapping[str, str]


@dataclass(frozen=True)
class Circumstance:
    """What is otherwise than when an administrator asks.

    - *heading* stands over its column
    - *caller* are the columns of the caller's row, or what makes them of what is needed and the lowest level
      that is let in; *other* those of the user whom requests are about; *given* what a new user is to get
    - *sees* are the groups that the caller's group may view, *settings* VICIdial's system settings
    - *factor*: with "closed" the caller has a second factor without which the password opens nothing
    - *login* says how they sign in, by `World.logins`; *scopes* are those of the token
    - *refusal* is the answer to whatever is asked; *attribute* names that of `Row` which has the answer
    """

    heading: str
    meaning: str
    caller: Columns | Callable[[Need, int], Columns] = field(default_factory=dict)
    other: Columns = field(default_factory=dict)
    given: Columns = field(default_factory=dict)
    settings: Columns = field(default_factory=dict)
    sees: str = EVERY_GROUP
    factor: str = ""
    login: str = "password"
    scopes: frozenset[str] | None = None
    refusal: Expected = None
    attribute: str = "allowed"

    def columns(self, need: Need, level: int) -> Columns:
        """Return the columns of the caller's row."""
        own = self.caller(need, level) if callable(self.caller) else self.caller
        return {**FULL, **own}

    def expected(self, row: Row, level: int) -> Expected:
        """Return what has to be answered to *row*; None where the circumstance does not concern it."""
        if self.refusal is not None:
            return self.refusal
        if self._concerns_not(row):
            return None
        if self.scopes is not None and not row.need.opens(self.scopes):
            return errors.NotPermitted
        if missing := lacks(row.need, self.columns(row.need, level)):
            at_sign_in = LABEL_OF[API_ACCESS] in missing
            return errors.NotPermitted if at_sign_in else row.refused or errors.NotPermitted
        answer: Expected = getattr(row, self.attribute)
        return answer

    def _concerns_not(self, row: Row) -> bool:
        if self.heading == FUNCTION:
            return not row.need.named
        return bool(self.other) and getattr(row, self.attribute) is None


FUNCTION = "function"

_MARKS = {
    "Modify DIDs": "MD", "Delete DIDs": "DD", "View Reports": "VR", "Modify Users": "MU",
    "Delete Users": "DU", "AGC Admin Access": "AGC",
}  # fmt: skip

ADMINISTRATOR = Circumstance("all", "everything is there")
LEAST = Circumstance("least", "what the request needs is there, and no other right", caller=least)
LEVEL_7 = Circumstance("7", "User Level 7", caller={LEVEL: "7"})
LEVEL_6 = Circumstance("6", "User Level 6", caller={LEVEL: "6"})
NO_API = Circumstance("API", "API Access 0", caller={API_ACCESS: "0"})
NO_FUNCTION = Circumstance(
    FUNCTION, "all Allowed API Functions but the one that is needed", caller=lambda n, _: without_functions(n)
)
NO_GRANTS = tuple(
    Circumstance(_MARKS[grant.label], f"{grant.label} 0", caller={grant.column: "0"})
    for grant in GRANTS
    if grant.column != API_ACCESS
)
NEITHER = Circumstance(
    "VR+MD", "View Reports 0 and Modify DIDs 0",
    caller={"view_reports": "0", "modify_inbound_dids": "0"},
)  # fmt: skip
GROUP = Circumstance(
    "group", "the DID, batch or user belongs to a user group that the caller does not see",
    sees=ANOTHER_GROUP, attribute="hidden",
)  # fmt: skip
HIGHER = Circumstance(
    "level", "the user whom it is about has, or would get, a higher User Level",
    caller={LEVEL: "8"}, other={LEVEL: "9"}, given={LEVEL: "9"}, attribute="higher",
)  # fmt: skip
FURTHER = Circumstance(
    "reach", "the user whom it is about may, or would, delete DIDs, which the caller may not",
    caller={"delete_inbound_dids": "0"},
    other={**FULL, LEVEL: "8"},
    given={"delete_inbound_dids": "1"},
    attribute="further",
)  # fmt: skip

RIGHTS_COLUMNS = (
    ADMINISTRATOR, LEAST, LEVEL_7, LEVEL_6, NO_API, NO_FUNCTION, *NO_GRANTS, NEITHER, GROUP, HIGHER, FURTHER,
)  # fmt: skip
"""What the caller lacks, and whose the thing is."""

LOW_LEVELS = (LEVEL_7, LEVEL_6)
"""Levels that the panel lets nobody in with."""


class NotSignedIn(Exception):
    """What an interface answers to who does not say who they are."""


class CrossSite(Exception):
    """What the JSON API answers to changes that another site sends."""


class Forged(Exception):
    """What the panel answers to what its own pages have not sent."""


LOCKED_ROW = {"failed_login_count": "10"}
LISTS = {"allow_ip_lists": "1"}

LOCKED = Circumstance(
    "locked", "ten wrong passwords have locked the user", caller=LOCKED_ROW, refusal=errors.LockedOut
)
INACTIVE = Circumstance(
    "inactive", "the user is not active", caller={"active": "N"}, refusal=errors.WrongPassword
)
WRONG = Circumstance("wrong", "the password is wrong", login="wrong", refusal=errors.WrongPassword)
NOBODY = Circumstance("nobody", "neither name nor password", login="nobody", refusal=NotSignedIn)
ADDRESS = Circumstance(
    "address", "VICIdial's list of addresses of the user's group does not have the caller's", settings=LISTS,
    refusal=errors.AddressRefused,
)  # fmt: skip
NO_CODE = Circumstance(
    "no code", "the user has a second factor that closes this to the password, and no code came with it",
    factor="closed", refusal=errors.SecondFactorRequired,
)  # fmt: skip
BY_PASSWORD = (LOCKED, INACTIVE, WRONG, ADDRESS, NO_CODE)
"""Who is not let in with a password."""

SCOPE_COLUMNS = tuple(
    Circumstance(
        scope.name, f"a token with the scope `{scope.name}` alone", login=scope.name,
        scopes=frozenset({scope.name}),
    )
    for scope in SCOPES
)  # fmt: skip
PREFIX_SCOPES = frozenset(scope.name for scope in SCOPES) - {"users"}
PREFIX = Circumstance(
    "prefix", "a token with all scopes but `users` whose prefix the DID does not begin with", login="prefix",
    scopes=PREFIX_SCOPES, attribute="beyond",
)  # fmt: skip
TOKEN_COLUMNS = (*SCOPE_COLUMNS, PREFIX)
"""What a token leaves out."""

BY_TOKEN = (
    Circumstance("revoked", "the token was revoked", login="revoked", refusal=errors.TokenRefused),
    Circumstance("expired", "the token has expired", login="expired", refusal=errors.TokenRefused),
    Circumstance("unknown", "there is no such token", login="unknown", refusal=errors.TokenRefused),
    Circumstance(
        "network", "the token is for another network", login="network", refusal=errors.AddressRefused
    ),
    Circumstance(
        "token, inactive", "the token's user is not active", login="everything", caller={"active": "N"},
        refusal=errors.TokenRefused,
    ),
    Circumstance(
        "token, address", "the same list of addresses, and a token", login="everything", settings=LISTS,
        refusal=errors.AddressRefused,
    ),
)  # fmt: skip
"""Who is not let in with a token."""

CROSS_SITE = Circumstance(
    "cross-site", "a page of another site sends a change with a password that the browser remembers",
    refusal=CrossSite,
)  # fmt: skip
"""What only reads is answered: the browser does not show it to the page."""

WRONG_CODE = Circumstance(
    "wrong code", "the code that came with the password is wrong", factor="closed", refusal=errors.WrongCode
)
TOKEN_FACTOR = Circumstance(
    "token, factor", "the token's user has a second factor", factor="closed", login="everything",
    scopes=frozenset(scope.name for scope in SCOPES),
)  # fmt: skip
TOKEN_LOCKED = Circumstance(
    "token, locked", "ten wrong passwords have locked the token's user", login="everything",
    caller=LOCKED_ROW, scopes=frozenset(scope.name for scope in SCOPES),
)  # fmt: skip
"""Wrong passwords may be somebody else's: a token goes on."""

SESSION_LEVEL_7 = Circumstance(
    "7", "User Level 7", caller={LEVEL: "7"}, login="session", refusal=errors.SessionEnded
)
BY_SESSION = (
    Circumstance("ended", "the session has ended", login="ended", refusal=errors.SessionEnded),
    Circumstance("no session", "there is no session", login="nobody", refusal=errors.SessionEnded),
    Circumstance(
        "session, inactive", "the user is not active", caller={"active": "N"}, login="session",
        refusal=errors.SessionEnded,
    ),
    Circumstance(
        "session, password", "the password was changed since", caller={"pass_hash": "another"},
        login="session", refusal=errors.SessionEnded,
    ),
    Circumstance(
        "session, address", "the same list of addresses", settings=LISTS, login="session",
        refusal=errors.AddressRefused,
    ),
)  # fmt: skip
"""Whose session is good for nothing."""

SESSION_LOCKED = Circumstance(
    "session, locked", "ten wrong passwords have locked the user", caller=LOCKED_ROW, login="session",
    attribute="locked",
)  # fmt: skip

FORGED = Circumstance(
    "no page", "the token of a page is missing (what only reads needs none)", login="session", refusal=Forged
)
FOREIGN = Circumstance("other site", "a page of another site sends it", login="session", refusal=Forged)
