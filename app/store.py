"""Artefacts on disk, one import for every front end: ids, recordings, twins, networks, sequences.

The formats live in `app.artefacts` (JSON and safetensors), `app.netcdf` and `app.journal`
(recordings), the conversions in `app.recording_store` and `app.weights_store`. Never imports torch.
"""

from __future__ import annotations

from app.artefacts import (
    code_version,
    load_artefact,
    new_directory,
    new_id,
    save_artefact,
    sha256_of,
)

__all__ = [
    "code_version",
    "load_artefact",
    "new_directory",
    "new_id",
    "save_artefact",
    "sha256_of",
]
