"""The objectives that a user is offered are those that a fit knows."""

from __future__ import annotations

import re

from app.cli.compare import OBJECTIVES
from app.gui.pages.twin_rows import OFFERED
from training.objectives import NAMES


def test_the_command_line_names_every_objective() -> None:
    assert {*re.split(r", ", OBJECTIVES), "mean"} == set(NAMES)


def test_the_window_offers_all_of_them_the_usual_one_first() -> None:
    assert OFFERED[0][1] == "energy"
    assert {name for _, name in OFFERED} == set(NAMES)
