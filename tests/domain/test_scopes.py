import pytest

from didier.domain.scopes import NAMES, missing_scope
from didier.errors import NotPermitted


@pytest.mark.parametrize("scope", [*sorted(NAMES), None])
def test_a_password_opens_everything(scope):
    """Scopes limit tokens alone."""
    assert None is missing_scope(None, scope, "copy_did")


def test_a_token_opens_its_scopes():
    """And is told the one that it lacks; nothing opens what no token opens."""
    assert None is missing_scope({"dids:read"}, "dids:read", "did_info")
    assert NotPermitted("copy_did", ("Scopes of the token must contain dids:write",)) == missing_scope(
        {"dids:read"}, "dids:write", "copy_did"
    )
    assert missing_scope(NAMES, None, "add_token")
