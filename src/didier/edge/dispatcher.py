"""Gateway sets as rows of Kamailio's table ``dispatcher``.

No algorithm of Kamailio's module honours both priority and weight. So the gateways of a set that have the
same priority are a dispatcher set of their own, whose calls are shared by weight (algorithm 11);
``kamailio.cfg`` tries one of these after the other.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from didier.domain.gateways import Gateway, GatewaySet

_LEVELS = 100
"""Dispatcher set 702 has the gateways of set 7 with its third highest priority; they are 32 at most."""
_PROBING = 8
"""The flag of gateways that are asked whether they are there (DS_PROBING_DST)."""
_NAMED = 16
"""The flag of those that are resolved for each call (DS_NODNSARES_DST).

The module leaves out what it cannot resolve while it loads the table.
"""


class Row(NamedTuple):
    """A row of the table, without its id."""

    setid: int
    destination: str
    flags: int
    priority: int
    attrs: str
    description: str


def rows(sets: Iterable[GatewaySet]) -> list[Row]:
    """Return the rows for *sets*.

    Gateways with TLS are left out: kamailio.cfg has no certificates, and Kamailio would log each attempt.
    """
    return [
        _row(one.number * _LEVELS + level, gateway, one.probing)
        for one in sets
        for level, (_, gateways) in enumerate(groupby(_reachable(one), key=lambda each: each.priority))
        for gateway in gateways
    ]


def _reachable(one: GatewaySet) -> list[Gateway]:
    return [gateway for gateway in one.in_order if gateway.address.transport != "tls"]


def _row(setid: int, gateway: Gateway, probing: bool) -> Row:
    flags = _PROBING * probing | _NAMED * gateway.address.is_named
    # A gateway that is not probed would never come back: kamailio.cfg does not mark it without this word.
    attrs = f"rweight={gateway.weight}" + ";probed=1" * probing
    return Row(setid, str(gateway.address), flags, gateway.priority, attrs, gateway.description)
