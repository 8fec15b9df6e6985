"""pyqtgraph's arrays of what a painter draws, with views that are made once.

Decision: PyQt6-sip (13.13 at least) never frees a `sip.array` object, 72 bytes each, and pyqtgraph
(0.14) slices a new one at each paint of dots, bars or thick lines that are fewer than were drawn
before. At 30 frames a second that is 60 MB a night for each item. A view shows whatever the memory
below it holds now, so one for each number of items is enough. More memory comes by doubling: dots
that grow in number by one each would otherwise leave a hole in the heap at each.
"""

from __future__ import annotations

from typing import Any

from pyqtgraph.Qt import internals

_PrimitiveArray: Any = internals.PrimitiveArray


class DrawnArray(_PrimitiveArray):  # type: ignore[misc]
    """Keeps the views of its memory, by their length, until it needs more memory."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._views: dict[int, Any] = {}
        super().__init__(*arguments, **options)

    def resize(self, size: int) -> None:
        if size > self._capa:
            self._views.clear()
            super().resize(1 << (int(size) - 1).bit_length() if size else 0)  # may be numpy's
        super().resize(size)

    def instances(self) -> Any:
        if self._size not in self._views:
            self._views[self._size] = super().instances()
        return self._views[self._size]


def keep_views() -> None:
    """Have pyqtgraph's items, those that are made from now on, use it."""
    internals.PrimitiveArray = DrawnArray
