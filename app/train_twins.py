"""The twins that a network is trained through, from disk to torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import find_file
from app.device_words import renamed_words
from app.so_far import unfinished_words
from app.store import load_twin, sha256_of
from app.weights_store import TWIN_FILE
from models.errors import InputError, raise_problems
from models.latent import TwinModel
from models.network import Device, TwinReference
from models.settings import differing
from models.twin import MOST_MEMBERS
from training.drive_gaps import gap_words, known_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.network import Network
    from models.twin import Twin


DESCRIBED = ("channels", "units", "window", "reset", "settings")
"""What fits of one device have in common."""


def _alike(one: Twin, other: Twin, name: str) -> bool:
    """Whether two twins have the same of `DESCRIBED`; a measured setting may wobble."""
    if name == "settings":
        return not any(differing(one.settings, other.settings))
    return bool(getattr(one, name) == getattr(other, name))


@dataclass(frozen=True)
class TwinSet:
    """Twins as values, by ensemble member and layer, their modules likewise, and by reference.

    Where twins have members of their own, there are more rows of modules than of twins.
    """

    twins: tuple[tuple[Twin, ...], ...]
    models: tuple[tuple[TwinModel, ...], ...]
    references: tuple[TwinReference, ...]

    @classmethod
    def read(cls, paths: Sequence[str], layers: int, members: int = 1) -> TwinSet:
        """Load twins, the first member's first, one for all layers or one a layer each.

        Raises
        ------
        InputError
            A member that was recorded under other conditions than the first one, or a twin whose
            method has no gradient.
        """
        files = [find_file(Path(path), TWIN_FILE) for path in paths]
        twins = [load_twin(file) for file in files]
        each = len(twins) // members
        problems = [
            f"{files[k]}: {name} differ from those of {files[k % each]}, which it is to be another "
            "fit of"
            for k in range(each, len(twins))
            for name in DESCRIBED
            if not _alike(twins[k], twins[k % each], name)
        ]
        problems += [
            f"{file}: a twin of the published method, whose path has no fast gradient for a "
            "network: fit one with another --objective"
            for file, twin in zip(files, twins, strict=True)
            if twin.published is not None
        ]
        raise_problems(InputError, "train: the twins", problems)
        references = tuple(
            TwinReference(str(twin.meta.get("id", "")), str(file.resolve()), sha256_of(file))
            for file, twin in zip(files, twins, strict=True)
        )
        repeated = layers if each == 1 else 1
        parts = [slice(member * each, (member + 1) * each) for member in range(members)]
        models = [[TwinModel.from_twin(t, member) for member in range(t.members)] for t in twins]
        made = cls(
            tuple(tuple(twins[part]) * repeated for part in parts),
            tuple(row * repeated for part in parts for row in _rows(models[part])),
            references,
        )
        if len(made.models) > MOST_MEMBERS:
            raise InputError(
                f"train: the twins have {len(made.models)} members, at most {MOST_MEMBERS} can be "
                "trained through"
            )
        empty = [k for k, (low, high) in enumerate(made.ranges) if low >= high]
        raise_problems(
            InputError,
            "train: the ensemble",
            [f"layer {k + 1}: the members' fitted drives have no range in common" for k in empty],
        )
        return made

    @property
    def unfinished(self) -> list[str]:
        """A sentence for each twin whose fit goes on."""
        words = (unfinished_words(twin.meta) for member in self.twins for twin in member)
        return [sentence for sentence in words if sentence is not None]

    @property
    def guessing(self) -> list[str]:
        """A sentence for each twin that was fitted on no drive in a wide part of its range."""
        twins = {id(twin): twin for member in self.twins for twin in member}
        return [
            f"{twin.meta.get('id', 'the twin')} was fitted on no drive {gap_words(gaps)}, and a "
            "network sends such drives: its answers there are guesses; record some, and fit on "
            "them too"
            for twin in twins.values()
            if (gaps := known_gaps(twin))
        ]

    @property
    def named_otherwise(self) -> list[str]:
        """A sentence for each member whose bench has another name than its layer's first one.

        A name may have been changed between two recordings, so that it refuses nothing; it is all
        that tells two samples of one kind apart.
        """
        firsts = self.devices
        pairs = [
            (first, Device.of(twin))
            for member in self.twins[1:]
            for first, twin in zip(firsts, member, strict=True)
        ]
        return renamed_words(
            pairs,
            "the ensemble holds twins of {0} and of {1}: if those are two samples, the network is "
            "trained for both, and what is foreseen is said of both",
        )

    @property
    def devices(self) -> list[Device]:
        """Of what each layer's nodes are nodes."""
        return [Device.of(twin) for twin in self.twins[0]]

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """Drive range, one a layer, on which every member was fitted."""
        return [
            (max(twin.drive_low for twin in layer), min(twin.drive_high for twin in layer))
            for layer in zip(*self.twins, strict=True)
        ]

    def covering(self, network: Network) -> list[tuple[float, float]]:
        """Drive ranges that a network has, one a layer.

        Raises
        ------
        InputError
            A twin wasn't fitted on all of them.
        """
        driven = [(layer.drive_low, layer.drive_high) for layer in network.layers]
        problems = [
            f"{words}: record what the network sends, and fit on it"
            for words in self.beyond(driven, "its twin")
        ]
        raise_problems(InputError, "train", problems)
        return driven

    def beyond(
        self, driven: Sequence[tuple[float, float]], whose: str, by: float = 0.0
    ) -> list[str]:
        """Words on each layer that drives beyond what `whose` was fitted on, by more than `by`."""
        return [
            f"layer {k + 1} drives {low:g} to {high:g}, {whose} was fitted on {known_low:g} to "
            f"{known_high:g} only"
            for k, ((low, high), (known_low, known_high)) in enumerate(
                zip(driven, self.ranges, strict=True)
            )
            if low < known_low - by or high > known_high + by
        ]


def _rows(models: Sequence[Sequence[TwinModel]]) -> list[tuple[TwinModel, ...]]:
    """Members of twins, a row of one of each: of a twin with fewer they come round again."""
    most = max(map(len, models))
    return [tuple(own[member % len(own)] for own in models) for member in range(most)]
