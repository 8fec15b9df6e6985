"""The grid of a sweep: tasks × twins × layers × training options × seeds, each one a trial."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.artefacts import reading
from app.operations.trial import OF_TRAIN, Trial
from app.train_request import TrainOptions
from models.errors import InputError, raise_problems
from models.wiring import laid_out, layers_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE_KEYS = ("task", "twin", "layers", "seeds", "seed", "train")
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

    def words(self) -> list[str]:
        """Task, twins, layers and options as a table shows them."""
        twins = " → ".join(Path(twin).name for twin in self.twins)
        layers = layers_text(self.layers, self.parallel).replace(",", "-")
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return [self.task, twins, layers, options or "—"]


@dataclass(frozen=True)
class Grid:
    """Every combination of these, of twins and layers every one that fits.

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
        if self.seeds < 1:
            problems.append(f"{self.seeds} seeds: at least 1")
        problems += self._unfitting()
        if self.parallel and any("parallel" in tied.split(TIE) for tied in self.options):
            problems.append("layers beside each other are told by the layers or by an option, not "
                            "by both")  # fmt: skip
        problems += [
            f"twin {path}: no twin.json there"
            for path in dict.fromkeys(path for twins in self.twins for path in twins)
            if not (Path(path) / "twin.json").is_file() and not Path(path).is_file()
        ]
        problems += option_faults(self.options)
        raise_problems(InputError, "twinrig sweep", problems)

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

    @property
    def settings(self) -> list[Setting]:
        """Every combination but the seeds."""
        choices = [[(name, value) for value in values] for name, values in self.options.items()]
        layouts = list(zip(self.layers, self.parallel or [()] * len(self.layers), strict=True))
        combined = [
            (task, twins, layout, dict(options))
            for task, twins, layout, *options in product(self.tasks, self.twins, layouts, *choices)
            if _fits(len(twins), len(layout[0]))
        ]
        return [
            Setting(number, task, twins, layers, options, parallel)
            for number, (task, twins, (layers, parallel), options) in enumerate(combined)
        ]

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
    numbers with commas between (`0,3,6`, as `train` takes them), else as text.

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
        options[key] = (*options.get(key, ()), value_of(value.strip()))
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


def grid_of_file(path: Path) -> dict[str, Any]:
    """Arguments of `Grid` from a TOML file; twins and tasks' files are found from its folder.

    Raises
    ------
    InputError
        No such file, no TOML, unknown keys, or values of another kind.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with reading(path):
        content = path.read_bytes()
    try:
        body = tomllib.loads(content.decode("utf-8"))
    except ValueError as fault:
        raise InputError(f"{path}: not a TOML file ({fault})") from fault
    problems = [
        f"key {key!r} is unknown; known: {', '.join(FILE_KEYS)}" for key in body if key not in
        FILE_KEYS
    ]  # fmt: skip
    tasks, twins, layers = (body.get(key, []) for key in ("task", "twin", "layers"))
    for key, value in (("task", tasks), ("twin", twins), ("layers", layers)):
        if not isinstance(value, list):
            problems.append(f"{key} = {value!r} must be a list")
    laid = [_layout(one) for one in layers] if isinstance(layers, list) else []
    layouts = [one for one in laid if one is not None]
    if len(layouts) < len(laid):
        problems.append(
            f"layers = {layers!r} must be a list of lists of node counts, or of words such as "
            "'8+4,16'"
        )
    if not all(isinstance(body.get(key, 0), int) for key in ("seeds", "seed")):
        problems.append("seeds and seed must be whole numbers")
    options = body.get("train", {})
    if not isinstance(options, dict):
        problems.append("train must be a table of options")
    raise_problems(InputError, str(path), problems)
    from training.tasks import placed

    beside = path.resolve().parent
    given: dict[str, Any] = {
        "tasks": tuple(placed(str(task), beside) for task in tasks),
        "twins": tuple(tuple(str(beside / p) for p in str(twin).split(",")) for twin in twins),
        **layouts_of(layouts),
        "options": {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in options.items()
        },
    }  # fmt: skip
    return {**given, **{key: body[key] for key in ("seeds", "seed") if key in body}}


def _layout(value: object) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Layers of a list of node counts, or of the words of `--layers`; None of anything else."""
    if isinstance(value, str):
        return laid_out(value)
    if isinstance(value, list) and all(isinstance(n, int) and n > 0 for n in value):
        return tuple(value), ()
    return None
