"""The Library's rows that find: what is searched, which kind is shown, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLineEdit

from app.gui.widgets.basic import Choice
from app.gui.widgets.segments import Segments
from app.gui.words import count
from app.library.kinds import BEGUN, SEVERAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.index import Entry

SHOWN = (
    ("everything", ""), ("recordings", "rec"), ("twins", "twin"), ("networks", "net"),
    ("deployments", "dep"), ("sweeps, comparisons", "several"), ("calibrations", "cal"),
    ("not finished", BEGUN),
)  # fmt: skip
NOTHING = "nothing fits Search and Show: clear the one, or choose everything in the other"


class FindRows(QObject):
    """`changed` when another choice of entries, or another order, is asked for."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        form.section("Find")
        self.search = QLineEdit()
        self.search.setPlaceholderText("id, title, figure, note")
        self.search.setAccessibleName("Search")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._tell)
        form.row("Search", self.search)
        self.kind = Choice(theme, SHOWN, "Kind")
        self.kind.currentIndexChanged.connect(self._tell)
        form.row("Show", self.kind)
        self.order = Segments(theme, (("Lineage", "lineage"), ("Newest", "newest")), "Order")
        self.order.chosen.connect(self._tell)
        form.row("Order", self.order)

    def _tell(self, *_: object) -> None:
        self.changed.emit()

    def clear(self) -> None:
        """Search nothing, show everything."""
        self.search.clear()
        self.kind.choose("")

    @property
    def as_tree(self) -> bool:
        """Whether each entry stands under what it was made from."""
        return bool(self.order.value == "lineage")

    def found(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the chosen kind in which every searched word is."""
        words, kind = self.search.text().lower().split(), self.kind.currentData()
        kinds = SEVERAL if kind == "several" else (kind,)
        return [
            entry
            for entry in entries
            if (not kind or entry.kind in kinds) and all(word in entry.words for word in words)
        ]

    def words(self, found: int, entries: Sequence[Entry]) -> tuple[str, str]:
        """Of so many found among all: how many there are, and how they stand."""
        number = count(len(entries), "artefact")
        order = "each under what it was made from" if self.as_tree else "newest first"
        how = order if found else NOTHING
        if broken := sum(bool(entry.problem) for entry in entries):
            how += f" · {broken} can't be read"
        return number if found == len(entries) else f"{found} of {number}", how

    def values(self) -> dict[str, Any]:
        """What comes back at the next start."""
        return {"order": self.order.value}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        self.order.choose(values.get("order"))
