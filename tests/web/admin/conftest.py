import pytest

from support.browsers import Browser
from support.server import Didier


@pytest.fixture
def browser(server: Didier) -> Browser:
    """A browser that has not signed in."""
    return Browser(server)


@pytest.fixture
def admin(server: Didier) -> Browser:
    """A browser in which the administrator has signed in."""
    browser = Browser(server)
    assert 303 == browser.sign_in().status
    return browser


@pytest.fixture
def own_admin(own_server: Didier) -> Browser:
    """A browser in which the administrator of a server that nobody else uses has signed in."""
    browser = Browser(own_server)
    assert 303 == browser.sign_in().status
    return browser
