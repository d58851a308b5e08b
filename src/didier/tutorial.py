"""The tutorial's example, as the demo, the start page, the Postman collection and the docs show it."""

from urllib.parse import urlencode

USER = "admin"
PASSWORD = "1234"  # noqa: S105  # public: it stands in the tutorial
SOURCE_DID = "18001234567"
TARGET_DID = "18002223333"
SOURCE = "DIDCopy"


def copy_query(user: str, password: str, target: str = TARGET_DID) -> str:
    """Return the query string of the tutorial's request."""
    return urlencode(
        {
            "function": "copy_did",
            "user": user,
            "pass": password,
            "source": SOURCE,
            "did_pattern": SOURCE_DID,
            "new_did_pattern": target,
            "did_active": "Y",
        },
        safe="{}",
    )
