"""Where calls go: the decision alone, with answers that are given by hand."""

from datetime import UTC, datetime

import pytest

from didier.domain import schedules
from didier.domain.calls.call import Call, Place
from didier.domain.calls.deciding import decide
from didier.domain.calls.questions import (
    ActiveDids,
    AgentsOf,
    Container,
    DialplanNumber,
    Gone,
    Listed,
    LiveAgent,
    NotToBeCalled,
    PlaceOf,
    RecentCalls,
    ScheduleOf,
    Waiting,
    WebAnswer,
)
from didier.domain.calls.targets import Target

IP = "192.0.2.1"
AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
DUMP = "85026666666666"
SERVER = {
    "asterisk_version": "18.26.4", "ext_context": "agents", "voicemail_dump_exten": DUMP,
    "voicemail_dump_exten_no_inst": "85026666666667",
}  # fmt: skip
ENVIRONMENT = {
    "agi_uniqueid": "1764375000.7", "agi_channel": "SIP/trunk-1", "agi_extension": "18001234567",
    "agi_callerid": "17275551212", "agi_calleridname": "Ann", "agi_type": "SIP",
    "agi_context": "trunkinbound",
}  # fmt: skip
CONTAINER = "".join(
    f"outbound_recent_call_{line}\n"
    for line in (
        "check_type => x-y-days-range-log",
        "days => 0-7",
        "campaigns => --ALL--",
        "statuses => --ALL--",
    )
)


SCHEDULES = {
    "office": schedules.of(
        "office",
        {
            "time_zone": "America/New_York",
            "hours": {"wednesday": ["09:00-17:00"]},
            "outside": "CALLMENU:night",
            "dates": [{"date": "12-23", "name": "Party"}],
        },
    )
}


class World:
    """Gives answers: *known* by kind of question, or by question; keeps what was asked."""

    def __init__(self, *dids, settings=(), server=SERVER, **known):
        self._dids = {did["did_pattern"]: did for did in dids}
        self._place = Place(IP, server, dict(settings))
        self._known = known
        self.asked = []

    def answer(self, question):
        if isinstance(question, PlaceOf):
            return self._place
        if isinstance(question, ActiveDids):
            return tuple(map(self._dids.get, question.patterns))
        self.asked.append(question)
        if isinstance(question, ScheduleOf):
            return SCHEDULES.get(question.name)
        return self._known[type(question).__name__]


def decided(world, *, may_return=True, forms=(), at=AT, **more):
    environment = ENVIRONMENT | {f"agi_{name}": value for name, value in more.items()}
    asking = decide(Call.of(environment, "", ""), IP, forms, at=at, may_return=may_return)
    answer = None
    while True:
        try:
            asked = asking.send(answer)
        except StopIteration as end:
            return end.value
        answer = tuple(map(world.answer, asked)) if isinstance(asked, tuple) else world.answer(asked)


def did(pattern="18001234567", **values):
    return {
        "did_id": 7, "did_pattern": pattern, "did_route": "EXTEN", "extension": "8301",
        "exten_context": "default", "filter_action": "EXTEN", "filter_extension": "8399",
        "filter_exten_context": "filtered", **values,
    }  # fmt: skip


def way(decision):
    """Return the route that is logged, and where the call goes."""
    target = decision.target
    return decision.route, target and (target.context, target.extension)


HOME = ("EXTEN", ("default", "8301"))
"""Where `did` leads."""

ROUTES = [
    ({"exten_context": ""}, (), ("EXTEN", ("default", "8301"))),
    ({"exten_context": None, "extension": "9"}, (), ("EXTEN", ("default", "9"))),
    ({"extension": ""}, (), ("EXTEN", None)),
    ({"extension": None}, (), ("EXTEN", None)),
    ({"extension": " "}, (), ("EXTEN", None)),
    ({"did_route": None}, (), ("", None)),
    ({"did_route": "NONSENSE"}, (), ("NONSENSE", None)),
    ({"did_route": "IN_GROUP"}, (), ("IN_GROUP", ("agents", "99909*7***DID"))),
    (
        {"did_route": "IN_GROUP", "inbound_route_answer": "N"},
        {"inbound_answer_config": "2"},
        ("IN_GROUP", ("agents", "99809*7***DID")),
    ),
    ({"did_route": "CALLMENU", "menu_id": "main"}, (), ("CALLMENU", ("main", "s"))),
    ({"did_route": "CALLMENU", "menu_id": ""}, (), ("CALLMENU", None)),
    (
        {"did_route": "VOICEMAIL", "voicemail_ext": "101", "server_ip": "10.0.0.2"},
        (),
        ("VOICEMAIL", ("default", f"010*000*000*002*{DUMP}101")),
    ),
    (
        {"did_route": "VMAIL_NO_INST", "voicemail_ext": "101"},
        (),
        ("VMAIL_NO_INST", ("default", "85026666666667101")),
    ),
]


@pytest.mark.parametrize(("values", "settings", "expected"), ROUTES)
def test_routes(values, settings, expected):
    """Each route has its context and extension; one that leads nowhere has none."""
    assert expected == way(decided(World(did(**values), settings=settings)))


@pytest.mark.parametrize(
    ("number", "extension"), [("101", "010*000*000*002*101"), (None, "010*000*000*002*")]
)
def test_phones(number, extension):
    """A phone is called by its number in the dialplan of its server."""
    world = World(did(did_route="PHONE", phone="cc101", server_ip="10.0.0.2"), DialplanNumber=number)

    assert ("PHONE", ("default", extension)) == way(decided(world))
    assert [DialplanNumber("10.0.0.2", "cc101")] == world.asked


@pytest.mark.parametrize(
    ("is_live", "action", "expected"),
    [
        (True, "EXTEN", ("AGENT", ("agents", "99909*7***DID"))),
        (False, "EXTEN", ("NA_EXTEN", ("default", "8301"))),
        (False, "IN_GROUP", ("NA_IN_GROUP", ("agents", "99909*7***NOAGENT"))),
        (False, "CALLMENU", ("NA_CALLMENU", ("default", "s"))),
        (False, None, ("NA_", None)),
    ],
)
def test_agents(is_live, action, expected):
    """An agent who is there is called; otherwise the call goes where the DID says."""
    row = did(did_route="AGENT", user="6666", user_unavailable_action=action, menu_id="m", exten_context="x")
    world = World(row, LiveAgent=is_live)

    assert expected == way(decided(world))
    assert [LiveAgent("6666")] == world.asked


def test_without_a_server_contexts_are_the_default():
    """A server that the database does not know has no dump extension and no context."""
    assert ("IN_GROUP", ("default", "99909*7***DID")) == way(
        decided(World(did(did_route="IN_GROUP"), server={}))
    )


@pytest.mark.parametrize(
    ("dids", "expected"),
    [
        ([], None),
        (["default"], "default"),
        (["default", "+18001234567"], "+18001234567"),
        (["default", "+18001234567", "18001234567"], "18001234567"),
    ],
)
def test_what_is_dialled_comes_first(dids, expected):
    """Then its other spellings, then the default; without any there is no route."""
    decision = decided(World(*map(did, dids)), forms=("+18001234567",))

    assert expected == (decision.did and decision.did["did_pattern"])
    assert (HOME if dids else ("", None)) == way(decision)


PRE = {"pre_filter_phone_group_id": "VIP,OLD , X", "pre_filter_extension": "18009999999"}
RECENT = {"pre_filter_recent_call": "BOX", "pre_filter_recent_extension": "18008888888"}
GROUP = {"filter_inbound_number": "GROUP", "filter_phone_group_id": "BAD"}
EMPTY = {
    "no_agent_ingroup_redirect": "Y",
    "no_agent_ingroup_id": "SALES",
    "no_agent_ingroup_extension": "8310",
}
QUEUE = {"max_queue_ingroup_calls": 2, "max_queue_ingroup_id": "SALES", "max_queue_ingroup_extension": "8320"}
ALL = PRE | RECENT | GROUP | EMPTY | QUEUE


@pytest.mark.parametrize(
    ("values", "known", "kinds", "expected"),
    [
        (PRE, {"Listed": True}, [Listed], ("PF_DID", ("trunkinbound", "18009999999"))),
        (PRE, {"Listed": False}, [Listed], HOME),
        (PRE | {"pre_filter_extension": ""}, {}, [], HOME),
        (RECENT, {"Container": ""}, [Container], HOME),
        (RECENT, {"Container": CONTAINER, "RecentCalls": False}, [Container, RecentCalls], HOME),
        (
            RECENT,
            {"Container": CONTAINER, "RecentCalls": True},
            [Container, RecentCalls],
            ("PFR_DID", ("trunkinbound", "18008888888")),
        ),
        (GROUP, {"Listed": True}, [Listed], ("F_EXTEN", ("filtered", "8399"))),
        (GROUP | {"filter_action": None}, {"Listed": True}, [Listed], ("F_", None)),
        (GROUP | {"filter_extension": None}, {"Listed": True}, [Listed], ("F_EXTEN", None)),
        (
            GROUP | {"filter_action": "IN_GROUP"},
            {"Listed": True},
            [Listed],
            ("F_IN_GROUP", ("agents", "99909*7***FILTER")),
        ),
        ({"filter_inbound_number": "DISABLED"}, {}, [], HOME),
        (EMPTY, {"AgentsOf": False}, [AgentsOf], ("NA_EXTEN", ("default", "8310"))),
        (EMPTY, {"AgentsOf": True}, [AgentsOf], HOME),
        (EMPTY | {"no_agent_ingroup_redirect": "N"}, {}, [], HOME),
        (EMPTY | {"no_agent_ingroup_extension": ""}, {"AgentsOf": False}, [AgentsOf], ("NA_EXTEN", None)),
        (QUEUE, {"Waiting": 2}, [Waiting], ("MQ_EXTEN", ("default", "8320"))),
        (QUEUE, {"Waiting": 1}, [Waiting], HOME),
        (
            QUEUE | {"max_queue_ingroup_calls": -1},
            {"Waiting": 0},
            [Waiting],
            ("MQ_EXTEN", ("default", "8320")),
        ),
        (QUEUE | {"max_queue_ingroup_calls": 0}, {}, [], HOME),
        (QUEUE | {"max_queue_ingroup_calls": None}, {}, [], HOME),
        (
            ALL,
            {"Listed": False, "Container": "", "AgentsOf": True, "Waiting": 0},
            [Listed, Container, Listed, AgentsOf, Waiting],
            HOME,
        ),
        (
            ALL,
            {"Listed": True, "Container": ""},
            [Listed, Container],
            ("PF_DID", ("trunkinbound", "18009999999")),
        ),
        (
            ALL,
            {"Listed": True, "Container": CONTAINER, "RecentCalls": True},
            [Listed, Container, RecentCalls],
            ("PFR_DID", ("trunkinbound", "18008888888")),
        ),
        (
            ALL | {"filter_inbound_number": "", "pre_filter_recent_extension": "not a number"},
            {"Listed": False, "Container": CONTAINER, "RecentCalls": True},
            [Listed, Container, RecentCalls],
            ("PFR_DID", ("trunkinbound", "not a number")),
        ),
        (
            ALL | {"pre_filter_extension": ""},
            {"Listed": True, "Container": ""},
            [Container, Listed],
            ("F_EXTEN", ("filtered", "8399")),
        ),
        (
            EMPTY | QUEUE,
            {"AgentsOf": False},
            [AgentsOf],
            ("NA_EXTEN", ("default", "8310")),
        ),
    ],
)
def test_detours(values, known, kinds, expected):
    """They are looked at in their order, each only where none before it has hit."""
    world = World(did(**values), **known)

    assert expected == way(decided(world))
    assert kinds == [type(question) for question in world.asked]


AREA = "727XXXXXXX"


@pytest.mark.parametrize(
    ("values", "callerid", "question"),
    [
        (PRE, "7275551212", Listed(("VIP", "OLD", " X"), ("7275551212",))),
        (PRE, "", Listed(("VIP", "OLD", " X"), ("BLANK",))),
        (GROUP, "7275551212", Listed(("BAD",), ("7275551212",))),
        (GROUP | {"filter_phone_group_id": None}, "7", Listed(("",), ("7",))),
        (
            GROUP | {"filter_inbound_number": "GROUP_AREACODE"},
            "7275551212",
            Listed(("BAD",), ("7275551212", AREA)),
        ),
        (GROUP | {"filter_inbound_number": "GROUP_AREACODE"}, "", Listed(("BAD",), ("BLANK", "XXXXXXX"))),
        ({"filter_inbound_number": "DNC_INTERNAL"}, "7275551212", NotToBeCalled(("7275551212", AREA), None)),
        (
            {"filter_inbound_number": "DNC_CAMPAIGN", "filter_dnc_campaign": "A,B"},
            "81",
            NotToBeCalled(("81", "81XXXXXXX"), "A,B"),
        ),
        (EMPTY | {"no_agent_ingroup_redirect": "READY_ONLY"}, "1", AgentsOf("SALES", "ready")),
        (EMPTY | {"no_agent_ingroup_redirect": "NO_PAUSED"}, "1", AgentsOf("SALES", "not paused")),
    ],
)
def test_questions(values, callerid, question):
    """What is asked about a caller: the number or BLANK, in the groups that the DID names."""
    known = {"Listed": False, "NotToBeCalled": False, "AgentsOf": True}
    world = World(did(**values), **known)
    decided(world, callerid=callerid, calleridname="")

    assert [question] == world.asked


URL = {"filter_inbound_number": "URL", "filter_url": "http://h/x"}


@pytest.mark.parametrize(
    ("answer", "redirects", "expected"),
    [
        ((200, "0"), "N", HOME),
        ((200, ""), "N", HOME),
        ((200, "no"), "Y", HOME),
        ((200, "000"), "Y", HOME),
        ((0, ""), "Y", HOME),
        ((404, "404 page of 2026"), "N", HOME),
        ((302, "1"), "N", HOME),
        ((204, "1"), "N", ("F_EXTEN", ("filtered", "8399"))),
        ((200, "1"), "N", ("F_EXTEN", ("filtered", "8399"))),
        ((200, "<b>1</b>"), "N", ("F_EXTEN", ("filtered", "8399"))),
        ((200, "0-18001230003;"), "Y", ("F_DID", ("trunkinbound", "018001230003"))),
        ((200, "1 " * 20_000), "N", ("F_EXTEN", ("filtered", "8399"))),
        ((200, "0 " * 20_000), "N", HOME),
    ],
)
def test_web_answers(answer, redirects, expected):
    """Digits above zero of an answer that is one are a hit, however many there are."""
    world = World(did(**URL, filter_url_did_redirect=redirects), WebAnswer=answer)

    assert expected == way(decided(world))
    assert [WebAnswer("http://h/x")] == world.asked


def test_a_web_answer_is_logged_without_what_ends_a_line():
    """The body, a bar, and its digits."""
    decision = decided(World(did(**URL), WebAnswer=(404, "a;b|c\\d 12")))

    assert [("http://h/x", "abcd 12|12")] == [(one.url, one.response) for one in decision.asked]


def test_cleaning_counts_for_what_is_looked_up():
    """The log has the number that came."""
    world = World(did(**GROUP, filter_clean_cid_number="R10"), Listed=False)
    decision = decided(world)

    assert [Listed(("BAD",), ("7275551212",))] == world.asked
    assert ("7275551212", "17275551212", True) == (
        decision.number,
        decision.logged_number,
        decision.is_cleaned,
    )


SYSTEM = did("did_system_filter", did_id=1, filter_clean_cid_number="L1", **GROUP)
ON = {"did_system_filter": "1"}


@pytest.mark.parametrize(
    ("settings", "values", "hit", "expected", "did_id"),
    [
        (ON, {}, True, ("F_EXTEN", ("filtered", "8399")), 1),
        (ON, {}, False, HOME, 7),
        ({"did_system_filter": "0"}, {}, True, HOME, 7),
        (ON, {"filter_action": "IN_GROUP"}, True, ("F_IN_GROUP", ("agents", "99909*1***FILTER")), 1),
        (ON, {"filter_action": ""}, True, ("F_", None), 1),
        (ON, {"filter_inbound_number": "DISABLED"}, True, HOME, 7),
        (ON, {"record_call": "Y", **PRE, **EMPTY}, True, ("F_EXTEN", ("filtered", "8399")), 1),
    ],
)
def test_the_system_filter(settings, values, hit, expected, did_id):
    """It comes before the DID; after a miss the number is as it came."""
    world = World(did(), {**SYSTEM, **values}, settings=settings, Listed=hit)
    decision = decided(world)

    assert expected == way(decision)
    assert (did_id, False) == (decision.did["did_id"], decision.is_recorded)
    assert ("7275551212" if did_id == 1 else "17275551212") == decision.number == decision.logged_number


def test_a_system_filter_may_redirect():
    """By the answer of its web address."""
    world = World(
        did(), {**SYSTEM, **URL, "filter_url_did_redirect": "Y"}, settings=ON, WebAnswer=(200, "18")
    )

    assert ("F_DID", ("trunkinbound", "18")) == way(decided(world))


def test_an_unknown_did_belongs_to_nobody():
    """Neither the filter's row nor another is logged."""
    decision = decided(World(SYSTEM, settings=ON, Listed=False))

    assert (None, "", "", None) == (decision.did, decision.route, decision.stored_route, decision.target)


@pytest.mark.parametrize(
    ("record", "is_recorded"), [("Y", True), ("Y_QUEUESTOP", True), ("N", False), (None, False)]
)
def test_recording(record, is_recorded):
    """Both kinds are recorded from the start."""
    assert is_recorded == decided(World(did(record_call=record))).is_recorded


CIRCLES = [
    (PRE, {"Listed": True}),
    (RECENT, {"Container": CONTAINER, "RecentCalls": True}),
    (URL | {"filter_url_did_redirect": "Y"}, {"WebAnswer": (200, "18001234567")}),
    ({"exten_context": "trunkinbound", "extension": "18001234567"}, {}),
    (GROUP | {"filter_exten_context": "trunkinbound"}, {"Listed": True}),
    ({"exten_context": "from-carrier"}, {}),
]


@pytest.mark.parametrize(("values", "known"), CIRCLES)
def test_a_call_that_came_back_too_often_is_not_sent_there(values, known):
    """By whatever way it would come to where calls arrive, and only there."""
    context = "from-carrier" if values.get("exten_context") == "from-carrier" else "trunkinbound"
    once = decided(World(did(**values), **known), context=context)
    too_often = decided(World(did(**values), **known), context=context, may_return=False)

    assert context == once.target.context
    assert (once.route, None, "loop") == (too_often.route, too_often.target, too_often.steps[-1].rule)
    assert Target("default", "8301") == decided(World(did()), may_return=False).target


FALLBACKS = {"fallbacks": "CALLMENU:night EXTEN:8600@away"}
MENU = ("vicidial_call_menu.menu_id", "night", "")
SALES = ("vicidial_inbound_groups.group_id", "SALES", "")
IN_GROUP = {"did_route": "IN_GROUP", "group_id": "SALES"}


@pytest.mark.parametrize(
    ("values", "gone", "expected"),
    [
        (IN_GROUP, {}, ("IN_GROUP", ("agents", "99909*7***DID"))),
        (IN_GROUP, {SALES: "inactive"}, ("FB_CALLMENU", ("night", "s"))),
        (IN_GROUP, {SALES: "missing", MENU: "missing"}, ("FB_EXTEN", ("away", "8600"))),
        ({"extension": ""}, {}, ("FB_CALLMENU", ("night", "s"))),
        ({"extension": " "}, {}, ("FB_CALLMENU", ("night", "s"))),
        ({"did_route": ""}, {}, ("FB_CALLMENU", ("night", "s"))),
        (IN_GROUP | {"fallbacks": "CALLMENU:night"}, {SALES: "missing", MENU: "missing"},
         ("IN_GROUP", ("agents", "99909*7***DID"))),
    ],
)  # fmt: skip
def test_the_first_destination_that_is_there_takes_the_call(values, gone, expected):
    """What is missing or not active is passed over; where nothing is there, the route is taken as it is."""
    assert expected == way(decided(World(did(**FALLBACKS | values), Gone=gone)))


def test_all_that_may_be_gone_is_asked_for_at_once():
    """However many destinations there are; without fallbacks nothing is asked."""
    world, plain = World(did(**IN_GROUP | FALLBACKS), Gone={}), World(did(**IN_GROUP))
    decided(world)
    decided(plain)

    assert [Gone(frozenset({SALES, MENU}))] == world.asked
    assert [] == plain.asked


@pytest.mark.parametrize(
    ("values", "is_live", "expected"),
    [
        ({"fallbacks": "AGENT:66 EXTEN:1", "filter_action": "AGENT", "filter_user": "66"}, True,
         ("FB_AGENT", ("agents", "99909*7***FILTER"))),
        ({"fallbacks": "AGENT:66 EXTEN:1"}, False, ("FB_EXTEN", ("default", "1"))),
        ({"did_route": "AGENT", "user": "66", "user_unavailable_action": "VOICEMAIL",
          "fallbacks": "EXTEN:1"}, False, ("FB_EXTEN", ("default", "1"))),
        ({"did_route": "AGENT", "user": "66", "user_unavailable_action": "VOICEMAIL",
          "voicemail_ext": "2", "fallbacks": "EXTEN:1"}, False, ("NA_VOICEMAIL", ("default", f"{DUMP}2"))),
        ({"did_route": "AGENT", "user": "66", "user_unavailable_action": "", "fallbacks": "EXTEN:1"}, False,
         ("FB_EXTEN", ("default", "1"))),
    ],
)  # fmt: skip
def test_an_agent_who_is_not_live_is_not_there(values, is_live, expected):
    """Where calls for the agent of the route go instead comes before the fallbacks."""
    given = did(extension="", **values) if "did_route" not in values else did(**values)
    world = World(given, Gone={}, LiveAgent=is_live)

    assert expected == way(decided(world))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ("FB_EXTEN", ("default", "1"))),
        ({"group_id": "night"}, ("FB_IN_GROUP", ("agents", "99909*7***NOAGENT"))),
        ({"filter_group_id": "NIGHT", "filter_action": "IN_GROUP"},
         ("FB_IN_GROUP", ("agents", "99909*7***FILTER"))),
        ({"filter_group_id": "NIGHT"}, ("FB_EXTEN", ("default", "1"))),
    ],
)  # fmt: skip
def test_vicidial_finds_in_groups_by_the_did(values, expected):
    """Its next script is told of the DID alone: what the DID does not name is passed over."""
    given = did(extension="", fallbacks="IN_GROUP:NIGHT EXTEN:1", **values)

    assert expected == way(decided(World(given, Gone={})))


@pytest.mark.parametrize(
    ("asked", "gone", "expected"),
    [
        ("0", {}, ("default", "8301")),
        ("1", {}, ("night", "s")),
        ("2", {}, ("away", "8600")),
        ("3", {}, None),
        ("999999999", {}, None),
        ("1", {MENU: "missing"}, ("away", "8600")),
        ("2", {MENU: "missing"}, None),
        ("", {}, ("default", "8301")),
        ("-1", {}, ("default", "8301")),
        ("1.5", {}, ("default", "8301")),
        ("\u0661", {}, ("default", "8301")),
    ],
)
def test_the_dialplan_asks_for_the_next_destination(asked, gone, expected):
    """Of those that are there, until none is left; what is no number does not count, and a step says so."""
    decision = decided(World(did(**FALLBACKS), Gone=gone), arg_1=f"next={asked}")

    assert expected == way(decision)[1]
    assert (asked in {"-1", "1.5", "\u0661"}) == any("ignored" in step.outcome for step in decision.steps)


def test_a_did_without_fallbacks_has_no_next():
    """The dialplan goes on, as it does for numbers that are no DID."""
    assert [None, None] == [
        decided(world, arg_1="next=1").target for world in (World(did(), Gone={}), World())
    ]


@pytest.mark.parametrize("values", [PRE, GROUP], ids=["pre-filter", "filter"])
def test_callers_who_are_sent_elsewhere_get_no_fallback(values):
    """A dialplan whose Dial failed there goes on by itself."""
    world = World(did(**FALLBACKS | values), Listed=True, Gone={})

    assert None is not decided(world).target
    assert None is decided(world, arg_1="next=1").target


def test_what_was_done_for_the_first_destination_is_not_done_again():
    """The number is cleaned, the recording goes on, and agents and queue said whether to begin there."""
    values = FALLBACKS | EMPTY | QUEUE | {"record_call": "Y", "filter_clean_cid_number": "L1"}
    decision = decided(World(did(**values), Gone={}), arg_1="next=1")

    assert ("night", "s") == way(decision)[1]
    assert (False, False) == (decision.is_recorded, decision.is_cleaned)


OPEN = datetime(2026, 3, 4, 15, tzinfo=UTC)
CLOSED = datetime(2026, 3, 4, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "at", "gone", "expected"),
    [
        ({}, OPEN, {}, HOME),
        ({}, CLOSED, {}, ("SCH_CALLMENU", ("night", "s"))),
        ({}, CLOSED, {MENU: "missing"}, HOME),
        ({"fallbacks": "EXTEN:1"}, CLOSED, {MENU: "missing"}, ("FB_EXTEN", ("default", "1"))),
        ({"fallbacks": "EXTEN:1", "extension": ""}, OPEN, {}, ("FB_EXTEN", ("default", "1"))),
        ({"schedule": "ghost"}, CLOSED, {}, HOME),
        (GROUP, CLOSED, {}, ("F_EXTEN", ("filtered", "8399"))),
    ],
)  # fmt: skip
def test_outside_hours_calls_go_where_the_schedule_says(values, at, gone, expected):
    """In the place of the route, behind detours; what is not there is passed over."""
    world = World(did(**{"schedule": "office", **values}), Gone=gone, Listed=True)

    assert expected == way(decided(world, at=at))


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (OPEN, "office is open: by the hours of the week"),
        (CLOSED, "office is closed: by the hours of the week; it opens 2026-03-04 09:00 America/New_York"),
        (datetime(2026, 12, 23, 15, tzinfo=UTC),
         "office is closed: Party; it opens 2026-12-30 09:00 America/New_York"),
    ],
)  # fmt: skip
def test_a_step_says_why_a_schedule_is_closed(at, outcome):
    """With the day that is special, and when it opens."""
    decision = decided(World(did(schedule="office"), Gone={}), at=at)

    assert outcome == next(step.outcome for step in decision.steps if step.rule == "schedule")


def test_behind_the_destination_outside_hours_come_the_fallbacks():
    """The route is none of them."""
    world = World(did(schedule="office", **FALLBACKS | {"fallbacks": "EXTEN:1"}), Gone={})
    targets = [way(decided(world, at=CLOSED, arg_1=f"next={k}"))[1] for k in range(3)]

    assert [("night", "s"), ("default", "1"), None] == targets
