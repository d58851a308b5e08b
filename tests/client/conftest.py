import pytest

from support.clients import KINDS, Clients


@pytest.fixture(params=KINDS)
def clients(request):
    """`Didier` and `AsyncDidier`, each as if its methods were called."""
    made = Clients(request.param)
    yield made
    made.close()
