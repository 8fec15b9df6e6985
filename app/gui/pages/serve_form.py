"""The form of the page that serves a virtual rig: device, instruments, where it listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QLineEdit

from app.gui.new_file import NewFile
from app.gui.pages.network_menus import TicksButton
from app.gui.serve_asks import HIGHEST_PORT, ServeAsk
from app.gui.widgets.basic import Choice
from app.gui.widgets.number_entry import WholeEntry
from instruments.virtual.devices import DEVICES
from instruments.virtual.models import MODELS, READOUTS, SUPPLIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form

WHOLE = ("seed", "accelerate", "port")
CHOICES = ("device", "supply", "readout")


class ServeForm:
    """The rows of the form; `changed` is called with every change."""

    def __init__(
        self, theme: Theme, form: Form, folder: Path, changed: Callable[..., None]
    ) -> None:
        usual = ServeAsk()
        form.section("Device")
        self.device = _choice(theme, DEVICES, usual.device, "Device")
        self.seed = WholeEntry(usual.seed, 0, 2**31 - 1, "", "Seed of the device")
        form.row("Device", self.device)
        form.row("Seed", self.seed)
        form.section("Instruments")
        self.supply = _choice(theme, SUPPLIES, usual.supply, "Supply")
        self.readout = _choice(theme, READOUTS, usual.readout, "Read-out")
        self.others = TicksButton(
            "Further instruments", "They stand beside the device: another supply with a coil of "
            "its own, a read-out with an open input, a probe in the first coil",
            ("none", "{} more"),
        )  # fmt: skip
        self.others.offer([(name, name) for name in MODELS])
        form.row("Supply", self.supply)
        form.row("Read-out", self.readout)
        form.row("Further ones", self.others)
        form.section("Where it listens")
        self.port = WholeEntry(usual.port, 0, HIGHEST_PORT, "", "First port")
        self.port.setSpecialValueText("free ones")
        self.port.setToolTip("Of the first instrument; the others follow")
        self.accelerate = WholeEntry(usual.accelerate, 1, 1_000_000, "×", "Waits shorter")
        self.accelerate.setToolTip("Device time against the clock on the wall; 1: as a real rig")
        self.bench = QLineEdit()
        self.file = NewFile(self.bench, str(usual.bench))
        self.file.offer(folder / usual.bench)
        self.bench.setAccessibleName("New bench file")
        self.bench.setToolTip("Reaches this rig; never written over another file")
        form.row("First port", self.port)
        form.row("Faster", self.accelerate)
        form.row("Bench file", self.bench)
        self._controls = [*(getattr(self, name) for name in (*CHOICES, *WHOLE)), self.others]
        for name in CHOICES:
            getattr(self, name).currentIndexChanged.connect(changed)
        for name in WHOLE:
            getattr(self, name).valueChanged.connect(changed)
        self.others.changed.connect(changed)
        self.bench.textChanged.connect(changed)
        self.file.changed.connect(changed)

    def ask(self) -> ServeAsk:
        """What the form asks for."""
        device, supply, readout = (str(getattr(self, name).currentData()) for name in CHOICES)
        others = tuple(name for name in self.others.chosen if name not in (supply, readout))
        return ServeAsk(
            device, supply, readout, others, self.seed.value(), self.accelerate.value(),
            self.port.value(), self.file.path,
        )  # fmt: skip

    def lock(self, *, running: bool) -> None:
        """What runs can't be changed; a new one has a bench file of its own."""
        for control in (*self._controls, self.bench):
            control.setEnabled(not running)

    def renew(self) -> None:
        """Another name for the next bench file, where this one is taken by now."""
        self.file.look_again()
        self.file.offer(self.file.path)

    def values(self) -> dict[str, Any]:
        """What comes back at the next start."""
        made = {name: getattr(self, name).currentData() for name in CHOICES}
        made |= {name: getattr(self, name).value() for name in WHOLE}
        return {**made, "others": list(self.others.chosen)}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        for name in CHOICES:
            getattr(self, name).choose(values.get(name))
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
        if isinstance(values.get("others"), list):
            self.others.choose([name for name in values["others"] if name in MODELS])


def _choice(theme: Theme, names: Sequence[str] | Any, chosen: str, title: str) -> Choice:
    made = Choice(theme, [(name, name) for name in names], title)
    made.choose(chosen)
    return made
