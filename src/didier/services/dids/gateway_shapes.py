"""Gateway sets as they are shown, by the JSON API and to those who follow changes."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from didier.domain.gateways import GatewaySet as StoredSet
from didier.domain.gateways import values_of


@dataclass
class Gateway:
    """A gateway of a set."""

    address: Annotated[str, Field(description="`sip:host:port`, with `;transport=` unless it is UDP")]
    priority: int
    weight: int
    description: str


@dataclass
class Rule:
    """Which DIDs have the set by itself."""

    prefix: str
    route: str
    server_ip: str
    user_group: str
    default: bool


@dataclass
class GatewaySet:
    """Gateways that take the calls to some DIDs."""

    name: str
    number: Annotated[int, Field(description="Of the set in Kamailio's dispatcher")]
    user_group: str
    gateways: list[Gateway]
    probing: bool
    rules: list[Rule]

    @classmethod
    def of(cls, one: StoredSet) -> Self:
        """Return a set as the API shows it."""
        values = values_of(one)
        return cls(
            one.name,
            one.number,
            one.group,
            [Gateway(**gateway) for gateway in values["gateways"]],
            one.probing,
            [Rule(**rule) for rule in values["rules"]],
        )
