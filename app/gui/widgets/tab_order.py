"""Tab goes as the eyes do: down the form, to its button, along the header, through the plots.

Qt's own order is that in which widgets were made: a form's button came before its entries, and a
recording's tick after everything else.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QScrollArea, QWidget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PyQt6.QtWidgets import QLayout


def focusable(layout: QLayout | None) -> Iterator[QWidget]:
    """What Tab comes to in a layout, hidden ones too, in the order in which it stands there."""
    for at in range(layout.count() if layout is not None else 0):
        item = layout.itemAt(at) if layout is not None else None
        widget = item.widget() if item is not None else None
        if isinstance(widget, QScrollArea):
            widget = widget.widget()  # what lies in it: the area itself shows no focus
        if widget is not None:
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
                yield widget
            yield from focusable(widget.layout())
        elif item is not None:
            yield from focusable(item.layout())


def chain(widgets: Sequence[QWidget]) -> None:
    """Let Tab go from each to the next."""
    for one, other in pairwise(widgets):
        QWidget.setTabOrder(one, other)
