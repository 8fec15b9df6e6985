"""The grid of a sweep: tasks × twins × layers × training options × seeds, each one a trial."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.operations.trial import OF_TRAIN, Trial, of_seeds
from app.train_request import TrainOptions, refuse_wrong
from models.errors import InputError, raise_problems
from models.paths import file_at
from models.wiring import layers_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOT_SEED = [name for name in OF_TRAIN if name != "seed"]
TIE = "+"  # between options that have the same value throughout a grid


@dataclass(frozen=True)
class Setting:
    """One network to be trained: everything but the seed; `number` counts on from 0.

    `parallel`: the layers, counted from 0, that stand beside the one before them.
    """

    number: int
    task: str
    twins: tuple[str, ...]
    layers: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    parallel: tuple[int, ...] = ()

    def name(self, seed: int) -> str:
        """Of its trial with a seed."""
        return f"setting{self.number:03d}-seed{seed}"

    def trial(self, seed: int, root: Path) -> Trial:
        """Its training."""
        asked: dict[str, Any] = {
            "task": self.task, "twins": list(self.twins), "layers": list(self.layers),
            "seed": seed, **untied(self.options),
        }  # fmt: skip
        if self.parallel:
            asked["parallel"] = list(self.parallel)
        return Trial(self.name(seed), "train", asked, str(root))

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Its layers and options by name, and each as it was chosen in words."""
        layers = ("layers", f"layers {layers_text(self.layers, self.parallel)}")
        return [layers, *((name, f"{name} {value}") for name, value in self.options.items())]

    def words(self, names: Mapping[str, str]) -> list[str]:
        """Task, twins (by their `names`), layers and options as a table shows them."""
        twins = " → ".join(names[twin] for twin in self.twins)
        layers = layers_text(self.layers, self.parallel).replace(",", "-")
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return [self.task, twins, layers, options or "—"]


@dataclass(frozen=True)
class Grid:
    """Every combination of these that can be trained: twins fit layers, no option another one.

    `twins`: each entry one for all layers, or one a layer, which may be of several devices.
    `parallel`: of each entry of `layers` those beside the one before them; empty: none of any.
    """

    tasks: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]
    layers: tuple[tuple[int, ...], ...]
    seeds: int = 1
    seed: int = 0
    options: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    parallel: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        named = {"task": self.tasks, "twin": self.twins, "layers": self.layers}
        problems = [f"--{name} is missing" for name, values in named.items() if not values]
        problems += of_seeds(self.seeds)
        problems += self._unfitting()
        if self.parallel and any("parallel" in tied.split(TIE) for tied in self.options):
            problems.append("layers beside each other are told by the layers or by an option, not "
                            "by both")  # fmt: skip
        problems += [
            f"twin {path}: no twin.json there"
            for path in dict.fromkeys(path for twins in self.twins for path in twins)
            if not file_at(Path(path) / "twin.json") and not file_at(path)
        ]
        problems += option_faults(self.options)
        raise_problems(InputError, "twinrig sweep", problems or self._useless())

    def _unfitting(self) -> list[str]:
        """Twins for which there are no layers, and layers for which there are no twins."""
        depths = [len(layers) for layers in self.layers]
        counts = [len(twins) for twins in self.twins]
        words = "{} twins ({}) for {} layers: one, or one a layer"
        return [
            words.format(len(twins), ", ".join(twins), " or ".join(map(str, sorted({*depths}))))
            for twins in self.twins
            if depths and not any(_fits(len(twins), depth) for depth in depths)
        ] + [
            words.format(" or ".join(map(str, sorted({*counts}))), "each entry", depth)
            for depth in dict.fromkeys(depths)
            if counts and not any(_fits(count, depth) for count in counts)
        ]

    def _useless(self) -> list[str]:
        """Why nothing can be trained; or values that no combination to be trained has, a typo."""
        if not self.settings:
            return list(dict.fromkeys(fault for _, fault in self._combined))
        used = [value for setting in self.settings for value in setting.chosen]
        lost = {
            value: fault
            for setting, fault in self._combined
            for value in setting.chosen
            if value not in used
        }
        return [
            f"{words}: refused in every combination, {fault}" for (_, words), fault in lost.items()
        ]

    @property
    def settings(self) -> list[Setting]:
        """Every combination that can be trained, but the seeds."""
        fitting = [setting for setting, fault in self._combined if not fault]
        return [replace(setting, number=number) for number, setting in enumerate(fitting)]

    @property
    def left_out(self) -> list[str]:
        """A sentence on each combination of which one option excludes another."""
        return [
            f"left out, {' · '.join(words for _, words in setting.chosen)}: {fault}"
            for setting, fault in self._combined
            if fault
        ]

    @cached_property
    def _combined(self) -> list[tuple[Setting, str]]:
        """Every combination of which twins fit the layers, and what speaks against it."""
        choices = [[(name, value) for value in values] for name, values in self.options.items()]
        layouts = list(zip(self.layers, self.parallel or [()] * len(self.layers), strict=True))
        combined = [
            (task, twins, layout, dict(options))
            for task, twins, layout, *options in product(self.tasks, self.twins, layouts, *choices)
            if _fits(len(twins), len(layout[0]))
        ]
        every = [
            Setting(0, task, twins, layers, options, parallel)
            for task, twins, (layers, parallel), options in combined
        ]
        return [(setting, _fault(setting)) for setting in every]

    @property
    def files(self) -> list[str]:
        """Every twin that is named, once."""
        return list(dict.fromkeys(path for twins in self.twins for path in twins))

    def trials(self, root: Path) -> Iterator[tuple[Setting, int, Trial]]:
        """Seed by seed, so that a sweep cut short has every setting."""
        for seed in range(self.seed, self.seed + self.seeds):
            for setting in self.settings:
                yield setting, seed, setting.trial(seed, root)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Grid:
        """Grid of `to_json`."""
        return cls(
            tuple(body["tasks"]),
            tuple(tuple(twins) for twins in body["twins"]),
            tuple(tuple(layers) for layers in body["layers"]),
            body["seeds"],
            body["seed"],
            {name: tuple(values) for name, values in body["options"].items()},
            tuple(tuple(beside) for beside in body.get("parallel", ())),
        )


def _fault(setting: Setting) -> str:
    """Why a combination can't be trained; empty where it can."""
    try:
        refuse_wrong([setting.trial(0, Path()).arguments])
    except InputError as error:
        return "; ".join(error.problems or [str(error)])
    return ""


def _fits(twins: int, layers: int) -> bool:
    return twins in (1, layers)


def layouts_of(
    layouts: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
) -> dict[str, tuple[tuple[int, ...], ...]]:
    """`layers` and `parallel` of a `Grid` from layouts as `models.wiring.laid_out` reads them."""
    beside = tuple(parallel for _, parallel in layouts)
    return {
        "layers": tuple(layers for layers, _ in layouts), "parallel": beside if any(beside) else (),
    }  # fmt: skip


def option_faults(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the names of options that a training is to be given."""
    known = [*NOT_SEED, *(one.name for one in fields(TrainOptions))]
    return [
        f"option {name!r} is none of a training's: {', '.join(known)}"
        for tied in options
        for name in tied.split(TIE)
        if name not in known
    ]


def untied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options one by one: those of one name, `taps+readout_taps`, have the same value."""
    return {name: value for tied, value in options.items() for name in tied.split(TIE)}


def options_of(words: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Options of `NAME=VALUE` words; a name given twice has two values.

    A value is read as TOML where it is that (`500`, `0.1`, `true`, `[1, 2]`), as a list where it is
    numbers with commas between (`0,3,6`, as `train` takes them), else as text. Of `use` only what
    has brackets or quotes is: `1,2` are channels of these names.

    Raises
    ------
    InputError
        A word without `=`.
    """
    wrong = [f"{word!r}: expected NAME=VALUE" for word in words if "=" not in word]
    raise_problems(InputError, "--set", wrong)
    options: dict[str, tuple[Any, ...]] = {}
    for word in words:
        name, _, value = word.partition("=")
        key = name.strip().replace("-", "_")
        text = value.strip()
        names = key == "use" and not text.startswith(("[", '"', "'"))
        options[key] = (*options.get(key, ()), text if names else value_of(text))
    return options


def value_of(text: str) -> Any:
    """A number, truth value or list of a text in TOML's spelling or without its brackets."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return tomllib.loads(f"value = [{text}]")["value"] if "," in text else text
    except tomllib.TOMLDecodeError:
        return text
