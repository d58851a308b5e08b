"""Templates of descriptions: ``Sales {target}``, with fields of the source and of the target's own row."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from didier import characters
from didier.errors import InvalidField

LONGEST = 255
"""Most characters of a template."""

OWN_NAMES = ("target", "source")
"""The names that every template may use besides columns: the new number, and the DID that is copied."""

_PART = re.compile(r"\{\{|\}\}|\{(\w+)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with names in braces; doubled braces stand for themselves."""

    text: str

    @property
    def names(self) -> frozenset[str]:
        """The names that are used."""
        return frozenset(found[1] for found in _PART.finditer(self.text) if found[1])

    def problem(self, known: Collection[str]) -> InvalidField | None:
        """Say what is wrong with the template when *known* are the names that may be used."""
        if len(self.text) > LONGEST:
            return InvalidField("description_template", self.text[:50], f"up to {LONGEST} characters")
        if allowed_text := characters.refused(self.text):
            return InvalidField("description_template", self.text, allowed_text)
        if any(found[0] in {"{", "}"} for found in _PART.finditer(self.text)):
            return InvalidField("description_template", self.text, "braces only around names")
        allowed = {*OWN_NAMES, *known}
        for name in sorted(self.names - allowed):
            return InvalidField("description_template", f"{{{name}}}", f"one of {', '.join(sorted(allowed))}")
        return None

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text with the value of each name; what has no value is left out."""

        def part(found: re.Match[str]) -> str:
            if found[1]:
                value = values.get(found[1])
                return "" if value is None else str(value)
            return found[0][0]

        return " ".join(_PART.sub(part, self.text).split())
