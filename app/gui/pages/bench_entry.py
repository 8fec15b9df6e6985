"""The entry for benches of a network's other devices, on the pages that play one or will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QLineEdit

from app.gui.preflight_several import others_of, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instruments.bench_spec import BenchSpec
    from models.network import Device


class BenchEntry(QLineEdit):
    """Bench files with `;` between them, of the devices that the window's bench isn't."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: tuple[Device, ...] = ()
        self.setAccessibleName("Benches of its other devices")
        self.setPlaceholderText("other.toml")
        self.setToolTip(
            "Bench files of the devices that this window's bench isn't, with ; between; they are "
            "connected for the run alone, and one plays at a time"
        )

    def offer(self, devices: Sequence[Device], here: BenchSpec) -> None:
        """Of other devices than before: the built-in rigs that they were recorded on."""
        if tuple(devices) != self.devices:
            self.devices = tuple(devices)
            self.setText(others_of(devices, here))
            self.setCursorPosition(0)  # where it has no room, its beginning is seen

    @property
    def further(self) -> tuple[str, ...]:
        """Bench files, or words of built-in rigs; none where one bench plays all."""
        return parts(self.text()) if len(self.devices) > 1 else ()
