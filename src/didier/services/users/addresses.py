"""From where somebody may sign in: VICIdial's address lists, and the networks of a token."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.storage.users import sign_in_settings
from didier.storage.users.sign_in_settings import SignInSettings


@dataclass(frozen=True, slots=True)
class AddressLists:
    """VICIdial's address lists, as far as those need them who sign in together."""

    settings: SignInSettings
    inactive: frozenset[str] = frozenset()  # names of lists
    listed: frozenset[tuple[str, str]] = frozenset()  # names of lists, and what stands in them

    @classmethod
    def read(
        cls, conn: Connection, settings: SignInSettings, comers: Iterable[tuple[User, str]]
    ) -> "AddressLists":
        """Read what concerns *comers*, users with the addresses that they come from."""
        if not settings.ip_lists:
            return cls(settings)
        asked = [(name, address) for user, address in comers for name in _lists(settings, user)]
        wanted = {(name, place) for name, address in asked for place in _places(address)}
        inactive = sign_in_settings.inactive(conn, {name for name, _ in asked})
        return cls(settings, frozenset(inactive), frozenset(sign_in_settings.listed(conn, wanted)))

    def refuse(self, user: User, address: str) -> bool:
        """Say whether *user* may not come from *address*: it is black-listed, or not on the group's list."""
        if not self.settings.ip_lists or user.ignores_ip_lists:
            return False
        black, white = self.settings.blacklist, user.api_ip_list
        if black and black not in self.inactive and self._holds(black, address):
            return True
        return _counts(white) and white not in self.inactive and not self._holds(white, address)

    def _holds(self, name: str, address: str) -> bool:
        return any((name, place) in self.listed for place in _places(address))


def _lists(settings: SignInSettings, user: User) -> Iterator[str]:
    """Yield the names of the lists that count for *user*."""
    if user.ignores_ip_lists:
        return
    if settings.blacklist:
        yield settings.blacklist
    if _counts(user.api_ip_list):
        yield user.api_ip_list


def _counts(white: str) -> bool:
    return len(white) >= 2  # VICIdial reads a name of two characters or more


def _places(address: str) -> tuple[str, str]:
    """Return under what *address* may stand in a list: itself, or its first three numbers with ``.x``."""
    return address, address.rpartition(".")[0] + ".x"


def is_inside(address: str, networks: Sequence[str]) -> bool:
    """Say whether *address* is in one of *networks*; without any, every address is."""
    if not networks:
        return True
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(place, ipaddress.IPv6Address) and place.ipv4_mapped:
        place = place.ipv4_mapped
    return any(place in ipaddress.ip_network(network) for network in networks)
