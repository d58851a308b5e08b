"""The fields of a user that callers may set: one ordered row each, with its rule."""

from types import MappingProxyType

from didier.domain.fields import Field, one_of, text, whole
from didier.domain.users import HIGHEST_LEVEL

# The order is that in which VICIdial's documentation lists them.
USER_FIELDS: tuple[Field, ...] = (
    Field("full_name", text(1, 50), "Name of the person"),
    Field(
        "user_level",
        one_of(*(str(level) for level in range(1, HIGHEST_LEVEL + 1))),
        "The user's level, which limits their rights",
        empty=None,
    ),
    Field(
        "user_group",
        text(1, 20),
        "Group that the user belongs to",
        "vicidial_user_groups.user_group",
        empty=None,
    ),
    Field("phone_login", text(1, 20), "Phone that the agent works with"),
    # The column holds 100; VICIdial's API takes 20 (docs/NON-AGENT_API.txt in its distribution).
    Field("phone_pass", text(1, 20), "Password of that phone; stored only in a VICIdial database"),
    Field("hotkeys_active", one_of("0", "1"), "Whether the agent has hot keys", empty=None),
    Field("voicemail_id", text(2, 10), "Voicemail box"),
    # VICIdial refuses shorter ones (update_user.fuzz_email_too_short in tests/conformance).
    Field("email", text(5, 100), "E-mail address"),
    Field("custom_one", text(1, 100), "Free for use"),
    Field("custom_two", text(1, 100), "Free for use"),
    Field("custom_three", text(1, 100), "Free for use"),
    Field("custom_four", text(1, 100), "Free for use"),
    Field("custom_five", text(1, 100), "Free for use"),
    Field("active", one_of("Y", "N"), "Whether the user may sign in", empty=None),
    Field(
        "wrapup_seconds_override",
        whole(-1, 9999),
        "Seconds to wrap up after a call; -1: those of the campaign",
        empty=None,
    ),
    Field(
        "agent_choose_ingroups",
        one_of("0", "1"),
        "Whether the agent chooses in-groups at sign-in",
        empty=None,
    ),
    Field(
        "agent_choose_blended",
        one_of("0", "1"),
        "Whether the agent chooses to take outbound calls too",
        empty=None,
    ),
    Field(
        "closer_default_blended",
        one_of("0", "1"),
        "Whether agents begin with outbound calls too",
        empty=None,
    ),
    Field("closer_campaigns", text(1, 10_000), "In-groups of the agent, each with a space around it"),
)


def name(value: str) -> str | None:
    """Allow what a user may be called: what is left of a name by the Non-Agent API's clean-up.

    Users of other names could never sign in there: it removes other characters from ``user`` before it looks
    (``tests/conformance/behaviour.md``, section 2).
    """
    if 2 <= len(value) <= 20 and all(c in "-_0123456789" or (c.isalpha() and c <= "\uffff") for c in value):
        return None
    return "2 to 20 letters, digits, - and _"


BY_COLUMN = MappingProxyType({field.column: field for field in USER_FIELDS})
