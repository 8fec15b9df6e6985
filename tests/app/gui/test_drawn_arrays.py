"""Dots that are painted for a night: nothing is left behind by a frame."""

from __future__ import annotations

import gc
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QApplication

from app.gui.theme import Theme
from app.gui.widgets.drawn_arrays import DrawnArray
from app.gui.widgets.panel import Panel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

WINDOWS, FRAMES = 6, 100  # caches fill in the first of them


def test_a_frame_of_fewer_dots_than_before_leaves_nothing_behind(qtbot: QtBot) -> None:
    panel = Panel(Theme("light"), "Dots")
    qtbot.addWidget(panel)
    panel.resize(300, 200)
    dots = panel.dots("measured")
    rng = np.random.default_rng(0)
    panel.plot.setXRange(0, 50)
    panel.plot.setYRange(-1, 2)
    panel.show()

    def frames(number: int) -> int:
        for _ in range(number):
            dots.setData(x=np.arange(10), y=rng.random(10))
            panel.grab()
            QApplication.processEvents()
        gc.collect()
        return sys.getallocatedblocks()

    dots.setData(x=np.arange(50), y=np.zeros(50))
    panel.grab()
    seen = [frames(FRAMES) for _ in range(WINDOWS)]
    grown = [after - before for before, after in pairwise(seen)]
    assert min(grown) < FRAMES // 2, grown  # with pyqtgraph's own arrays two a frame, in each


def test_a_view_is_of_its_length_and_shows_what_the_memory_holds_now(qtbot: QtBot) -> None:
    array = DrawnArray(QPainter.PixmapFragment, 10)
    array.resize(5)
    array.resize(3)
    first = array.instances()
    array.ndarray()[:, 0] = 7.0
    array.resize(5)
    assert len(array.instances()) == 5
    array.resize(3)
    assert array.instances() is first
    assert [one.x for one in first] == [7.0, 7.0, 7.0]
    array.resize(9)  # more memory than its 8: the old view is let go
    array.resize(3)
    assert array.instances() is not first
    array.ndarray()[:, 0] = 9.0
    assert array.instances()[2].x == 9.0
    array.resize(np.int64(17))  # pyqtgraph counts the segments of a broken line so
    assert len(array.instances()) == 17
