"""The bare server: the same Granian in the same loop, with an application that says hello."""

import sys

from didier.config import Settings
from didier.web.server import run

BODY = b"SUCCESS: hello\n"


async def hello(scope, receive, send):
    """Answer every request with the same line."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


run(hello, Settings(port=int(sys.argv[1])))
