"""What is made when it is first asked for."""

import asyncio
import subprocess
import sys

from didier.web.later import Later


def test_it_is_made_once():
    """Those who ask at the same time, and later, get the same."""
    made = []

    def make():
        made.append(object())
        return made[-1]

    async def ask():
        later = Later(make)
        return [*await asyncio.gather(later.get(), later.get()), await later.get()]

    got = asyncio.run(ask())

    assert made * 3 == got
    assert 1 == len(made)


def test_the_start_waits_for_no_framework():
    """What serves the Non-Agent API imports neither the JSON API's framework nor the panel's."""
    imports = "import sys, didier.cli.local.serving; print({'fastapi', 'starlette_admin'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, check=True)

    assert "set()\n" == done.stdout
