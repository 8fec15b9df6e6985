"""A page whose plots are made behind its first paint: they take longer than a form that answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar

from PyQt6.QtCore import QTimer, pyqtSignal
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from app.gui.pages.page import Page

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

Plots = TypeVar("Plots", bound=QWidget)


class Place(QWidget):
    """Where the plots will stand; `painted` once, behind its first paint."""

    painted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._told = False
        box = self.box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        if not self._told:
            self._told = True
            QTimer.singleShot(0, self.painted.emit)


class PlottedPage(Page, Generic[Plots]):
    """Its plots are made a turn of the event loop after what they import, or when asked for.

    What is pressed meanwhile is answered between the turns.
    """

    plots_module = ""
    """What `_make_plots` imports."""
    _plots: Plots | None = None

    def _make_plots(self) -> Plots:
        """Make the plots and connect them."""
        raise NotImplementedError

    def _plots_there(self) -> None:
        """Draw on them what is known already."""

    def _place_plots(self) -> None:
        """Keep their place in the page's body."""
        self._place = Place()
        self._place.painted.connect(self._load)
        self.body.addWidget(self._place, 1)

    @property
    def plots(self) -> Plots:
        """The page's plots."""
        if self._plots is None:
            self._plots = self._make_plots()
            self._place.box.addWidget(self._plots)
            self._plots.show()  # a layout would do it a turn later
            self._plots_there()
            self.made_whole.emit()
        return self._plots

    @property
    def whole(self) -> bool:
        return self._plots is not None

    def _load(self) -> None:
        import_module(self.plots_module)
        QTimer.singleShot(0, self._fill)

    def _fill(self) -> Plots:
        return self.plots

    def copy_plots(self) -> None:
        self._fill()
        super().copy_plots()
