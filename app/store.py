"""Artefacts on disk, one import for every front end: ids, recordings, twins, networks, sequences.

The formats live in `app.artefacts` (JSON and safetensors), `app.netcdf` and `app.journal`
(recordings); the conversions in `app.recording_store`, `app.weights_store` and
`app.sequence_files`. Never imports torch.
"""

from __future__ import annotations

from app.artefacts import (
    code_version,
    load_artefact,
    new_directory,
    new_id,
    now_iso,
    save_artefact,
    sha256_of,
)
from app.netcdf import Variable, read_netcdf, write_netcdf
from app.recording_reader import folder_of, read_recording
from app.recording_store import RecordingWriter, write_recording
from app.sequence_files import sequences_from
from app.weights_store import load_network, load_twin, save_network, save_twin

__all__ = [
    "RecordingWriter",
    "Variable",
    "code_version",
    "folder_of",
    "load_artefact",
    "load_network",
    "load_twin",
    "new_directory",
    "new_id",
    "now_iso",
    "read_netcdf",
    "read_recording",
    "save_artefact",
    "save_network",
    "save_twin",
    "sequences_from",
    "sha256_of",
    "write_netcdf",
    "write_recording",
]
