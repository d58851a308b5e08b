"""Addresses of SIP gateways, as ``sip:10.0.0.5:5060``.

They will stand in the configuration of other programs, by which calls cost money. So nothing is let through
but what is read here: a host, a port and a transport, which are written anew.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
PORT_MOST = 65_535
HOST_LONGEST = 253
_ADDRESS = re.compile(
    r"(?:sip:)?(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(?::([1-9][0-9]{0,4}))?(?:;transport=(udp|tcp|tls))?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile("[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?")
RULE = "a SIP address, such as 10.0.0.5, sip:pbx.example.com:5070 or sip:[2001:db8::5]:5061;transport=tls"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gateway listens; *host* is a name, an IPv4 address or an IPv6 address in brackets."""

    host: str
    port: int
    transport: str

    @classmethod
    def of(cls, written: str) -> "Address | None":
        """Return the address that is *written*, None if that is none."""
        found = _ADDRESS.fullmatch(written)
        if not found:
            return None
        host, transport = _host(found[1].lower()), (found[3] or "udp").lower()
        port = int(found[2] or _PORTS[transport])
        return cls(host, port, transport) if host and port <= PORT_MOST else None

    @property
    def is_named(self) -> bool:
        """Whether the host is a name, which has to be resolved."""
        return not self.host.startswith("[") and not _is_number(self.host)

    def __str__(self) -> str:
        transport = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.host}:{self.port}{transport}"


def _host(written: str) -> str | None:
    """Return a host in its one form, None if it is none that calls can be sent to."""
    try:
        if written.startswith("["):
            address: IPv4Address | IPv6Address = IPv6Address(written[1:-1])
            return None if _is_nobody(address) else f"[{address}]"
        if not _is_number(written):
            return written if _is_name(written) else None
        address = IPv4Address(written)
    except ValueError:
        return None
    return None if _is_nobody(address) else str(address)


def _is_number(host: str) -> bool:
    return host.rpartition(".")[2].isdigit()  # names have no such end, addresses always


def _is_nobody(address: IPv4Address | IPv6Address) -> bool:
    return address.is_unspecified or address.is_multicast


def _is_name(host: str) -> bool:
    return len(host) <= HOST_LONGEST and all(map(_LABEL.fullmatch, host.split(".")))
