"""A fitted twin as a value: weights, the rig it is valid for, its measured quality. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.channel_words import channel_words
from models.errors import InputError, raise_problems
from models.json_form import (
    ANYTHING,
    COUNT,
    FLAG,
    IDENTITIES,
    NUMBER,
    RESET,
    SCORE,
    SETTINGS,
    SLOPES,
    TEXT,
    WHOLE,
    WINDOW,
    Rows,
    Table,
    faults,
)
from models.published_form import FORM as PUBLISHED
from models.published_form import PublishedForm
from models.sequence import DriveWindow, Reset
from models.slopes import SLOPE

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "twin"
SCORED = ("value", "floor", "ratio", "excess", "low", "high")
INTERVALS = ("value_low", "value_high", "excess_low", "excess_high")
SCORES = Table(optional=dict.fromkeys((*SCORED, *INTERVALS), SCORE))
COVERAGE = Table(optional=dict.fromkeys(("value", "expected", "low", "high"), SCORE))
HELD_OUT = Table(
    {"test": Rows(COUNT), "test_repeats": Rows(COUNT)},
    others=ANYTHING,
)
PARENT = Table(
    {"id": TEXT, "path": TEXT, "sequences": COUNT}, optional={"steps": COUNT}, others=ANYTHING
)
ORIGIN = Table(
    {"id": TEXT, "path": TEXT, "sha256": TEXT},
    optional={"recordings": Rows(Table(others=ANYTHING))},
    others=ANYTHING,
)
FORM = Table(
    {
        "channels": Rows(TEXT), "units": Rows(TEXT),
        "latent": COUNT, "hidden": COUNT, "deterministic": FLAG, "window": WINDOW, "reset": RESET,
        "settings": SETTINGS, "identities": IDENTITIES, "drive_low": NUMBER, "drive_high": NUMBER,
        "errors": Table(others=SCORES), "coverage": COVERAGE,
        "meta": Table(
            optional={
                "id": TEXT, "created": TEXT, "code_version": TEXT, "seed": WHOLE,
                "objective": TEXT, "iterations": COUNT, "seconds": NUMBER, "notes": Rows(TEXT),
                "parents": Rows(PARENT), "held_out": HELD_OUT,
                "from": ORIGIN, "ancestors": Rows(ORIGIN), SLOPE: SLOPES,
                "drive_gaps": Rows(Table({"low": NUMBER, "high": NUMBER})),
            },
            others=ANYTHING,
        ),
    },
    optional={
        "model": PUBLISHED, "head": COUNT, "slow": COUNT, "noise_rank": COUNT, "members": COUNT,
    },
)  # fmt: skip
"""What `twin.json` must look like; kind, schema, checksum and files are the store's."""
LATENT, HIDDEN = 16, 64  # the smallest that reached the floor on the nanoring array
MOST_MEMBERS = 16  # one stream of a network's training each


def weight_shapes(
    latent: int,
    hidden: int,
    channels: int,
    head: int = 0,
    slow: int = 0,
    noise_rank: int | None = None,
) -> dict[str, tuple[int, ...]]:
    """Shape of every weight of a twin by name; `models.latent` says what each one does."""
    shapes: dict[str, tuple[int, ...]] = {
        "state_in": (hidden, latent),
        "drive_in": (hidden,),
        "hidden_bias": (hidden,),
        "out": (3 * latent, hidden),
        "out_bias": (3 * latent,),
        "start_mean": (latent,),
        "start_spread": (latent,),
        "decoder": (channels, latent),
        "decoder_bias": (channels,),
        "white_factor": (channels, channels if noise_rank is None else noise_rank),
        "offset": (channels,),
        "scale": (channels,),
    }
    if head:
        shapes |= {
            "head_state": (head, latent),
            "head_drive": (head,),
            "head_bias": (head,),
            "head_out": (channels, head),
        }
    if slow:
        shapes["gain"] = (channels, slow)
    if noise_rank is not None:
        shapes["white_own"] = (channels,)
    return shapes


def of_member(name: str, member: int) -> str:
    """What a weight is called among those of a whole twin, of a member counted from 0."""
    return f"{member + 1}.{name}" if member else name


@dataclass(frozen=True)
class Twin:
    """A neural SDE of a device with the conditions under which it was recorded.

    Attributes
    ----------
    weights
        float32 arrays, named and shaped as `weight_shapes` says, or `published.shapes`; those of
        further members by the names that `of_member` gives them.
    channels, units
        Names and units of the response.
    latent, hidden
        Latent states and hidden units; of the published model its auxiliaries and first layer.
    deterministic
        True: fitted to means only; samples have no noise.
    window, reset, settings, identities
        As in the recordings it was fitted on; it is valid for these only.
    drive_low, drive_high
        Range of the drives it was fitted on.
    errors, coverage
        The quality on held-out sequences beside its floor (keys of the command line's result).
    meta
        id, created, seed, objective, held-out sequences, parents with hashes, code version.
    published
        The structure of a twin of the published method; None: the latent model.
    head
        Hidden units of the read-out beside its linear part; 0: it is linear.
    slow
        The last states that are random effects of a repeat, each with a gain of every channel. 0
        where there are none, and in twins of earlier versions, whose slow states have no gain.
    noise_rank
        Sources of read-out noise that channels share, beside each channel's own; None: the
        covariance of the read-out noise is any (full).
    members
        Fits of the same repeats that differ by their first weights and batches, so that what they
        disagree on is what the repeats leave open (a deep ensemble, Lakshminarayanan et al. 2017,
        arXiv:1612.01474). Each repeat that the twin draws is one member's.
    """

    weights: dict[str, NDArray[np.float32]]
    channels: tuple[str, ...]
    units: tuple[str, ...]
    latent: int
    hidden: int
    deterministic: bool
    window: DriveWindow
    reset: Reset
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    drive_low: float = 0.0
    drive_high: float = 1.0
    errors: dict[str, Any] = field(default_factory=dict)
    coverage: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    published: PublishedForm | None = None
    head: int = 0
    slow: int = 0
    noise_rank: int | None = None
    members: int = 1

    def __post_init__(self) -> None:
        problems = []
        expected = self._weight_shapes()
        for name, shape in expected.items():
            array = self.weights.get(name)
            if array is None:
                problems.append(f"weight {name!r} is missing")
            elif array.shape != shape:
                problems.append(f"weight {name!r} has shape {array.shape}, expected {shape}")
            elif array.dtype != np.float32 or not np.isfinite(array).all():
                problems.append(f"weight {name!r} holds values that are no 32-bit numbers")
            elif name.endswith("scale") and not array.all():
                problems.append(f"weight {name!r} must not be zero")
        problems += [f"weight {n!r} is unknown" for n in self.weights if n not in expected]
        if len(self.units) != len(self.channels):
            problems.append(f"{len(self.units)} units for {len(self.channels)} channels")
        if not 0 <= self.drive_low < self.drive_high <= 1:
            problems.append(f"drive range {self.drive_low}…{self.drive_high} is not within 0…1")
        if self.slow and not self.slow < self.latent:
            problems.append(f"slow = {self.slow} is not below latent = {self.latent}")
        if self.noise_rank is not None and not self.noise_rank < len(self.channels):
            problems.append(
                f"noise_rank = {self.noise_rank} is not below the {len(self.channels)} channels"
            )
        if not 1 <= self.members <= MOST_MEMBERS:
            problems.append(f"members = {self.members} is not within 1…{MOST_MEMBERS}")
        if self.published is not None and self.hidden != self.published.layers[0]:
            problems.append(f"hidden {self.hidden} beside layers {self.published.layers}")
        if self.members > 1 and (self.deterministic or self.published is not None):
            which = "deterministic" if self.deterministic else "published"
            problems.append(f"members = {self.members} of a {which} twin, which has one")
        if self.published is not None and self.latent < 1:
            problems.append("a published twin without an auxiliary has no noise")
        raise_problems(InputError, "twin", problems)

    def _weight_shapes(self) -> dict[str, tuple[int, ...]]:
        members = range(min(self.members, MOST_MEMBERS))
        return {of_member(n, k): s for k in members for n, s in self._shapes_of_one().items()}

    def _shapes_of_one(self) -> dict[str, tuple[int, ...]]:
        if self.published is None:
            return weight_shapes(
                self.latent, self.hidden, len(self.channels), self.head, self.slow, self.noise_rank
            )
        return self.published.shapes(len(self.channels), self.latent)

    def weights_of(self, member: int) -> dict[str, NDArray[np.float32]]:
        """The weights of one member, counted from 0, by their own names."""
        return {name: self.weights[of_member(name, member)] for name in self._shapes_of_one()}

    @property
    def channel_words(self) -> tuple[str, ...]:
        """The channels as people read them: of a spectrum with their frequencies."""
        return channel_words(self.channels, self.settings)

    def to_json(self) -> dict[str, Any]:
        """Everything but the weights, as plain JSON; what a plain latent twin lacks is left out."""
        return {
            **({} if self.published is None else {"model": self.published.to_json()}),
            **({"head": self.head} if self.head else {}),
            **({"slow": self.slow} if self.slow else {}),
            **({} if self.noise_rank is None else {"noise_rank": self.noise_rank}),
            **({} if self.members == 1 else {"members": self.members}),
            "channels": list(self.channels),
            "units": list(self.units),
            "latent": self.latent,
            "hidden": self.hidden,
            "deterministic": self.deterministic,
            "window": vars(self.window),
            "reset": vars(self.reset),
            "settings": self.settings,
            "identities": self.identities,
            "drive_low": self.drive_low,
            "drive_high": self.drive_high,
            "errors": self.errors,
            "coverage": self.coverage,
            "meta": self.meta,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any], weights: dict[str, NDArray[np.float32]]) -> Twin:
        """The twin of `to_json` and its weights.

        Raises
        ------
        InputError
            A key is missing or has another type, or a weight has another shape.
        """
        raise_problems(InputError, "twin", faults(body, FORM))
        parents = body["meta"].get("parents", [])
        if parents and "held_out" not in body["meta"]:
            raise InputError("twin: meta.held_out is missing beside meta.parents")
        return cls(
            weights,
            tuple(body["channels"]),
            tuple(body["units"]),
            body["latent"],
            body["hidden"],
            body["deterministic"],
            DriveWindow(**body["window"]),
            Reset(**body["reset"]),
            body["settings"],
            body["identities"],
            float(body["drive_low"]),
            float(body["drive_high"]),
            body["errors"],
            body["coverage"],
            body["meta"],
            PublishedForm.from_json(body["model"]) if "model" in body else None,
            body.get("head", 0),
            body.get("slow", 0),
            body.get("noise_rank"),
            body.get("members", 1),
        )
