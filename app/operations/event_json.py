"""Events as the lines that programs read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from app.operations.events import Result

if TYPE_CHECKING:
    from app.operations.events import Event

LONGEST_JSON_ARRAY = 16


def as_json(event: Event) -> dict[str, Any]:
    """One flat JSON object of an event; long arrays become their shape: lines stay short."""
    if isinstance(event, Result):
        return {"event": "result", **_plain(event.values)}
    body = {f.name: _plain(getattr(event, f.name)) for f in fields(event)}
    return {"event": type(event).__name__.lower(), **body}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        if value.size > LONGEST_JSON_ARRAY:
            return {"shape": list(value.shape)}
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
