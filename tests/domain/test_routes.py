import pytest

from didier.domain.fields import ROUTES, UNAVAILABLE_ACTIONS
from didier.domain.routes import destination, sentence


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"did_route": "IN_GROUP", "group_id": "SALES"}, "Calls go to in-group SALES."),
        ({"did_route": "CALLMENU", "menu_id": "MAIN"}, "Calls go to call menu MAIN."),
        (
            {"did_route": "EXTEN", "extension": "8300", "exten_context": "default"},
            "Calls go to extension 8300 in the context default.",
        ),
        ({"did_route": "EXTEN", "extension": "8300"}, "Calls go to extension 8300."),
        ({"did_route": "VOICEMAIL", "voicemail_ext": "200"}, "Calls go to voicemail box 200."),
        (
            {"did_route": "VMAIL_NO_INST", "voicemail_ext": "200"},
            "Calls go to voicemail box 200 without instructions.",
        ),
        (
            {"did_route": "PHONE", "phone": "101", "server_ip": "192.0.2.7"},
            "Calls go to phone 101 on the server 192.0.2.7.",
        ),
        (
            {
                "did_route": "AGENT", "user": "66", "user_unavailable_action": "VOICEMAIL",
                "voicemail_ext": "7",
            },
            "Calls go to agent 66, or else to voicemail box 7.",
        ),
        ({"did_route": "AGENT", "user": "6666"}, "Calls go to agent 6666."),
        ({"did_route": "IN_GROUP", "group_id": "---NONE---"}, "Calls go to no in-group: none is set."),
        ({"did_route": "IN_GROUP", "group_id": None}, "Calls go to no in-group: none is set."),
        ({"did_route": ""}, "Calls go to no route."),
        ({"did_route": "ELSEWHERE"}, "Calls go to the route ELSEWHERE."),
        (
            {
                "did_route": "IN_GROUP", "group_id": "SALES", "no_agent_ingroup_redirect": "Y",
                "no_agent_ingroup_extension": "8302",
            },
            "Calls go to in-group SALES, or to extension 8302 when it has no agents.",
        ),
        (
            {"did_route": "EXTEN", "extension": "1", "did_active": "N"},
            "Calls are not accepted; if they were, they would go to extension 1.",
        ),
        (
            {
                "did_route": "EXTEN", "extension": "1", "filter_inbound_number": "GROUP",
                "filter_action": "CALLMENU", "filter_menu_id": "SPAM",
            },
            "Calls go to extension 1; those that the filter GROUP chooses go to call menu SPAM.",
        ),
    ],
)  # fmt: skip
def test_a_sentence_says_where_calls_lead(row, words):
    """Each route is said with its destination, and with where calls go instead."""
    assert words == sentence(row)


@pytest.mark.parametrize("route", sorted({*ROUTES, *UNAVAILABLE_ACTIONS}))
def test_every_route_has_words(route):
    """No route that a DID can have is one whose destination is not known."""
    assert destination({"did_route": route}).endswith(("none is set", "without instructions"))
