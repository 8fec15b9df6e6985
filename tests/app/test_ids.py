"""An id and the name of its folder: one and the same where the folder is named as an id is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fit_device import record_device
from network_samples import TASK
from recorded import SEQUENCES

from app.artefacts import new_id
from app.library.index import Index
from app.library.library import Library
from app.operations.deploy import deploy
from app.operations.events import Result, RunPlan
from app.operations.fit import fit
from app.operations.record import record
from app.operations.simulate import simulate
from app.operations.train import train
from app.store import load_network, load_twin, read_recording, write_recording
from models.sequence import make_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.operations.events import Event
    from instruments.bench import Bench


def _whole(events: Iterator[Event]) -> list[Any]:
    found = list(events)
    assert isinstance(found[-1], Result)
    return found


@pytest.mark.parametrize("kind", ["rec", "twin", "net", "dep", "cal"])
def test_a_folder_that_is_named_as_an_id_gives_it(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / new_id(kind)
    assert new_id(kind, folder) == folder.name
    other = "net" if kind != "net" else "rec"
    assert new_id(other, folder).startswith(f"{other}-")
    assert new_id(kind, tmp_path / "morning") not in ("morning", new_id(kind))


def test_a_recording_and_a_deployment_are_found_by_the_id_in_their_plots(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    library = Library(tmp_path)
    for kind, run in (
        ("rec", lambda out: record(bench, SEQUENCES, 1, out)),
        ("dep", lambda out: deploy(kept / "network", bench, out)),
    ):
        out = library.new_path(kind)
        (plan,) = (e for e in _whole(run(out)) if isinstance(e, RunPlan))
        assert plan.run_id == out.name
        assert [a.id for a in library.artefacts(kind)] == [out.name]
        (entry,) = (e for e in Index(library).read() if e.kind == kind)
        assert entry.id == out.name


def test_what_a_twin_answers_has_its_folders_name(kept: Path, tmp_path: Path) -> None:
    out = Library(tmp_path).new_path("rec")
    _whole(simulate(kept / "twin", make_sequences("steps", 1, 5, 0), 1, out))
    assert read_recording(out).meta["id"] == out.name


def test_a_twin_and_a_network_have_their_folders_names(kept: Path, tmp_path: Path) -> None:
    library = Library(tmp_path)
    write_recording(tmp_path / "r", record_device(6, 4, 1))
    out = library.new_path("twin")
    _whole(fit([tmp_path / "r"], out, iterations=5, latent=2, hidden=8))
    assert load_twin(out).meta["id"] == out.name
    out = library.new_path("net")
    _whole(train(TASK, [kept / "twin"], (2,), out, iterations=0))
    assert load_network(out).meta["id"] == out.name
