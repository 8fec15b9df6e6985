"""A deployment for other programs: answers beside targets and what was foreseen; its nodes.

Answers and nodes count from 1, as people do. Of several outputs each has columns of its own, by its
class where it is one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from app.artefacts import plain
from app.deployment_store import BY_NODE, SERIES
from app.export_files import ABOUT, cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.deployment_store import Deployment

    Array = NDArray[Any]


def rows_of(deployment: Deployment) -> Iterator[Sequence[Any]]:
    """Names, then one row an answer over the unseen part."""
    columns: dict[str, Array] = {}
    for name in SERIES:
        values = np.atleast_2d(deployment.arrays[name].T)
        outputs = _outputs(deployment, len(values))
        columns |= {f"{name}{of}": row for of, row in zip(outputs, values, strict=True)}
    yield ["answer", *columns]
    told = [cells(row) for row in columns.values()]
    yield from ((k, *row) for k, row in enumerate(zip(*told, strict=True), 1))


def _outputs(deployment: Deployment, count: int) -> list[str]:
    """What each output's columns end in."""
    classes = deployment.body.get("classes") or range(1, count + 1)
    return [""] if count == 1 else [f" {name}" for name in classes]


def arrays_of(deployment: Deployment) -> dict[str, Array]:
    """`SERIES` `(answers,)` or `(answers, outputs)`; of each node its layer, from 1, and misfit.

    `about`: JSON of scores, baselines and origin. What nodes played and answered is a recording.
    """
    arrays = deployment.arrays
    of_nodes = {name: arrays[name] for name in ("misfit", *BY_NODE) if name in arrays}
    classes = deployment.body.get("classes")
    return {
        **{name: arrays[name] for name in SERIES},
        **of_nodes,
        "layer": arrays["layer"] + 1,
        **({"classes": np.array(classes)} if classes else {}),
        ABOUT: np.array(json.dumps(plain(deployment.body), ensure_ascii=False)),
    }
