"""Artefacts of a library as choices: names, folders, and why some can't be chosen; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.library_folders import Artefact


class Item(NamedTuple):
    """One to choose; with a `fault` it is shown, marked, and can't be."""

    text: str
    value: Any
    fault: str = ""

    @property
    def words(self) -> str:
        """What it is called where it is chosen."""
        return f"{self.text}, damaged" if self.fault else self.text


Offered = Item | tuple[str, Any]
"""An item, or the text and value of one without a fault."""


def items_of(found: Iterable[Artefact]) -> list[Item]:
    """An item each; a damaged one says what is wrong."""
    return [Item(one.label, one.path, one.broken) for one in found]
