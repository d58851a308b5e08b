"""Variables of the environment with which a client signs in; they are no settings of the server."""

from collections.abc import Mapping
from types import MappingProxyType

SERVER, USER, PASSWORD, TOKEN = "DIDIER_SERVER", "DIDIER_USER", "DIDIER_PASSWORD", "DIDIER_TOKEN"
CODE = "DIDIER_ONE_TIME_CODE"

VARIABLES: Mapping[str, str] = MappingProxyType({
    SERVER: "Address of the server on which commands work",
    USER: "Name of the user",
    PASSWORD: "Password of the user",
    CODE: "One-time code of the user's second factor, where a command takes the password",
    TOKEN: "Token, instead of user and password",
})  # fmt: skip
"""Each variable and what it says."""
