"""The bare server: the same HTTP server in the same loop, with an application that says hello."""

import sys
from contextlib import asynccontextmanager

from didier.config import Settings
from didier.runtime.process import Process
from didier.web.server import HttpServer

BODY = b"SUCCESS: hello\n"
HEADERS = [(b"content-type", b"text/plain"), (b"content-length", str(len(BODY)).encode())]


class Hello:
    """Answers every request with the same line."""

    running = 0

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


class Nothing:
    """What there is to do beside answering."""

    @asynccontextmanager
    async def running(self):
        yield

    def ending(self):
        pass


settings = Settings(port=int(sys.argv[1]))
Process(Nothing(), [HttpServer(Hello(), settings)], settings.stop_seconds).run()
