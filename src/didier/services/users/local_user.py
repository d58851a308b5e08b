"""The user as whom commands on the database itself work: no row of the table of users."""

from didier.domain.users import ALL_FUNCTIONS, EVERY_GROUP, User

LOCAL_USER = User(
    name="didier-cli",
    level=9,
    group=EVERY_GROUP,
    api_access=True,
    functions=ALL_FUNCTIONS,
    modify_dids=True,
    delete_dids=True,
    view_reports=True,
    viewable_groups=EVERY_GROUP,
    modify_users=True,
    delete_users=True,
    manage_servers=True,
    modify_same_level=True,
)
