"""Calibrations in a report: tesla per ampere, offset and hysteresis, beside the bench file's."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.calibration_store import load_calibration
from app.words import MISSING, signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.calibration_store import Stored
    from app.report.page import Page

ROWS = (
    ("tesla_per_ampere", "slope", "T/A"),
    ("offset_T", "offset at zero current", "T"),
    ("hysteresis_T", "widest between the branches", "T"),
    ("remanence_T", "half the width at zero current", "T"),
    ("residual_T", "distance of all points from the line (root mean square)", "T"),
    ("bend_T", "largest bend away from the line", "T"),
)


def section(page: Page, calibrations: Sequence[Path]) -> list[str]:
    """Add a table a calibration; returns a sentence of each.

    Raises
    ------
    InputError
        One is damaged.
    """
    said = []
    for path in calibrations:
        stored = load_calibration(path)
        page.heading(f"Calibration {page.named(path)}")
        page.text(
            f"Magnet {stored.magnet} of {stored.bench} by teslameter {stored.teslameter}, "
            f"{stored.created}."
        )
        found = asdict(stored.calibration)
        rows = []
        for name, words, unit in ROWS:
            error = found.get(f"{name}_error")
            known = MISSING if error is None else f"{error:.1g} {unit}"
            digits = 5 if unit == "T/A" else 3
            rows.append([words, f"{found[name]:.{digits}g} {unit}", known])
        page.table(["of the field over the current", "value", "standard error"], rows)
        said.append(_sentence(stored))
    return said


def _sentence(stored: Stored) -> str:
    found, says = stored.calibration, stored.bench_tesla_per_ampere
    measured = f"{found.tesla_per_ampere:.5g} ± {found.tesla_per_ampere_error:.1g} T/A"
    off = f" ({signed(100 * found.share_off(says))} %)" if found.differs(says) else ", which agrees"
    return f"Magnet {stored.magnet}: measured {measured}; the bench file said {says:.5g} T/A{off}."
