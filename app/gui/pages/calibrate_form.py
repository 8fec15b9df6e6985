"""The form of the Calibrate page: which magnet, by which probe, walked how; what may go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.calibration_store import FILE_NAME, Stored, last_calibration
from app.gui.background import Reading
from app.gui.widgets.basic import Choice, Tick, row
from app.gui.widgets.number_entry import WholeEntry
from app.operations.calibrate_begin import kept_plan
from app.store import read_recording
from instruments.calibration_walk import BRANCHES, CalibrationPlan
from models.errors import TwinrigError
from models.paths import file_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.library import Library
    from instruments.bench_spec import BenchSpec
    from instruments.limits import LimitedMagnet
    from models.recording import Recording

LOOKED_AT = 12  # of the newest calibrations: an older one is not gone on with by a tick


@dataclass(frozen=True)
class Unfinished:
    """A calibration that was cut short: where, how it was asked for, and what is kept of it."""

    path: Path
    plan: CalibrationPlan
    magnet: str
    teslameter: str
    kept: Recording = field(compare=False)

    @property
    def branches(self) -> int:
        """The complete ones."""
        return int(self.kept.complete.sum())


def cut_short(library: Library, bench: str, supplies: Mapping[str, str]) -> Unfinished | None:
    """The newest calibration of a bench, where it did not come to its end; None otherwise.

    One of a magnet behind another supply (`supplies`: identities by magnet, as far as they are
    known) is of another bench of that name.
    """
    for artefact in library.artefacts("cal")[:LOOKED_AT]:
        if artefact.broken:
            continue  # the Library page says what is wrong with it
        if file_at(artefact.path / FILE_NAME):
            if artefact.head.get("bench") == bench:
                return None
            continue
        try:
            plan, magnet, meter = kept_plan(artefact.path)
            recording = read_recording(artefact.path)
        except TwinrigError:
            continue
        known = recording.identities.get(magnet)
        if known != supplies.get(magnet, known):
            continue
        if recording.meta.get("bench") == bench and recording.status != "running":
            return Unfinished(artefact.path, plan, magnet, meter, recording)
    return None


class CalibrateForm:
    """The rows of the form and what they say; `changed` is called with every change."""

    def __init__(
        self, theme: Theme, form: Form, spec: BenchSpec, changed: Callable[[], None]
    ) -> None:
        self._spec = spec
        self.unfinished: Unfinished | None = None
        self._changed, self._library = changed, Reading(form)
        self._library.done.connect(self._offered)
        form.section("Magnet and probe")
        driven = spec.rotation.magnets if spec.rotation is not None else (spec.drive_magnet,)
        self.magnet = Choice(theme, [(name, name) for name in driven], "Magnet")
        self.meter = Choice(theme, [(name, name) for name in spec.teslameters], "Teslameter")
        form.row("Magnet", self.magnet)
        form.row("Teslameter", self.meter)
        self.says = form.fact("Bench file, mT/A")
        self.last = form.fact("Last one, mT/A")
        self._walk(form)
        form.section("Before it is energised")
        self.ready = Tick(theme, "Probe in the gap, hands out", "the field goes up and down")
        self.go_on = Tick(theme, "Go on with the last one", "cut short")
        self.go_on.hide()
        for tick in (self.ready, self.go_on):
            form.widget(tick)
            tick.toggled.connect(changed)
        for choice in (self.magnet, self.meter):
            choice.currentIndexChanged.connect(self.ask_anew)
            choice.currentIndexChanged.connect(changed)
        for entry in self.entries.values():
            entry.valueChanged.connect(changed)

    def _walk(self, form: Form) -> None:
        usual = CalibrationPlan()
        form.section("Walk")
        self.entries = {
            "points": WholeEntry(usual.points, 5, 2001, "a branch", "Points"),
            "share": WholeEntry(round(100 * usual.share), 1, 100, "% of limit", "Highest current"),
            "settle": WholeEntry(round(1e3 * usual.settle_s), 0, 600_000, "ms", "Settle"),
            "readings": WholeEntry(usual.readings, 1, 1000, "×", "Readings"),
        }
        for name in ("points", "share"):
            form.row(self.entries[name].accessibleName(), self.entries[name])
        form.row("Settle, readings", row(self.entries["settle"], self.entries["readings"]))
        self.range = form.fact("Up and down")

    @property
    def names(self) -> tuple[str, str | None]:
        """Magnet and teslameter as chosen; None where the bench has no teslameter."""
        meter = self.meter.currentData()
        return str(self.magnet.currentData()), None if meter is None else str(meter)

    @property
    def bench_says(self) -> float:
        """The bench file's tesla per ampere of the chosen magnet."""
        return self._spec.magnets[self.names[0]].limits.tesla_per_ampere

    @property
    def going_on(self) -> Unfinished | None:
        """The calibration to go on with, where that is ticked."""
        return self.unfinished if self.go_on.isChecked() else None

    @property
    def plan(self) -> CalibrationPlan:
        """The walk as entered, or of the calibration to go on with."""
        if self.going_on is not None:
            return self.going_on.plan
        value = {name: entry.value() for name, entry in self.entries.items()}
        return CalibrationPlan(
            value["points"], value["share"] / 100, value["settle"] / 1e3, value["readings"]
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Points of each branch."""
        points = self.plan.points
        return (points + 1) // 2, points, points

    def ask_anew(self, *_: object) -> None:
        """Where the probe is, and where the hands are, was said of what was about to run."""
        self.ready.setChecked(False)

    def offer(self, library: Library, supplies: Mapping[str, str]) -> None:
        """What the library has, looked up beside the window: the last one, one cut short.

        `supplies`: the identities of the magnets' supplies, as far as they are known.
        """
        name, magnet = self._spec.name, self.names[0]
        self.says.setText(f"{1e3 * self.bench_says:.5g}")
        beside, supply = library.folder / "new", supplies.get(magnet, "")
        self._library.ask(
            lambda: (
                last_calibration(beside, name, magnet, supply),
                cut_short(library, name, supplies),
            )
        )

    def _offered(
        self, found: tuple[Stored | None, Unfinished | None] | None, error: Exception | None
    ) -> None:
        last, self.unfinished = found or (None, None)
        words = "none in the library" if error is None else f"not read: {error}"
        if last is not None:
            words = f"{1e3 * last.calibration.tesla_per_ampere:.5g}, {last.created[:10]}"
        self.last.setText(words)
        self.go_on.setVisible(self.unfinished is not None)
        if self.unfinished is None:
            self.go_on.setChecked(False)
        else:
            left = f"{self.unfinished.branches} of {len(BRANCHES)} branches kept"
            self.go_on.set_note(f"{left}, {self.unfinished.path.name}")
        self._changed()

    def lock(self, *, running: bool = False) -> None:
        """What runs, or goes on, is walked as it was begun: nothing to be chosen then."""
        going_on = self.going_on
        for control in (*self.entries.values(), self.magnet, self.meter):
            control.setEnabled(going_on is None and not running)
        self.go_on.setEnabled(not running)
        if going_on is not None:
            self.magnet.choose(going_on.magnet)
            self.meter.choose(going_on.teslameter)

    def show_range(self, magnet: LimitedMagnet) -> float:
        """Say how far it goes; returns the highest current in A."""
        top_A = self.plan.share * magnet.limits.highest_A
        top_mT = 1e3 * top_A * abs(magnet.limits.tesla_per_ampere)
        self.range.setText(f"±{top_A:.4g} A, ±{top_mT:.4g} mT")
        return top_A

    def values(self) -> dict[str, Any]:
        """What comes back at the next start."""
        return {name: entry.value() for name, entry in self.entries.items()}

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        for name, entry in self.entries.items():
            if isinstance(values.get(name), int):
                entry.setValue(values[name])
