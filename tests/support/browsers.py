"""What a browser does with the panel, without drawing."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from support.server import FORM, Answer, Didier


@dataclass
class Browser:
    """What a browser does, without drawing: it keeps cookies and sends the token of the page."""

    server: Didier
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request with the cookies; keep those that are answered, and the token of a page."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.server.exchange(method, path, body, sent)
        self._keep(answer)
        found = re.search(r'name="csrf[-_]token" (?:content|value)="([0-9a-f]+)"', answer.text)
        self.token = found[1] if found else self.token
        return answer

    def _keep(self, answer: Answer) -> None:
        for name, value in re.findall(r"(didier_\w+)=([\w.-]*); Path", answer.headers.get("set-cookie", "")):
            self.cookies[name] = value

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.ask("GET", path)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form."""
        return self.ask("POST", path, urlencode(fields), Content_Type=FORM, **headers)

    def sign_in(self, user: str = "admin", password: str = "1234") -> Answer:
        """Sign in with the form."""
        self.get("/admin/login")
        answer = self.post("/admin/login", {"csrf_token": self.token, "user": user, "password": password})
        if answer.status == 303:
            self.get("/admin/dids")
        return answer

    def send(self, method: str, path: str, body: str = "{}", **headers: str) -> Answer:
        """Send what a page's script sends."""
        given = {"X_CSRF_Token": self.token, "Content_Type": "application/json", **headers}
        return self.ask(method, f"/admin/api/v1{path}", body, **given)
