"""Rows of the table dispatcher; what Kamailio makes of them is in `test_kamailio_cfg`."""

from didier.domain.gateways import Gateway, GatewaySet
from didier.domain.sip_addresses import Address
from didier.edge import dispatcher


def test_each_priority_is_a_set():
    """The gateways of the highest one are number 0 of the set, and so on."""
    gateways = (
        Gateway(Address.of("10.0.0.5"), 10, 2, "London 1"),
        Gateway(Address.of("pbx.example.com:5061;transport=tcp")),
        Gateway(Address.of("10.0.0.6"), 10, 1),
        Gateway(Address.of("[2001:db8::5]"), 5, 100),
    )

    assert [
        (700, "sip:10.0.0.5:5060", 8, 10, "rweight=2;probed=1", "London 1"),
        (700, "sip:10.0.0.6:5060", 8, 10, "rweight=1;probed=1", ""),
        (701, "sip:[2001:db8::5]:5060", 8, 5, "rweight=100;probed=1", ""),
        (702, "sip:pbx.example.com:5061;transport=tcp", 24, 0, "rweight=1;probed=1", ""),
    ] == dispatcher.rows([GatewaySet("london", 7, gateways)])


def test_gateways_with_tls():
    """They are left out, and leave no gap: Kamailio tries the next number until there is none."""
    gateways = (
        Gateway(Address.of("10.0.0.5;transport=tls"), 10),
        Gateway(Address.of("10.0.0.5")),
        Gateway(Address.of("10.0.0.6;transport=tls")),
    )

    assert [(700, "sip:10.0.0.5:5060")] == [
        (row.setid, row.destination) for row in dispatcher.rows([GatewaySet("london", 7, gateways)])
    ]


def test_gateways_that_are_not_probed():
    """They have neither the flag nor the word."""
    gateways = (Gateway(Address.of("10.0.0.5")), Gateway(Address.of("pbx")))

    assert [(0, "rweight=1"), (16, "rweight=1")] == [
        (row.flags, row.attrs) for row in dispatcher.rows([GatewaySet("london", 7, gateways, probing=False)])
    ]
