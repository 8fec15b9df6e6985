"""`calibration.json`: what a calibration found, bound to the recording beside it."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from app.artefacts import load_artefact, save_artefact
from app.disk import RESTORE
from app.library.kinds import head_of
from instruments.calibration import Calibration
from models.errors import InputError, raise_problems
from models.json_form import IDENTITIES, NUMBER, TEXT, Form, Table, faults
from models.paths import folder_at

FILE_NAME, KIND, SCHEMA = head_of("cal")
FORM: Form = Table(
    {
        "calibration": Table({each.name: NUMBER for each in fields(Calibration)}),
        "magnet": TEXT,
        "teslameter": TEXT,
        "bench": TEXT,
        "created": TEXT,
        "recording": TEXT,
        "bench_tesla_per_ampere": NUMBER,
        "identities": IDENTITIES,
    }
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """A calibration with its magnet, teslameter and bench, when, of which recording, and where.

    `bench_tesla_per_ampere` is what the bench file said then; `path` None before it is stored.
    """

    calibration: Calibration
    magnet: str
    teslameter: str
    bench: str
    created: str
    recording: str
    bench_tesla_per_ampere: float
    identities: dict[str, str] = field(default_factory=dict)
    path: Path | None = None

    def is_of(self, bench: str, magnet: str, supply: str) -> bool:
        """Whether it is of this magnet; `supply` identifies its supply, empty where nobody knows.

        Decision: a bench's name alone does not tell. Benches are copied, or are called by their
        file's name, and another rig's factor must not be urged upon this one. Consequence: behind
        another supply a magnet has no last calibration.
        """
        known = self.identities.get(magnet, "")
        same_supply = not (known and supply) or known == supply
        return same_supply and (self.bench, self.magnet) == (bench, magnet)


def save_calibration(out: Path, stored: Stored) -> Path:
    """Write `out/calibration.json` with the digest of the recording beside it; returns its path.

    Raises
    ------
    InputError
        It exists.
    TwinrigError
        The disk refuses.
    """
    from app.recording_reader import FILE_NAME as RECORDING  # HDF5: 50 ms of the window's start

    body = {"kind": KIND, "schema": SCHEMA, **asdict(stored)}
    del body["path"]
    return save_artefact(out, FILE_NAME, body, {}, beside=(RECORDING,))


def load_calibration(path: Path) -> Stored:
    """Read what `save_calibration` wrote, from its folder or its file.

    Raises
    ------
    InputError
        Missing, changed since it was written (the recording, too), or no calibration.
    """
    from app.recording_reader import FILE_NAME as RECORDING

    path = Path(path)
    body, _ = load_artefact(path, FILE_NAME, KIND, SCHEMA, beside=(RECORDING,))
    raise_problems(InputError, f"{path}: no calibration ({RESTORE})", faults(body, FORM))
    found = Calibration(**body.pop("calibration"))
    return Stored(found, **body, path=path / FILE_NAME if folder_at(path) else path)


def last_calibration(out: Path, bench: str, magnet: str, supply: str) -> Stored | None:
    """The newest other calibration of a magnet (`Stored.is_of`) beside `out`; None: there is none.

    One that can't be read is told in the log and left out.
    """
    found, here = [], Path(out).resolve()
    for path in sorted(here.parent.glob(f"*/{FILE_NAME}")):
        if path.parent == here:
            continue
        try:
            stored = load_calibration(path)
        except InputError as error:
            log.warning("not compared with an earlier calibration: %s", error)
            continue
        if stored.is_of(bench, magnet, supply):
            found.append(stored)
    return max(found, key=lambda stored: stored.created, default=None)
