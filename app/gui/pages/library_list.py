"""The list of the Library: a small plot, id and title, what it is, its lineage by indentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QModelIndex,
    QRectF,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate

from app.gui import icons
from app.gui.pages.library_thumb import draw_thumb
from app.gui.theme import BODY_PX, LABEL_PX, colour, elided, mono, sans
from app.gui.words import tool_tip
from app.library.kinds import KINDS
from models.paths import folder_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PyQt6.QtGui import QKeyEvent
    from PyQt6.QtWidgets import QStyleOptionViewItem

    from app.gui.theme import Theme
    from app.library.index import Entry, Index

ROW_PX, THUMB_PX, INDENT_PX = 56, 104, 24
ARROWS = (Qt.Key.Key_Down, Qt.Key.Key_Up)
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def said_of(entry: Entry) -> str:
    """The second line of an artefact: kind, version, time, a folder that is not named by its id.

    And what is wrong with its lineage.
    """
    version = f"version {entry.artefact.version}" if entry.artefact.version > 1 else ""
    missing = f"made from {', '.join(entry.missing)}, not in this library" if entry.missing else ""
    changed = f"{', '.join(entry.changed)} has changed since" if entry.changed else ""
    status = entry.facts.status if entry.facts.status not in ("", "done") else ""
    name, within = entry.artefact.path.name, entry.artefact.inside
    folder = f"in folder {within}/{name}" if within else f"in folder {name}"
    where = folder if name != entry.id else ""
    parts = (KINDS[entry.kind], version, status, entry.artefact.when, where, missing, changed)
    return " · ".join(part for part in parts if part)


def read_whole(index: Index) -> tuple[list[Entry], str]:
    """All entries of a library, and what it says where it has none; blocks as the disk does.

    A drive that is not there looks like a library with nothing in it.
    """
    entries, library = index.read(), index.library
    if entries:
        return entries, ""
    if gone := library.vanished():
        return [], gone
    if folder_at(library.folder):
        return [], "Nothing here yet: record something, or import measured repeats."
    drive = "bring its drive back, or record something, which makes it"
    return [], f"{library.folder} is not there: {drive}"


class EntryModel(QAbstractListModel):
    """Entries with their depth in the tree of lineage; 0 for all where it is not shown."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int, Entry]] = []

    def show_rows(self, rows: Sequence[tuple[int, Entry]]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        _, entry = self.rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{entry.id}, {entry.facts.title}, {said_of(entry)}, {entry.problem}".strip(", ")
        if role == Qt.ItemDataRole.ToolTipRole:
            return tool_tip(entry.problem or entry.note or str(entry.artefact.path))
        return None


class EntryPainter(QStyledItemDelegate):
    """Draws one entry."""

    def __init__(self, theme: Theme, model: EntryModel) -> None:
        super().__init__()
        self._theme, self._model = theme, model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(200, ROW_PX)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        if painter is None or index.row() >= len(self._model.rows):
            return
        depth, entry = self._model.rows[index.row()]
        t, box = self._theme.tokens, QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(box, colour(t.selected))
            painter.fillRect(QRectF(box.left(), box.top() + 12, 3, ROW_PX - 24), colour(t.ink))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(colour(t.ink))
            painter.drawRect(box.adjusted(0.5, 0.5, -1.5, -2.5))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), colour(t.hairline))
        left = box.left() + 12 + INDENT_PX * min(depth, 4)
        if depth:
            painter.setPen(colour(t.border))
            x, y = int(left) - 14, int(box.center().y())
            painter.drawLine(x, int(box.top()), x, y)
            painter.drawLine(x, y, x + 8, y)
        draw_thumb(painter, QRectF(left, box.top() + 8, THUMB_PX, ROW_PX - 17), t, entry)
        room = box.adjusted(left + THUMB_PX + 16 - box.left(), 0, -12, 0)
        self._words(painter, room, entry)
        painter.restore()

    def _words(self, painter: QPainter, box: QRectF, entry: Entry) -> None:
        t = self._theme.tokens
        upper = QRectF(box.left(), box.top() + 8, box.width(), 20)
        painter.setFont(mono(LABEL_PX))
        wide = painter.fontMetrics().horizontalAdvance(entry.id)
        painter.setPen(colour(t.text2))
        painter.drawText(upper, RIGHT, entry.id)
        painter.setFont(sans(BODY_PX, 500))
        painter.setPen(colour(t.text1))
        room = int(box.width()) - wide - 16
        painter.drawText(upper, LEFT, elided(entry.facts.title, painter.font(), room))
        lower = QRectF(box.left(), box.top() + 28, box.width(), 18)
        painter.setFont(sans(LABEL_PX))
        words, ink, glyph = said_of(entry), t.text2, ""
        if entry.problem:
            words, ink, glyph = f"{words} · {entry.problem}", t.fault, "fault"
        elif entry.missing or entry.changed:
            ink, glyph = t.attention, "warning"
        elif entry.note:
            words = f"{words} · {entry.note.splitlines()[0]}"
        if glyph:
            icons.draw(
                painter, glyph, QRectF(lower.left(), lower.top() + 2, 14, 14), ink, t.surface
            )
            lower.adjust(20, 0, 0, 0)
        painter.setPen(colour(ink))
        painter.drawText(lower, LEFT, elided(words, painter.font(), int(lower.width())))


class EntryList(QListView):
    """The list; arrows choose, Return and a double click open, Ctrl and Shift choose several."""

    chosen = pyqtSignal()
    opened = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.entries = EntryModel()
        self.setModel(self.entries)
        self._painter = EntryPainter(theme, self.entries)
        self.setItemDelegate(self._painter)
        self.setAccessibleName("Artefacts")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.doubleClicked.connect(lambda _: self.opened.emit())
        selection = self.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda *_: self.chosen.emit())
        theme.changed.connect(self._repaint)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
            return
        key = Qt.Key.Key_unknown if event is None else event.key()
        if key in ARROWS and self.currentIndex().isValid() and not self.selectedIndexes():
            self.setCurrentIndex(self.currentIndex())  # the framed one, before its neighbour
            return
        super().keyPressEvent(event)

    def _repaint(self) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    def show_rows(self, rows: Sequence[tuple[int, Entry]]) -> None:
        """Replace the rows; what was chosen stays chosen where it is still there."""
        paths = {entry.artefact.path for entry in self.selected()}
        bar = self.verticalScrollBar()
        at = bar.value() if bar is not None else 0
        self.entries.show_rows(rows)
        self.choose(paths)
        self.executeDelayedItemsLayout()
        if bar is not None:
            bar.setValue(at)  # read anew, the list stays where it was

    def choose(self, paths: set[Path]) -> None:
        """Choose the entries in these folders; copies of one have its id in common."""
        selection = self.selectionModel()
        rows = [
            row for row, (_, entry) in enumerate(self.entries.rows) if entry.artefact.path in paths
        ]
        if selection is None or not rows:
            return
        items = QItemSelection()
        for row in rows:
            items.select(self.entries.index(row), self.entries.index(row))
        last = self.entries.index(rows[-1])
        selection.select(items, selection.SelectionFlag.Select)  # told once, however many
        selection.setCurrentIndex(last, selection.SelectionFlag.NoUpdate)
        self.scrollTo(last)

    def selected(self) -> list[Entry]:
        """The chosen entries, uppermost first."""
        selection = self.selectionModel()
        rows = sorted(i.row() for i in selection.selectedIndexes()) if selection else []
        return [self.entries.rows[row][1] for row in rows if row < len(self.entries.rows)]
