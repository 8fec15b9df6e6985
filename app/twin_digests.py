"""Twins and data that trainings are begun with, by the digests of their files: none mixes two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.artefacts import find_file, sha256_of
from app.weights_store import TWIN_FILE
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def digests_of(twins: Iterable[str], tasks: Iterable[str] = ()) -> dict[str, str]:
    """SHA-256 of each twin's file by the path that names it, and of those that tasks name.

    Raises
    ------
    InputError
        One is not there, or can't be read.
    """
    from training.tasks import files_of

    files = [*twins, *(file for task in tasks for file in files_of(task))]
    return {file: sha256_of(find_file(Path(file), TWIN_FILE)) for file in files}


def changed(digests: Mapping[str, str], begun: str) -> list[str]:
    """What has become of files since their digests were taken, a sentence each; none: nothing.

    `begun`: what then happened, such as `the sweep was begun`.
    """
    found = (_change(twin, digest, begun) for twin, digest in digests.items())
    return [words for words in found if words]


def _change(twin: str, digest: str, begun: str) -> str:
    try:
        same = sha256_of(find_file(Path(twin), TWIN_FILE)) == digest
    except InputError as error:
        return f"{error}; bring it back, or begin a new one"
    return "" if same else f"{twin} has changed since {begun}; begin a new one, or put it back"
