"""A test that cannot run says what is missing; with CI=true that is a failure."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from ctypes.util import find_library
from typing import NoReturn

import pytest


def cannot_run(what: str) -> NoReturn:
    """End the test because *what* is missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"cannot run without {what}", pytrace=False)
    pytest.skip(f"cannot run without {what}")


def missing(reports: Iterable[pytest.TestReport]) -> Counter[str]:
    """Return what was missing, and how many tests could not run for it."""
    found = (re.search("cannot run without (.+)", _reason(report)) for report in reports)
    return Counter(match[1] for match in found if match)


def _reason(report: pytest.TestReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext


def program(name: str, package: str) -> str:
    """Return the path of the program *name* of Debian's package *package*."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return found or cannot_run(f"the program {name} (Debian package {package})")


def library(name: str, package: str) -> None:
    """Go on if there is the shared library *name* of Debian's package *package*."""
    if find_library(name) is None:
        cannot_run(f"the library {name} (Debian package {package})")
