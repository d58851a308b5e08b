"""Orders of callers about users, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from didier.domain.ranks import NewRank
from didier.errors import (
    GroupNotFound,
    InvalidField,
    LastManager,
    LevelNotAllowed,
    NoSecondFactor,
    NothingToChange,
    NotPermitted,
    PasswordNotReset,
    UserExists,
    UserNotFound,
)
from didier.services.users.authentication import Caller
from didier.storage.users.users import StoredPassword


@dataclass(frozen=True, slots=True)
class AddUserOrder:
    """A wish for a new user with the columns in *values*, among them ``user_level`` and ``user_group``.

    Rights among them are those of `domain.grants`.

    A dry run of this or another order is decided like any other but changes nothing.
    """

    caller: Caller
    name: str
    password: StoredPassword
    values: Mapping[str, str]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class CopyUserOrder:
    """An order for a new user with the rights of *source*."""

    caller: Caller
    name: str
    password: StoredPassword
    full_name: str
    source: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UpdateUserOrder:
    """A wish to set a password, ranks or the columns in *values* of a user, or to send the user a random one.

    With *revoke_tokens*, which goes with a password alone, the user's tokens are accepted no more.
    """

    caller: Caller
    name: str
    password: StoredPassword | None
    values: Mapping[str, str]
    reset_password: bool = False
    dry_run: bool = False
    revoke_tokens: bool = False
    ranks: tuple[NewRank, ...] = ()

    @property
    def changes_user(self) -> bool:
        """Whether the user's row is changed: ranks are not in it."""
        return bool(self.values) or self.password is not None


@dataclass(frozen=True, slots=True)
class DeleteUserOrder:
    """A wish to delete a user."""

    caller: Caller
    name: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UnlockUserOrder:
    """A wish to end the lock of a user whom wrong passwords have locked out."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class ResetOrder:
    """A wish to forget the second factor of a user who cannot show it any more."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class UserChanged:
    """The user who was added, changed or deleted, or would be; *not_reset* says what was not done of it.

    With *ranks_only* nothing but the *ranks* was changed.
    """

    name: str
    dry_run: bool = False
    not_reset: PasswordNotReset | None = None
    ranks: tuple[NewRank, ...] = ()
    ranks_only: bool = False


NewRefused = NotPermitted | InvalidField | LevelNotAllowed | GroupNotFound | UserExists
ChangeRefused = (
    NotPermitted
    | UserNotFound
    | LevelNotAllowed
    | InvalidField
    | NothingToChange
    | PasswordNotReset
    | LastManager
)
UnlockRefused = NotPermitted | UserNotFound | LevelNotAllowed
ResetRefused = UnlockRefused | NoSecondFactor
