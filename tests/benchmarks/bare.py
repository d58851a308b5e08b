"""The bare server: the same Granian in the same loop, with an application that says hello."""

import sys
from contextlib import asynccontextmanager

from didier.config import Settings
from didier.web.server import run

BODY = b"SUCCESS: hello\n"
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]


class Hello:
    """Answers every request with the same line."""

    running = 0

    @asynccontextmanager
    async def lifespan(self):
        yield

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


run(Hello(), Settings(port=int(sys.argv[1])))
