"""SIP gateways in sets, and to which of these sets an edge (Kamailio) sends the calls to a DID.

A DID names its set, or has one by a rule: that with the most conditions, a longer prefix before a shorter
one, then that of the set with the lower number. A set of a user group takes by rule the DIDs of this group
alone, as if each of its rules named the group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

from didier import characters
from didier.domain import patterns, sip_addresses
from didier.domain.fields import BY_COLUMN, word
from didier.domain.sip_addresses import Address
from didier.domain.users import EVERY_GROUP
from didier.errors import InvalidField

Row = Mapping[str, Any]

COLUMN = "gateway_set"
"""The field of a DID that names its set."""

GATEWAYS_MOST = 32
RULES_MOST = 100
PRIORITY_MOST = 100
WEIGHT_MOST = 100
DESCRIPTION_MOST = 60
NUMBER_MOST = 999_999
"""Kamailio's dispatcher takes more; nobody can read them."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway: one of a higher *priority* comes first, *weight* is its share among those of the same."""

    address: Address
    priority: int = 0
    weight: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which DIDs have a set by itself: those with all that is named; empty: whatever it is.

    *prefix* is how the number begins; the others are columns of the DID.
    """

    prefix: str = ""
    route: str = ""
    server_ip: str = ""
    user_group: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """What is named."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in named.items() if value}

    @property
    def is_default(self) -> bool:
        """Whether it is for all DIDs that no other rule is for."""
        return not self.conditions

    def __str__(self) -> str:
        named = [f"{_WORDS[name]} {value}" for name, value in self.conditions.items()]
        return " and ".join(named) or "default"


_WORDS = {
    "prefix": "number begins with", "route": "route", "server_ip": "server", "user_group": "user group",
}  # fmt: skip
COLUMNS = MappingProxyType({"route": "did_route", "server_ip": "server_ip", "user_group": "user_group"})
"""The columns of a DID that conditions are about; the prefix is that of its pattern."""


@dataclass(frozen=True, slots=True)
class GatewaySet:
    """Gateways that take the calls of some DIDs; *number* is that of the set in Kamailio's dispatcher.

    *group* is the user group that sees it. With *probing* it is tried whether the gateways answer (OPTIONS).
    """

    name: str
    number: int
    gateways: tuple[Gateway, ...]
    probing: bool = True
    rules: tuple[Rule, ...] = ()
    group: str = EVERY_GROUP

    @property
    def in_order(self) -> list[Gateway]:
        """The gateways as they are tried: by priority, and the heavier first."""
        return sorted(self.gateways, key=lambda one: (-one.priority, -one.weight))


@dataclass(frozen=True, slots=True)
class Choice:
    """The set to which the calls of a DID are sent, and the *reason* in words."""

    chosen: GatewaySet
    reason: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Says of DIDs to which of some sets their calls are sent.

    Rules are kept by what they name: a DID looks at each kind of them once, however many rules there are.
    """

    _by_name: Mapping[str, GatewaySet]
    _kinds: tuple["_Kind", ...]

    @classmethod
    def of(cls, sets: Iterable[GatewaySet]) -> "Choices":
        """Return the choices between *sets*."""
        kinds: dict[tuple[tuple[str, ...], int], _Kind] = {}
        by_name = {}
        for one in sorted(sets, key=lambda each: each.number):
            by_name[one.name.lower()] = one
            for rule in one.rules:
                whole = rule if one.group == EVERY_GROUP else replace(rule, user_group=one.group)
                said = _Said.of(whole.prefix, asdict(whole))
                kind = tuple(name for name, value in said.values.items() if value), len(said.pattern)
                there = kinds.setdefault(kind, _Kind(*kind))
                there.choices.setdefault(there.key(said), Choice(one, f"by the rule: {rule}"))
        return cls(by_name, tuple(sorted(kinds.values(), key=lambda each: each.rank)))

    def choose(self, did: Row) -> Choice | None:
        """Return the set of the DID with the columns *did*; None: it names none, and no rule is for it."""
        name = str(did.get(COLUMN) or "")
        own = self._by_name.get(name.lower())
        if own:
            return Choice(own, "the DID names it")
        found = self._by_rule(did)
        if found and name:  # calls that are not sent anywhere would be lost
            return replace(
                found, reason=f"{found.reason}; the set {name}, which the DID names, does not exist"
            )
        return found

    def _by_rule(self, did: Row) -> Choice | None:
        values = {name: did.get(column) for name, column in COLUMNS.items()}
        said = _Said.of(str(did["did_pattern"]), values)
        best, rank = None, None
        for kind in self._kinds:
            if best and kind.rank != rank:
                break
            found = kind.choices.get(kind.key(said))
            if found and (best is None or found.chosen.number < best.chosen.number):
                best, rank = found, kind.rank
        return best


class _Said(NamedTuple):
    """A number, or how numbers begin, and the *values* of `COLUMNS` beside it, as they are compared."""

    pattern: str
    values: Mapping[str, str]

    @classmethod
    def of(cls, pattern: str, values: Mapping[str, str | None]) -> "_Said":
        """Return what is said by a DID, or by a rule."""
        return cls(patterns.key(pattern), {name: patterns.key(values[name] or "") for name in COLUMNS})


@dataclass(frozen=True, slots=True)
class _Kind:
    """The rules that name the same columns, with prefixes of the same length: the choice by the values."""

    named: tuple[str, ...]
    length: int
    choices: dict[tuple[str, ...], Choice] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int]:
        """Its place: the most conditions first, then the longest prefix."""
        return -len(self.named) - bool(self.length), -self.length

    def key(self, said: _Said) -> tuple[str, ...]:
        """Return what decides of what is said."""
        values = said.values
        return (said.pattern[: self.length], *[values[name] for name in self.named])


def free_number(taken: Iterable[int]) -> int:
    """Return the lowest number that is not *taken*."""
    there = set(taken)
    return next(number for number in count(1) if number not in there)


def of(name: str, number: int, group: str, values: Mapping[str, Any]) -> GatewaySet:
    """Return the set *name* of a user group, with *values* as JSON has them.

    Raises `InvalidField` for the first bad one, with its place.
    """
    if allowed := _name(name):
        raise InvalidField("name", name, allowed)
    return GatewaySet(
        name,
        _number("number", number, 1, NUMBER_MOST),
        _gateways(values.get("gateways") or ()),
        bool(values.get("probing", True)),
        _rules(values.get("rules") or (), group),
        group,
    )


def values_of(one: GatewaySet) -> dict[str, Any]:
    """Return what `of` makes a set of, beside its name, number and group."""
    return {
        "gateways": [
            {
                "address": str(each.address), "priority": each.priority, "weight": each.weight,
                "description": each.description,
            }
            for each in one.gateways
        ],
        "probing": one.probing,
        "rules": [{**asdict(rule), "default": rule.is_default} for rule in one.rules],
    }  # fmt: skip


_name = word(1, 50)


def _number(place: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise InvalidField(place, str(value), f"{least} to {most}")
    return value


def _gateways(given: Sequence[Mapping[str, Any]]) -> tuple[Gateway, ...]:
    if not 1 <= len(given) <= GATEWAYS_MOST:
        raise InvalidField("gateways", f"{len(given)} gateways", f"1 to {GATEWAYS_MOST} gateways")
    gateways: list[Gateway] = []
    for place, one in enumerate(given):
        gateway = _gateway(f"gateways/{place}", one)
        if any(gateway.address == other.address for other in gateways):
            taken = "an address that does not stand there twice"
            raise InvalidField(f"gateways/{place}/address", str(gateway.address), taken)
        gateways.append(gateway)
    return tuple(gateways)


def _gateway(place: str, given: Mapping[str, Any]) -> Gateway:
    written, description = str(given.get("address") or ""), str(given.get("description") or "")
    address = Address.of(written)
    if address is None:
        raise InvalidField(f"{place}/address", written, sip_addresses.RULE)
    if len(description) > DESCRIPTION_MOST or characters.refused(description):
        allowed = f"up to {DESCRIPTION_MOST} characters, none of them control characters"
        raise InvalidField(f"{place}/description", description, allowed)
    priority = _number(f"{place}/priority", given.get("priority", 0), 0, PRIORITY_MOST)
    weight = _number(f"{place}/weight", given.get("weight", 1), 1, WEIGHT_MOST)
    return Gateway(address, priority, weight, description)


def _rules(given: Sequence[Mapping[str, Any]], group: str) -> tuple[Rule, ...]:
    if len(given) > RULES_MOST:
        raise InvalidField("rules", f"{len(given)} rules", f"up to {RULES_MOST} rules")
    return tuple(_rule(f"rules/{place}", one, group) for place, one in enumerate(given))


def _rule(place: str, given: Mapping[str, Any], group: str) -> Rule:
    rule = Rule(**{one.name: str(given.get(one.name) or "") for one in fields(Rule)})
    if bool(given.get("default")) is not rule.is_default:
        raise InvalidField(place, str(rule), "conditions, or default alone for all other DIDs")
    if rule.prefix and not patterns.PREFIX.fullmatch(rule.prefix):
        raise InvalidField(f"{place}/prefix", rule.prefix, "the first characters of a DID's pattern")
    for name, column in COLUMNS.items():
        value = getattr(rule, name)
        if value and (allowed := BY_COLUMN[column].rule(value)):
            raise InvalidField(f"{place}/{name}", value, allowed)
    if group != EVERY_GROUP and rule.user_group.lower() not in {"", group.lower()}:
        raise InvalidField(f"{place}/user_group", rule.user_group, f"empty, as the set is of {group} alone")
    return rule
