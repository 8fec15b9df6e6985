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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE_KEYS = ("task", "twin", "layers", "seeds", "seed", "train")
NOT_SEED = [name for name in OF_TRAIN if name != "seed"]
TIE = "+"  # between options that have the same value throughout a grid


@dataclass(frozen=True)
class Setting:
    """One network to be trained: everything but the seed; `number` counts on from 0."""

    number: int
    task: str
    twins: tuple[str, ...]
    layers: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def name(self, seed: int) -> str:
        """Of its trial with a seed."""
        return f"setting{self.number:03d}-seed{seed}"

    def trial(self, seed: int, root: Path) -> Trial:
        """Its training."""
        asked = {
            "task": self.task, "twins": list(self.twins), "layers": list(self.layers),
            "seed": seed, **untied(self.options),
        }  # fmt: skip
        return Trial(self.name(seed), "train", asked, str(root))

    def words(self) -> list[str]:
        """Task, twins, layers and options as a table shows them."""
        twins = " → ".join(Path(twin).name for twin in self.twins)
        layers = "-".join(str(nodes) for nodes in self.layers)
        options = ", ".join(f"{name} {value}" for name, value in self.options.items())
        return [self.task, twins, layers, options or "—"]


@dataclass(frozen=True)
class Grid:
    """Every combination of these; `twins`: each entry one for all layers, or one a layer."""

    tasks: tuple[str, ...]
    twins: tuple[tuple[str, ...], ...]
    layers: tuple[tuple[int, ...], ...]
    seeds: int = 1
    seed: int = 0
    options: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {"task": self.tasks, "twin": self.twins, "layers": self.layers}
        problems = [f"--{name} is missing" for name, values in named.items() if not values]
        if self.seeds < 1:
            problems.append(f"{self.seeds} seeds: at least 1")
        problems += [
            f"{len(twins)} twins ({', '.join(twins)}) for {len(layers)} layers: one, or one a layer"
            for twins, layers in product(self.twins, self.layers)
            if len(twins) not in (1, len(layers))
        ]
        problems += [
            f"twin {path}: no twin.json there"
            for path in dict.fromkeys(path for twins in self.twins for path in twins)
            if not (Path(path) / "twin.json").is_file() and not Path(path).is_file()
        ]
        problems += option_faults(self.options)
        raise_problems(InputError, "twinrig sweep", problems)

    @property
    def settings(self) -> list[Setting]:
        """Every combination but the seeds."""
        choices = [[(name, value) for value in values] for name, values in self.options.items()]
        combined = product(self.tasks, self.twins, self.layers, *choices)
        return [
            Setting(number, task, twins, layers, dict(options))
            for number, (task, twins, layers, *options) in enumerate(combined)
        ]

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
        )


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
    """Arguments of `Grid` from a TOML file; twins are found from its folder.

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
    if isinstance(layers, list) and not all(_is_layers(one) for one in layers):
        problems.append(f"layers = {layers!r} must be a list of lists of node counts")
    if not all(isinstance(body.get(key, 0), int) for key in ("seeds", "seed")):
        problems.append("seeds and seed must be whole numbers")
    options = body.get("train", {})
    if not isinstance(options, dict):
        problems.append("train must be a table of options")
    raise_problems(InputError, str(path), problems)
    beside = path.resolve().parent
    given: dict[str, Any] = {
        "tasks": tuple(map(str, tasks)),
        "twins": tuple(tuple(str(beside / p) for p in str(twin).split(",")) for twin in twins),
        "layers": tuple(tuple(one) for one in layers),
        "options": {
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in options.items()
        },
    }  # fmt: skip
    return {**given, **{key: body[key] for key in ("seeds", "seed") if key in body}}


def _is_layers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(n, int) and n > 0 for n in value)
