from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.gui.stylesheet import stylesheet
from app.gui.theme import BODY_PX, DARK, LIGHT, Theme, Tokens, elided, mono, pen, qpalette, sans
from app.gui.widgets.status import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable


def luminance(name: str) -> float:
    channels = [int(name[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
class TestContrast:
    @pytest.mark.parametrize("trace", ["field", "measured", "twin", "negative", "ink"])
    def test_a_trace_stands_out_from_the_plot(self, tokens: Tokens, trace: str) -> None:
        assert contrast(getattr(tokens, trace), tokens.surface) >= 3.0

    @pytest.mark.parametrize("place", ["surface", "window", "rail", "entry"])
    def test_text_is_readable_everywhere(self, tokens: Tokens, place: str) -> None:
        assert contrast(tokens.text1, getattr(tokens, place)) >= 7.0
        assert contrast(tokens.text2, getattr(tokens, place)) >= 4.5

    def test_an_id_can_be_read_on_the_page_and_below_it(self, tokens: Tokens, qtbot: Any) -> None:
        theme = Theme("light" if tokens is LIGHT else "dark")
        rule = next(
            line for line in stylesheet(tokens, mono().family()).splitlines() if '"id"' in line
        )
        ink = re.findall(r"#[0-9A-Fa-f]{6}", rule)[-1]
        line = StatusLine(theme)
        qtbot.addWidget(line)
        line.resize(800, 32)
        line.say_right("", "rec-20261202T012842-f2")
        seen = line.grab().toImage()
        drawn = {seen.pixelColor(x, y).name() for x in range(640, 784) for y in range(8, 24)}
        most = max(contrast(one, tokens.window) for one in drawn)
        for found in (most, contrast(ink, tokens.surface), contrast(ink, tokens.window)):
            assert found >= 4.5

    def test_warnings_are_readable_on_their_own_ground(self, tokens: Tokens) -> None:
        assert contrast(tokens.attention, tokens.attention_fill) >= 4.5
        assert contrast(tokens.fault, tokens.fault_fill) >= 4.5
        assert contrast("#FFFFFF", tokens.stop) >= 4.5

    def test_what_is_chosen_is_ink_not_an_accent(self, tokens: Tokens) -> None:
        shown = qpalette(tokens).color(QPalette.ColorRole.Highlight).name().upper()
        assert shown == tokens.ink


def test_pens_keep_their_width_and_the_twin_is_dashed() -> None:
    assert pen(LIGHT.twin, 1.6, dashed=True).dashPattern() != []
    assert pen(LIGHT.field, 1.5).widthF() == 1.5
    assert pen(LIGHT.field, 1.5).isCosmetic()


def test_a_line_is_as_wide_to_the_eye_on_a_screen_at_200_percent() -> None:
    """Its width in the screen's dots; Qt does not scale a cosmetic pen."""
    code = (
        "from PyQt6.QtWidgets import QApplication; app = QApplication([]); "
        "from app.gui.theme import LIGHT, pen; print(pen(LIGHT.field, 1.5).widthF()); "
        "from app.gui.leaving import leave; leave(0)"
    )
    scaled = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    told = subprocess.run(
        [sys.executable, "-c", code], env=scaled, check=True, capture_output=True, text=True
    )
    assert float(told.stdout) == 3.0


def test_an_id_without_room_keeps_what_tells_it_from_others(qapp) -> None:
    ids = [f"twin-20260102T030405-{end}" for end in ("9f3a1c", "77b0e2")]
    font = sans(BODY_PX)
    assert [elided(one, font, 133) for one in ids] == ["twin…9f3a1c", "twin…77b0e2"]
    assert elided(ids[0], font, 400) == ids[0]
    assert elided(f"Go on with {ids[0]}", font, 180) == "Go on with twin…9f3a1c"
    assert elided("a name without a time in it", font, 60).endswith("…")
    cut = {elided(f"Recording {ids[0]}", font, wide) for wide in range(40, 300)}
    assert "Recording twin…" in cut
    assert not any("……" in one for one in cut)
    assert elided("a folder's\nname", font, 400) == "a folder's name"
    assert len(elided("n" * 60_000, font, 400)) < 200


def test_a_theme_can_be_changed_while_the_window_runs(qapp) -> None:
    theme = Theme("light")
    theme.apply(qapp)
    told = []
    theme.changed.connect(lambda: told.append(theme.tokens))
    theme.apply(qapp, "dark")
    assert told == [DARK]
    theme.apply(qapp, "light")


def test_another_theme_takes_less_than_a_sheet_in_place_of_another(qapp, qtbot) -> None:
    """The window can't be used, nor stopped by, while it is dressed anew."""
    theme = Theme("light")
    theme.apply(qapp)
    whole = QWidget()
    qtbot.addWidget(whole)
    inside = whole
    for _ in range(8):  # as deep as entries of a form lie
        layout, outer = QVBoxLayout(inside), inside
        inside = QWidget()
        layout.addWidget(inside)
        for number in range(60):
            QPushButton(f"{number}", outer)
    whole.show()

    def over(tokens: Tokens) -> None:
        qapp.setStyleSheet(stylesheet(tokens, mono().family()))

    def took(change: Callable[[Any], None], *values: Any) -> float:
        seconds = []
        for value in values * 2:
            began = time.perf_counter()
            change(value)
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    assert took(lambda mode: theme.apply(qapp, mode), "dark", "light") < took(over, DARK, LIGHT)
