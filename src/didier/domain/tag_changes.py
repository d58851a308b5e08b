"""Tags that DIDs get and lose, whatever other tags each of them has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from didier import characters
from didier.domain import fields
from didier.domain.fields import TAG_LONGEST, TAGS_LONGEST
from didier.errors import InvalidField

_SHOWN = 100
"""Characters of tags that are shown of a refusal, whose beginning is stored."""


@dataclass(frozen=True, slots=True)
class TagChanges:
    """Tags to be *added* and *removed*, in whatever case; one that is both is there afterwards."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "TagChanges":
        """Return what `options` has stored."""
        return cls(tuple(options.get("add_tags", ())), tuple(options.get("remove_tags", ())))

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    @property
    def options(self) -> dict[str, Sequence[str]]:
        """What batches store of it."""
        named = {"add_tags": self.added, "remove_tags": self.removed}
        return {name: tags for name, tags in named.items() if tags}

    def problem(self) -> InvalidField | None:
        """Say what is wrong with the tags by themselves."""
        return next(self._problems(), None)

    def _problems(self) -> Iterator[InvalidField]:
        for name, tags in self.options.items():
            for tag in tags:
                if allowed := _refused(tag):
                    yield InvalidField(name, tag, allowed)
            if len(together := ",".join(tags)) > TAGS_LONGEST:
                yield InvalidField(name, together, f"{TAGS_LONGEST} characters in all")

    def values(self, values: Mapping[str, str | None], row: Mapping[str, Any]) -> Mapping[str, str | None]:
        """Return *values* with the tags that the DID of *row* will have."""
        return {**values, "tags": self._applied(str(row.get("tags") or ""))} if self else values

    def told(self, refused: InvalidField) -> InvalidField:
        """Return why a DID is *refused*: of too many tags those that were added are named, not all."""
        if not self.added or refused.field != "tags":
            return refused
        added = ",".join(self.added)
        shown = added if len(added) <= _SHOWN else f"{added[:_SHOWN]}…"
        return InvalidField("add_tags", shown, f"{TAGS_LONGEST} characters with the other tags of the DID")

    def _applied(self, tags: str) -> str:
        gone = {_plain(tag).casefold() for tag in self.removed}
        left = [tag for tag in tags.split(",") if tag.casefold() not in gone]
        return fields.tidy_tags(",".join([*left, *self.added]))


def _plain(tag: str) -> str:
    return " ".join(tag.split())


def _refused(tag: str) -> str | None:
    if "," in tag or not 1 <= len(_plain(tag)) <= TAG_LONGEST:
        return f"a tag of 1 to {TAG_LONGEST} characters without commas"
    return characters.refused(tag)


NO_TAGS = TagChanges()
"""Tags stay as they are."""
