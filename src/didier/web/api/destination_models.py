"""In-groups, call menus, phones and servers as requests and answers have them."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, create_model

from didier.domain.destinations import (
    CALL_MENU,
    IN_GROUP,
    OPTION_FIELDS,
    OPTION_ROUTES,
    OPTION_VALUES,
    PHONE,
    SERVER,
    Kind,
)
from didier.web.api.paging import Page
from didier.web.api.schemas import Body

OPTIONS_MOST = len(OPTION_VALUES)
"""Most options of a call menu: one for each that can be pressed."""


def _columns(kind: Kind, *, is_new: bool) -> type[Body]:
    """Return the columns of a request: those that a new thing has, or those that can be changed."""
    columns: dict[str, Any] = {}
    for field in kind.fields:
        if not is_new and field.column in kind.fixed:
            continue
        emptied = "Cannot be emptied." if field.empty is None else "Null or an empty text empties it."
        wanted = ... if is_new and field.column in kind.required else None
        allowed = StrictStr if wanted is ... else StrictStr | StrictInt | None
        columns[field.column] = (allowed, Field(wanted, description=f"{field.help}. {emptied}"))
    return create_model("_Columns", __base__=Body, **columns)


def _shown(kind: Kind) -> type[BaseModel]:
    """Return the columns of an answer; null is what VICIdial left empty, or its version does not have."""
    columns: dict[str, Any] = {}
    for field in kind.fields:
        plain = int if field.column in kind.numbers else str
        columns[field.column] = (
            plain if field.column in kind.key else plain | None,
            Field(description=field.help),
        )
    return create_model("_Columns", **columns)


class MenuOption(Body):
    """What happens when callers press something."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"option_value": "1", "option_route": "INGROUP", "option_route_value": "SALES"}
        }
    )

    option_value: Annotated[StrictStr, Field(description=f"One of {', '.join(OPTION_VALUES)}")]
    option_description: StrictStr | None = ""
    option_route: Annotated[StrictStr, Field(description=f"One of {', '.join(OPTION_ROUTES)}")]
    option_route_value: Annotated[StrictStr | None, Field(description=OPTION_FIELDS[3].help)] = ""
    option_route_value_context: Annotated[StrictStr | None, Field(description=OPTION_FIELDS[4].help)] = ""


_Options = Annotated[list[MenuOption], Field(max_length=OPTIONS_MOST, description="In place of all it has")]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": values})


_ONE = {"option_value": "1", "option_description": "Sales", "option_route": "INGROUP"}
_ONE |= {"option_route_value": "SALES", "option_route_value_context": ""}


class InGroup(_shown(IN_GROUP)):  # type: ignore[misc]  # its columns are those of the table of fields
    """An in-group."""

    model_config = _example(group_id="SALES", group_name="Sales line", active="Y", user_group="---ALL---")


class NewInGroup(_columns(IN_GROUP, is_new=True)):  # type: ignore[misc]
    """An in-group to be made."""

    model_config = _example(group_id="SALES", group_name="Sales line")


class InGroupChange(_columns(IN_GROUP, is_new=False)):  # type: ignore[misc]
    """Columns of an in-group to be set."""

    model_config = _example(active="N")


class CallMenu(_shown(CALL_MENU)):  # type: ignore[misc]
    """A call menu with its options."""

    model_config = _example(
        menu_id="MAIN",
        menu_name="Main menu",
        menu_prompt="welcome",
        menu_timeout=10,
        menu_repeat=0,
        user_group="---ALL---",
        options=[_ONE],
    )

    options: list[MenuOption]


class NewCallMenu(_columns(CALL_MENU, is_new=True)):  # type: ignore[misc]
    """A call menu to be made."""

    model_config = _example(menu_id="MAIN", menu_name="Main menu", menu_prompt="welcome", options=[_ONE])

    options: _Options = Field(default_factory=list)


class CallMenuChange(_columns(CALL_MENU, is_new=False)):  # type: ignore[misc]
    """Columns of a call menu to be set; its options stay as they are unless all of them are given."""

    model_config = _example(menu_timeout=5, options=[_ONE])

    options: _Options | None = None


class Phone(_shown(PHONE)):  # type: ignore[misc]
    """A phone."""

    model_config = _example(
        extension="gs102",
        server_ip="192.0.2.10",
        dialplan_number="8602",
        fullname="Front desk",
        active="Y",
        user_group="---ALL---",
    )


class NewPhone(_columns(PHONE, is_new=True)):  # type: ignore[misc]
    """A phone to be made."""

    model_config = _example(extension="gs102", server_ip="192.0.2.10", dialplan_number="8602")


class PhoneChange(_columns(PHONE, is_new=False)):  # type: ignore[misc]
    """Columns of a phone to be set."""

    model_config = _example(dialplan_number="8603")


class Server(_shown(SERVER)):  # type: ignore[misc]
    """A server."""

    model_config = _example(
        server_id="one",
        server_ip="192.0.2.10",
        server_description="Asterisk in Leeds",
        active="Y",
        asterisk_version="18.26.4",
        local_gmt="0.00",
        ext_context="default",
        voicemail_dump_exten="85026666666666",
        voicemail_dump_exten_no_inst="85026666666667",
        user_group="---ALL---",
    )


class NewServer(_columns(SERVER, is_new=True)):  # type: ignore[misc]
    """A server to be made."""

    model_config = _example(server_id="one", server_ip="192.0.2.10", asterisk_version="18.26.4")


class ServerChange(_columns(SERVER, is_new=False)):  # type: ignore[misc]
    """Columns of a server to be set."""

    model_config = _example(ext_context="trunkinbound")


@dataclass
class InGroups(Page):
    """A page of the list of in-groups."""

    items: list[InGroup]


@dataclass
class CallMenus(Page):
    """A page of the list of call menus."""

    items: list[CallMenu]


@dataclass
class Phones(Page):
    """A page of the list of phones."""

    items: list[Phone]


@dataclass
class Servers(Page):
    """A page of the list of servers."""

    items: list[Server]
