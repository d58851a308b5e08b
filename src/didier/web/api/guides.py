"""The guides and references at ``/docs/guide/…``, as pages that need no internet."""

import html
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

FOLDERS = ("guide", "reference", "tutorial")
"""The folders of the documentation that are served; a link to another one is its text."""

_POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
}
_NAME = re.compile(r"[a-z-]+", re.ASCII)
_LINK = re.compile(r"(?:\.\./(?P<folder>[a-z]+)/)?(?P<name>[a-z-]+)\.md(?P<anchor>#.*)?", re.ASCII)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} · Didier</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; --line: #d5dbe3; --soft: #f1f4f8; --link: #0558a8; }}
@media (prefers-color-scheme: dark) {{ :root {{ --line: #3a4557; --soft: #1c2635; --link: #7cb8ff; }} }}
body {{ font: 1rem/1.6 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; max-width: 52rem;
  margin: 0 auto; padding: 1rem 1.25rem 4rem; overflow-wrap: break-word; }}
h1, h2, h3 {{ line-height: 1.25; margin: 2rem 0 .75rem; }}
a {{ color: var(--link); }}
code, pre {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; background: var(--soft);
  border-radius: 4px; }}
code {{ padding: .1em .3em; }}
pre {{ padding: .75rem 1rem; overflow-x: auto; }}
pre code {{ padding: 0; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
<nav aria-label="Documentation"><a href="/admin">Panel</a> · <a href="/docs/guide/panel">The admin panel</a>
· <a href="/docs/guide/running">Running Didier</a> · <a href="/docs">JSON API</a></nav>
<main>
{body}
</main>
</body>
</html>
"""


def page(request: Request) -> Response:
    """Return a guide, or say that there is none of this name."""
    folder, name = request.path_params["folder"], request.path_params["name"]
    text = _text(folder, name) if folder in FOLDERS and _NAME.fullmatch(name) else None
    if text is None:
        return PlainTextResponse("There is nothing at this address.\n", 404, _POLICY)
    return HTMLResponse(_page(folder, text), headers=_POLICY)


def _root() -> Traversable:
    """Return where the documentation is: in the package when it is installed, else in the checkout."""
    package = files("didier")
    inside = package.joinpath("docs")
    return inside if inside.is_dir() else Path(str(package)).parents[1].joinpath("docs")


def _text(folder: str, name: str) -> str | None:
    file = _root().joinpath(folder, f"{name}.md")
    return file.read_text("utf-8") if file.is_file() else None


@cache
def _page(folder: str, text: str) -> str:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following:
            token.attrSet("id", slug(following.content))
        elif token.type == "inline":
            token.children = _inline(token.children or [], folder)
    body = markdown.renderer.render(tokens, markdown.options, {})
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    title = next((one.content for one in tokens if one.type == "inline"), "")
    return _PAGE.format(title=html.escape(title), body=body)


def _inline(tokens: list[Token], folder: str) -> list[Token]:
    """Return *tokens* with links to the pages that are served, and without pictures and other links."""
    kept, open_links = [], []
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")), folder)
            open_links.append(target)
            token.attrSet("href", target or "")
        if token.type == "image" or (token.type == "link_open" and not open_links[-1]):
            continue
        if token.type == "link_close" and not open_links.pop():
            continue
        kept.append(token)
    return kept


def _target(href: str, folder: str) -> str | None:
    """Return where a link leads here; None where it leads to what is not served."""
    if href.startswith(("#", "https://", "http://")):
        return href
    found = _LINK.fullmatch(href)
    if not found:
        return None
    where = found["folder"] or folder
    return f"/docs/{where}/{found['name']}{found['anchor'] or ''}" if where in FOLDERS else None


def slug(heading: str) -> str:
    """Return the anchor of *heading*, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
