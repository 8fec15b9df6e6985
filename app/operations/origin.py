"""The twin that a fit goes on from: its weights and units to start with, and the line it heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import find_file, moved_with, sha256_of
from app.device_words import told
from app.operations.seen_before import parts_by_recording
from app.weights_store import TWIN_FILE, load_twin
from models.errors import InputError, raise_problems
from models.network_parts import Device
from models.sample_told import samples_apart
from models.slopes import slopes_apart
from training.bad_data import scale_beside
from training.exchanged_channels import exchanged_channels
from training.fit_settings import FINE_TUNING, fine_tuning
from training.import_again import import_again
from training.objectives import PUBLISHED
from training.windows import Scales

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.operations.fit_input import FitInput
    from models.twin import Twin
    from training.fit_settings import FitSettings


ANOTHER = (
    "what the old twin knows of another device may not hold here; its scores beside a fit anew tell"
)
FULL = "the full covariance of read-out noise"  # its noise_rank is None


@dataclass(frozen=True)
class Origin:
    """A twin on disk that is fitted further; it stays as it is, the fit makes another version."""

    twin: Twin
    path: Path
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Origin:
        """Load it; InputError where it can't be, or where it is of the published method."""
        file = find_file(Path(path), TWIN_FILE).resolve()
        twin = load_twin(file)
        if twin.published is not None:
            raise InputError(
                f"{file}: a twin of the published method can't be fitted further; fit anew"
            )
        return cls(twin, file, sha256_of(file))

    @classmethod
    def of_checkpoint(cls, numbers: dict[str, Any], out: Path) -> Origin | None:
        """That of a fit in `out` which ended early; None where it began from nothing.

        Raises
        ------
        InputError
            The twin is gone, or has changed since.
        """
        known = numbers.get("from")
        if known is None:
            return None
        made = cls.read(moved_with(Path(known["path"]), out))
        if made.sha256 != known["sha256"]:
            raise InputError(f"{made.path}: has changed since the fit began; fit anew")
        return made

    def settings(self, given: dict[str, Any]) -> FitSettings:
        """How it is fitted further: its own structure and objective, unless another is given.

        Raises
        ------
        InputError
            Another structure is asked for, or an objective that needs another twin.
        """
        twin = self.twin
        problems = [
            f"{name} {given[name]}: the twin to go on from has "
            f"{FULL if getattr(twin, name) is None else getattr(twin, name)}, which stays; leave "
            "it out, or fit anew, without --from"
            for name in ("latent", "hidden", "head", "slow", "noise_rank", "members")
            if given.get(name) not in (None, getattr(twin, name))
        ]
        if given.get("objective") == PUBLISHED:
            problems.append("the published method can't go on from another twin")
        raise_problems(InputError, "fit --from", problems)
        own = {"objective": twin.meta.get("objective", "energy"), "latent": twin.latent,
               "hidden": twin.hidden, "head": twin.head, "noise_rank": twin.noise_rank,
               "members": twin.members, "deterministic": twin.deterministic}  # fmt: skip
        if given.get("deterministic"):  # of several members the first
            own["members"] = 1
        own["iterations"] = FINE_TUNING["iterations"] * own["members"]
        if twin.deterministic:
            own["objective"] = "mean"
        return fine_tuning(**{**own, **{k: v for k, v in given.items() if v is not None}})

    def weights(self, members: int) -> dict[str, NDArray[np.float32]]:
        """What a fit of so many members begins with: all of them, or the first."""
        return self.twin.weights if members > 1 else self.twin.weights_of(0)

    def refuse_another_device(self, source: FitInput) -> None:
        """Raise InputError where the recordings are of other channels, units, window or reset."""
        raise_problems(
            InputError,
            "fit --from",
            [
                f"the recordings have {name} {told(getattr(source.recording, name))}, {self.path} "
                f"was fitted with {told(getattr(self.twin, name))}: fit anew, without --from"
                f"{import_again(source.recording, name, getattr(self.twin, name))}"
                for name in ("channels", "units", "window", "reset")
                if getattr(source.recording, name) != getattr(self.twin, name)
            ]
            or [
                f"{words} Convert it, or fit anew, without --from"
                for words in scale_beside(self.twin.weights["scale"], source.recording)
            ]
            or exchanged_channels(
                self.twin.weights["offset"], self.twin.weights["scale"], source.recording
            ),
        )

    def scales(self, source: FitInput) -> Scales:
        """The twin's units, with the spread of the new repeats."""
        own = Scales.of(source.part("training")[1])
        offset, scale = (self.twin.weights[n].astype(np.float64) for n in ("offset", "scale"))
        return Scales(offset, scale, own.spread * own.scale / scale)

    def meta(self) -> dict[str, Any]:
        """What the new version keeps: whom it comes from, and the whole line, oldest first."""
        own = self.twin.meta
        reference = {"id": str(own.get("id", "")), "path": str(self.path), "sha256": self.sha256}
        recordings = parts_by_recording(self.twin)
        line = [*own.get("ancestors", []), {**reference, "recordings": recordings}]
        return {"from": reference, "ancestors": line}

    def notes(self, source: FitInput) -> list[str]:
        """What the fit says at its begin."""
        own = version_of(self.twin)
        name = self.twin.meta.get("id", self.path)
        then, now = (Device.of(known).tesla_per_ampere for known in (self.twin, source.recording))
        another = samples_apart(self.twin.meta, source.recording.meta)
        return [
            f"goes on from {name}, version {own}: this one is version {own + 1}",
            *(
                f"{words}, so that an unchanged device may answer otherwise: if the old one was "
                "wrong, fit anew, without --from"
                for words in slopes_apart(then, now)
            ),
            *([f"{another}: {ANOTHER}"] if another else []),
        ]


def version_of(twin: Twin) -> int:
    """1 for a twin that was fitted from nothing, one more for each twin that it comes from."""
    return 1 + len(twin.meta.get("ancestors", []))
