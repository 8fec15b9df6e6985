"""The form of the Network page: task, twin, layout, training or the comparison table."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from app.gui.network_asks import BEGUN, SWEEP, TABLE, TRAIN
from app.gui.offered import items_of
from app.gui.pages.bench_entry import BenchEntry
from app.gui.pages.network_menus import LayerTwins, TicksButton
from app.gui.pages.network_task_rows import TaskRows
from app.gui.sweep_asks import tasks_of
from app.gui.widgets.basic import Choice, Tick, row
from app.gui.widgets.number_entry import WholeEntry
from app.gui.widgets.segments import Segments
from app.operations.compare_networks_plan import KINDS as OF_NETWORK
from app.operations.compare_networks_plan import NOISE_AWARE
from app.operations.sweep_grid import NOT_SEED
from app.train_request import TrainOptions
from app.weights_store import SO_FAR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PyQt6.QtWidgets import QWidget

    from app.gui.begun import Begun
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.library.folders import Artefact
    from app.session import Session
    from instruments.bench_spec import BenchSpec
    from models.network import Device

KINDS = (("Train", TRAIN), ("Kinds", TABLE), ("Sweep", SWEEP), ("Go on", BEGUN))
NOTES = {
    TRAIN: "one network, or seeds", TABLE: "noise-aware and others", SWEEP: "a grid, in a pool",
    BEGUN: "what ended early",
}  # fmt: skip
WHOLE = ("iterations", "seed", "seeds", "folds")
TEXTS = ("layers", "wiring", "taps", "workers", "workers_again", "more", "results")
MORE_TIP = "NAME=VALUE with spaces between, of a training's: " + ", ".join(
    dict.fromkeys((*NOT_SEED, *(one.name for one in fields(TrainOptions))))
)
SEVERAL = "several with ; between"


class NetworkForm(TaskRows):
    """Rows of the page's form; `changed` when any value has changed."""

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(theme, form)
        self.unfinished: list[Begun] = []
        self.networks: dict[Path, Artefact] = {}
        self.twin_heads: dict[Path, dict[str, Any]] = {}
        self._network_rows()
        self._training_rows()
        self._choose(TRAIN)
        for name in WHOLE:
            getattr(self, name).valueChanged.connect(self._tell)
        for name in (*TEXTS, "options", "benches"):
            getattr(self, name).textChanged.connect(self._tell)
        self.cascade.toggled.connect(self._tell)
        for button in (self.ensemble, self.kinds, self.layer_twins, self.deterministic):
            button.changed.connect(self._tell)
        for choice in (self.twin, self.measure, self.origin, self.which):
            choice.currentIndexChanged.connect(self._tell)

    def _network_rows(self) -> None:
        self.note = self._form.section("Network")
        self.twin = Choice(self._theme, (), "Twin")
        self.layers = self._text("16, 16, 16", "Layers")
        self.wiring = self._text("forward", "Wiring")
        self.wiring.setToolTip("forward, skip, or such as 2:in,1 3:2,1@4")
        self.taps = self._text("0", "Taps: delays in steps")
        self.taps.setToolTip("Layers and read-out see their sources as they were so many steps ago")
        self.ensemble = TicksButton(
            "Further twins", "Of the same device: noise is drawn through all of them, and the "
            "interval holds their bias; in a sweep each is a value of the grid",
            ("none", "{} more"),
        )  # fmt: skip
        self.taps.setFixedWidth(84)
        self._form.row("Twin", self.twin)
        self._further = self._form.row("Further twins", self.ensemble)
        self._form.row("Layers", self.layers)
        self.layer_twins = LayerTwins()
        self._add((TRAIN, TABLE, SWEEP), "Twins by layer", self.layer_twins)
        self._form.row("Wiring, taps", row(self.wiring, self.taps))

    def _training_rows(self) -> None:
        self.work_note = self._form.section("Work")
        self.kind = Segments(self._theme, KINDS, "What to do")
        self.kind.chosen.connect(self._choose)
        self._form.widget(self.kind)
        self.iterations = WholeEntry(800, 0, 1_000_000, "", "Iterations")
        self.seed = WholeEntry(0, 0, 2**31 - 1, "", "First seed")
        self.seeds = WholeEntry(1, 1, 1000, "", "Seeds, side by side")
        self.cascade = Tick(self._theme, "Cascade: layer by layer first")
        self.deterministic = TicksButton(
            "Twins without noise", "Those that are there, of each device one; none: they are "
            "fitted for it", ("none", "{} given"),
        )  # fmt: skip
        self.kinds = TicksButton(
            "Kinds of network", "Each is trained from every seed", ("", "{} kinds"), OF_NETWORK,
            NOISE_AWARE,
        )  # fmt: skip
        self.kinds.offer([(name, name) for name in OF_NETWORK])
        self.measure = Choice(self._theme, (("foreseen only", False),), "Where they are deployed")
        self.benches = BenchEntry()
        self.origin = Choice(self._theme, (("scratch", None),), "Network to go on from")
        self.workers = self._text("", "Cores, or a scheduler")
        self.workers_again = self._text("", "Cores, or a scheduler, to go on with")
        for entry in (self.workers, self.workers_again):
            entry.setPlaceholderText("all")
            entry.setToolTip(
                "Processes of this machine, such as 4; or a Dask scheduler, tcp://…, whose workers "
                "see the same folders"
            )
        self.more = self._text("", "Further options of a training")
        self.more.setToolTip(MORE_TIP)
        self.results = self._text("", "Folder of the results")
        self.results.setPlaceholderText("the library")
        self.results.setToolTip("Another folder: one that a cluster's workers see, too")
        self._work_rows()

    def _work_rows(self) -> None:
        pools = (TRAIN, TABLE, SWEEP)
        self._add(pools, "Iterations, cores", row(self.iterations, self.workers))
        self._add(pools, "Seeds, first", row(self.seeds, self.seed))
        self._add((TABLE,), "Kinds, noiseless", row(self.kinds, self.deterministic))
        self._add((TABLE,), "Measure", self.measure)
        self._benches = self._form.row("Other benches", self.benches)
        self._add((TRAIN,), "Begin with", self.origin)
        self._add(pools, "More options", self.more)
        self.which = Choice(self._theme, (), "What ended early")
        self._wanted: Path | None = None
        self._add((BEGUN,), "Which", self.which)
        self._add((BEGUN,), "Cores", self.workers_again)
        self._add((SWEEP,), "Results in", self.results)
        self._form.widget(self.cascade)
        self._rows.append(((TRAIN,), self.cascade))

    def _add(self, kinds: tuple[str, ...], name: str, control: QWidget) -> None:
        self._rows.append((kinds, self._form.row(name, control)))

    def _choose(self, kind: str) -> None:
        for which, widget in self._rows:
            widget.setVisible(kind in which)
        grid = kind == SWEEP
        self.work_note.setText(NOTES[kind])
        for entry, one in ((self.layers, "16, 16, 16"), (self.more, "patience=5")):
            entry.setPlaceholderText(f"{one}; …" if grid and entry is self.layers else one)
        self._show_some()
        beside = "; 8+4, 16: two layers beside each other, then one"
        several = f"; {SEVERAL}: 16, 16; 8, 8" * grid
        self.layers.setToolTip(f"Nodes of each layer{beside}{several}")
        self.more.setPlaceholderText("rate=0.01 rate=0.003" if grid else "patience=5")
        self.more.setToolTip(f"{MORE_TIP}{'; a name given twice is two values' if grid else ''}")
        self.changed.emit()

    def _show_some(self) -> None:
        """Rows that come and go: benches of networks that are measured; what takes further twins.

        Layers with twins of their own have no further ones, but in a grid those are alternatives.
        """
        measured = self.kind.value == TABLE and self.measure.currentData()
        self._benches.setVisible(bool(measured) and len(self.benches.devices) > 1)
        self._further.setVisible(self.kind.value == SWEEP or not self.layer_twins.own)

    @property
    def further(self) -> list[Path]:
        """Further twins of what is asked for; none where their row isn't there."""
        chosen = [] if self._further.isHidden() else self.ensemble.chosen
        return [path for path in chosen if path != self.twin.currentData()]

    # what is offered

    def offer_twins(self, found: Sequence[Artefact]) -> None:
        """Twins of the library; what was handed over stays chosen, else the newest usual one is."""
        chosen = self.twin.currentData()
        items = items_of(found)
        self.twin.offer(items, keep=True)
        if chosen is None and (usual := next(filter(_is_usual, found), None)) is not None:
            self.twin.choose(usual.path)
        if chosen is not None and self.twin.currentData() != chosen:
            self.choose_twin(chosen)
        self.ensemble.offer(items)
        self.layer_twins.offer(items)
        self.deterministic.offer(items_of(o for o in found if o.head.get("deterministic")))
        self.twin_heads = {one.path: one.head for one in found}

    def show_devices(self, devices: Sequence[Device], here: BenchSpec) -> None:
        """The devices of the twins that are chosen: where they are to be measured."""
        self.benches.offer(devices, here)
        self._show_some()

    def offer_networks(self, found: Sequence[Artefact], unfinished: Sequence[Begun]) -> None:
        """Networks to go on from, and what ended early."""
        self.networks = {one.path: one for one in found}
        self.origin.offer([("scratch", None), *items_of(found)], keep=True)
        self.unfinished = list(unfinished)
        self.which.offer([(one.path.name, one.path) for one in unfinished])
        self.which.choose(self._wanted)
        self._wanted = None

    def go_on_with(self, begun: Path) -> None:
        """Choose what ended early; where the library has not told it yet, once it has."""
        self.kind.choose(BEGUN)
        self._wanted = None if self.which.choose(begun) else begun

    def choose_twin(self, path: Path) -> None:
        """Choose a twin, also one that the library has not told yet."""
        self.twin.take(path)

    # what is asked for

    @property
    def task_text(self) -> str:
        """Name and options as a training takes them."""
        options = self.options.text().strip()
        return f"{self.task.currentData()}{':' if options else ''}{options}"

    @property
    def task_texts(self) -> tuple[str, ...]:
        """Every task that is asked for."""
        if self.kind.value != SWEEP:
            return (self.task_text,)
        return tasks_of(str(self.task.currentData()), self.options.text(), self.options_of)

    @property
    def begins_with(self) -> Artefact | None:
        """The network that goes on being trained; None: one from scratch."""
        return self.networks.get(self.origin.currentData()) if self.kind.value == TRAIN else None

    def offer_places(self, session: Session) -> None:
        """Where the networks of the comparison table can be measured."""
        spec = session.spec
        places: list[tuple[str, bool]] = [("foreseen only", False)]
        if spec.virtual is not None or session.bench is not None:
            places.append((f"on {spec.name}", True))
        self.measure.offer(places)

    # settings

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; twins do not."""
        return {
            "task": self.task.currentData(),
            "options": self.options.text(),
            "kind": self.kind.value,
            "cascade": self.cascade.isChecked(),
            **{name: getattr(self, name).text() for name in TEXTS},
            **{name: getattr(self, name).value() for name in WHOLE},
        }

    def _set_twins(self, values: dict[str, Any]) -> None:
        """Twins of what is made again: the usual one and further ones, those of layers."""
        if values.get("twin") is not None:
            self.choose_twin(values["twin"])
        for button, name in ((self.ensemble, "further_twins"), (self.deterministic, "noiseless")):
            if name in values:
                button.choose(values[name])
        if "layer_twins" in values:
            self.layer_twins.choose_all(values["layer_twins"])

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        if "origin" in values:
            self.origin.take(values["origin"])
        if isinstance(task := values.get("task"), str):
            self.task.take(task, task)
        for name in (*TEXTS, "options"):
            if isinstance(values.get(name), str):
                getattr(self, name).setText(values[name])
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
        self._set_twins(values)
        if isinstance(values.get("cascade"), bool):
            self.cascade.setChecked(values["cascade"])
        if isinstance(values.get("kinds"), list):
            self.kinds.choose([kind for kind in values["kinds"] if kind in OF_NETWORK])
        if isinstance(values.get("measure"), bool):
            self.measure.choose(values["measure"])
        if values.get("kind") in [kind for _, kind in KINDS]:
            self.kind.choose(values["kind"])


def _is_usual(twin: Artefact) -> bool:
    """Whether it is whole and has noise: a table fits some without for itself."""
    return not (twin.broken or twin.head.get("deterministic") or twin.path.name == SO_FAR)
