"""Kinds of artefact that a library knows: by which file, of which schema, where it holds others."""

from __future__ import annotations

from models import schemas

BEGUN = "begun"  # a run without its result yet (`app.library.begun`)
CALIBRATION = "cal-"  # how the folder of a calibration is named in a library
HEADS = {
    "cal": "calibration.json",
    "rec": "recording.nc",
    "twin": "twin.json",
    "net": "network.json",
    "dep": "deployment.json",
    "sweep": "sweep.json",
    "tab": "networks-table.json",
    "cmp": "comparison.json",
    "curve": "learning-curve.json",
}
SCHEMAS = {
    "cal": 1,
    "twin": schemas.TWIN,
    "dep": schemas.DEPLOYMENT,
    "sweep": 1,
    "tab": 1,
    "cmp": 1,
    "curve": 1,
}
KINDS = {
    "cal": "calibration",
    "rec": "recording",
    "twin": "twin",
    "net": "network",
    "dep": "deployment",
    "sweep": "sweep",
    "tab": "networks-table",
    "cmp": "comparison",
    "curve": "learning-curve",
    "begun": "not finished",
}
SEVERAL = ("sweep", "tab", "cmp", "curve")
"""Those of several fits or trainings, whose heads are there from the first on."""
OF_POOL, OF_ROUNDS = "trials/*", "round-*/*"
INSIDE = {
    "": ("*", OF_POOL, OF_ROUNDS), "sweep": (OF_POOL,), "tab": (OF_POOL,), "cmp": ("*",),
    "curve": ("*",), "net": (OF_POOL, OF_ROUNDS), "begun": ("*", OF_POOL, OF_ROUNDS),
}  # fmt: skip
"""Where a folder of a kind (empty: of none) has artefacts of its own: seeds, rounds, a demo's."""
PARTS = ("nodes", "stretch", "run", "runs")
"""Folders (also `nodes-2`) of what is deployed, recalibrated or polished: no artefacts."""


def head_of(kind: str) -> tuple[str, str, int]:
    """The file that makes a folder one of a kind, what the file calls itself, and its schema."""
    return HEADS[kind], KINDS[kind], SCHEMAS[kind]
