"""Variables of the environment that are no settings of the server: of clients, and of what followers run."""

from collections.abc import Mapping
from types import MappingProxyType

SERVER, USER, PASSWORD, TOKEN = "DIDIER_SERVER", "DIDIER_USER", "DIDIER_PASSWORD", "DIDIER_TOKEN"
CODE = "DIDIER_ONE_TIME_CODE"
EVENT_TYPE, EVENT_ID = "DIDIER_EVENT_TYPE", "DIDIER_EVENT_ID"

VARIABLES: Mapping[str, str] = MappingProxyType({
    SERVER: "Address of the server on which commands work",
    USER: "Name of the user",
    PASSWORD: "Password of the user",
    CODE: "One-time code of the user's second factor, where a command takes the password",
    TOKEN: "Token, instead of user and password",
    EVENT_TYPE: "Set by `didier follow` for what it runs: the type of the event, or `snapshot`",
    EVENT_ID: "Set by `didier follow` for what it runs: the `id` of the event; of a snapshot its number",
})  # fmt: skip
"""Each variable and what it says."""
