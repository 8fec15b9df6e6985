"""What a training is asked for, as a value that a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from app.artefacts import moved_with, refuse_never_begun
from app.fit_checkpoint import FILE_NAME, load_checkpoint
from models.errors import InputError, raise_problems
from models.json_form import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Leaf,
    Rows,
    Table,
    faults,
    is_number,
)
from models.supply import Supply
from models.twin import MOST_MEMBERS
from models.wiring import FORWARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LAYOUT = ("wiring", "parallel", "taps", "readout_taps", "use", "sparsity", "supply")
TAPS = Leaf(
    "a list of delays such as 0,1,2", lambda v: isinstance(v, list) and all(map(COUNT.fits, v))
)
CHANNELS = Leaf(
    "channels such as X,Y or 2:X, how many such as 6, or a list of these",
    lambda v: all(isinstance(one, str) or COUNT.fits(one) for one in _each(v)),
)
MAYBE_NUMBER = Leaf("a number", lambda v: v is None or is_number(v))
OPTIONS = Table(
    optional={
        "wiring": TEXT, "parallel": Rows(COUNT), "taps": TAPS, "readout_taps": TAPS,
        "use": CHANNELS, "sparsity": NUMBER,
        "supply": Leaf("two numbers", lambda v: isinstance(v, list) and len(v) == 2
                       and all(map(is_number, v))),
        "ensemble": Rows(TEXT), "cascade": FLAG, "patience": COUNT, "weight_decay": NUMBER,
        "refit": FLAG, "rate": MAYBE_NUMBER, "max_hours": MAYBE_NUMBER,
        "origin": Leaf("a text", lambda v: v is None or isinstance(v, str)),
    }
)  # fmt: skip
OF_REQUEST = Table(
    optional={
        "iterations": COUNT, "seed": WHOLE, "readout_from_judge": FLAG,
        "judge": Leaf("a path or a list of them", lambda v: isinstance(v, str)
                      or (isinstance(v, list) and all(map(TEXT.fits, v)))),
    }
)  # fmt: skip


@dataclass(frozen=True)
class TrainOptions:
    """What may be said of a training beyond its task, twins and layers.

    Attributes
    ----------
    wiring, parallel, taps, readout_taps
        As `models.wiring.wired` reads them, and delays in steps.
    use
        Channels that others see, as `training.design.used_channels` reads them: `X,Y`, `2:X` (of
        layer 2), `6` (so many, spread evenly).
    sparsity
        Share of each node's weights that stay zero.
    supply
        Resolution and largest change a step, as shares of the drive; 0: no limit.
    ensemble
        Further twins of the same device: each as many as `twins`, one after another.
    cascade, patience, weight_decay
        As in `training.course.TrainSettings`.
    refit
        When it is known how long to train: once more, on training and validation part together.
    rate
        Learning rate; None: the recipe's.
    origin
        A network to go on from; it keeps its wiring.
    max_hours
        Refused where a deployment would take longer; None: no limit.
    """

    wiring: str = FORWARD
    parallel: tuple[int, ...] = ()
    taps: tuple[int, ...] = (0,)
    readout_taps: tuple[int, ...] = (0,)
    use: tuple[str, ...] = ()
    sparsity: float = 0.0
    supply: tuple[float, float] = (0.0, 0.0)
    ensemble: tuple[str, ...] = ()
    cascade: bool = False
    patience: int = 0
    weight_decay: float = 0.0
    refit: bool = False
    rate: float | None = None
    origin: str | None = None
    max_hours: float | None = None

    def __post_init__(self) -> None:
        problems = []
        for name, least in (("patience", 0), ("weight_decay", 0.0), ("sparsity", 0.0)):
            if getattr(self, name) < least:
                problems.append(f"{name} {getattr(self, name)} must be {least} or more")
        for name in ("rate", "max_hours"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                problems.append(f"{name} {value} must be above zero")
        if self.refit and self.cascade:
            problems.append("refit and cascade exclude each other: a cascade goes on from its best")
        if self.origin is not None:
            default = {f.name: f.default for f in fields(self)}
            problems += [
                f"{name}: {self.origin} keeps its own"
                for name in LAYOUT
                if getattr(self, name) != default[name]
            ]
        raise_problems(InputError, "train", problems)
        Supply(*self.supply)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> TrainOptions:
        """Options from JSON, whose lists are tuples here; `use` may be one text or number, too.

        Raises
        ------
        InputError
            An unknown option, or a value that doesn't fit.
        """
        raise_problems(InputError, "train", faults(_listed(body), OPTIONS))
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in body.items()
        }
        if "use" in values:
            values["use"] = tuple(map(str, _each(values["use"])))
        return cls(**values)


@dataclass(frozen=True)
class Request:
    """What a training was asked for; a checkpoint keeps it, so that a resumed one is the same.

    `judge` is a stochastic twin that chooses a deterministic network's ridge, one for all layers or
    one a layer; with `readout_from_judge` it also gives the noisy features that the read-out is
    fitted to. Empty: the network judges itself.
    """

    task: str
    twins: tuple[str, ...]
    layers: tuple[int, ...]
    iterations: int
    seed: int
    judge: tuple[str, ...] = ()
    readout_from_judge: bool = False
    options: TrainOptions = field(default_factory=TrainOptions)

    def __post_init__(self) -> None:
        problems = []
        if not self.layers or min(self.layers) < 1:
            problems.append(f"layers {self.layers} need at least one node each")
        if len(self.twins) not in (1, len(self.layers)):
            problems.append(
                f"{len(self.twins)} twins for {len(self.layers)} layers: give one, or one a layer "
                "(those beside each other, such as 8+4, are two)"
            )
        if len(self.judge) not in (0, 1, len(self.layers)):
            problems.append(
                f"{len(self.judge)} judges for {len(self.layers)} layers: give one, or one a layer"
            )
        if self.twins and len(self.options.ensemble) % len(self.twins):
            problems.append(
                f"ensemble: {len(self.options.ensemble)} further twins are no multiple of the "
                f"{len(self.twins)} given with --twin: each member has as many"
            )
        elif self.members > MOST_MEMBERS:
            problems.append(f"ensemble: {self.members} members are more than {MOST_MEMBERS}")
        if not all(k in range(1, len(self.layers)) for k in self.options.parallel):
            problems.append(
                f"parallel {list(self.options.parallel)}: of {len(self.layers)} layers, counted "
                "from 0, those from 1 on can stand beside the one before them"
            )
        if self.iterations < 0:
            problems.append(f"iterations {self.iterations} must be 0 (untrained) or more")
        if self.readout_from_judge and not self.judge:
            problems.append("a read-out from the judge needs a judge")
        raise_problems(InputError, "train", problems)

    @property
    def members(self) -> int:
        """Members of the twin ensemble; 1: a single twin."""
        return 1 + len(self.options.ensemble) // max(len(self.twins), 1)


def _each(value: Any) -> Sequence[Any]:
    """The items of a list, or the one value."""
    return value if isinstance(value, list | tuple) else [value]


def _listed(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has them."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def several(named: Path | str | Sequence[Path | str] | None) -> tuple[str, ...]:
    """Paths of one twin, several or none, as files of any version name them."""
    if named is None:
        return ()
    return (str(named),) if isinstance(named, str | PurePath) else tuple(map(str, named))


def checkpoint_of(out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays and numbers of a training that ended early; InputError where there is none."""
    refuse_never_begun(out, "training", FILE_NAME)
    arrays, numbers = load_checkpoint(out)
    return arrays, _found_again(numbers, out)


def _found_again(numbers: dict[str, Any], out: Path) -> dict[str, Any]:
    """A checkpoint's numbers; twins and data that moved together with `out` as they are now."""
    moved = {name: str(moved_with(Path(name), out)) for name in numbers.get("data", {})}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {named(key): named(one) for key, one in value.items()}
        if isinstance(value, list):
            return [named(one) for one in value]
        return moved.get(value, value) if isinstance(value, str) else value

    return {key: named(v) if key in ("request", "data") else v for key, v in numbers.items()}


def request_of(numbers: dict[str, Any], out: Path) -> Request:
    """What the training of a checkpoint was asked for; InputError where it is no training's."""
    if numbers.get("kind") != "training":
        raise InputError(f"{out}: its checkpoint is not that of a training")
    try:
        body = {**numbers["request"]}
        body["twins"], body["layers"] = tuple(body["twins"]), tuple(body["layers"])
        body["options"] = TrainOptions.of(body.get("options", {}))
        body["judge"] = several(body.get("judge"))
        return Request(**body)
    except (KeyError, TypeError) as error:
        raise InputError(f"{out}: damaged checkpoint ({error!r}); train anew") from error


def refuse_wrong(asked: Iterable[Mapping[str, Any]]) -> None:
    """Raise InputError where trainings of a pool ask for what makes no sense, before any begins.

    `asked`: arguments of trials, one flat mapping each. Tasks and twins are not looked at.
    """
    problems = list[str]()
    for arguments in asked:
        try:
            _checked(arguments)
        except InputError as error:
            problems += error.problems or [str(error)]
    raise_problems(InputError, "train", list(dict.fromkeys(problems)))


def _checked(arguments: Mapping[str, Any]) -> None:
    beyond = ("task", "twins", "layers", "beside", *OF_REQUEST.optional)
    options = TrainOptions.of({k: v for k, v in arguments.items() if k not in beyond})
    if options.origin is not None:
        return  # twins and layers may be its own
    own = {name: arguments[name] for name in OF_REQUEST.optional if arguments.get(name) is not None}
    raise_problems(InputError, "train", faults(_listed(own), OF_REQUEST))
    own = {"iterations": 1, "seed": 0, **own, "judge": several(arguments.get("judge"))}
    Request(
        str(arguments["task"]), tuple(arguments["twins"]), tuple(arguments["layers"]),
        options=options, **own,
    )  # fmt: skip
