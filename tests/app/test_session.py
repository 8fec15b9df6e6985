from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.checked_json import with_checksum
from app.library.library import Library, library_folder
from app.session import Session
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.limits import UnsafeError
from models import schemas
from models.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def session(tmp_path: Path):
    made = Session(read_bench("virtual"), Library(tmp_path / "library"))
    yield made
    made.close()


def test_the_folder_is_the_given_one_then_the_environments(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TWINRIG_LIBRARY", str(tmp_path / "env"))
    assert library_folder(str(tmp_path / "given")) == tmp_path / "given"
    assert library_folder() == tmp_path / "env"
    monkeypatch.delenv("TWINRIG_LIBRARY")
    assert library_folder().name == "Twinrig"


def test_an_empty_library_is_empty(tmp_path) -> None:
    assert Library(tmp_path / "none").artefacts() == []


def test_artefacts_are_known_by_their_files_and_broken_ones_say_so(tmp_path) -> None:
    head = {"kind": "twin", "schema": schemas.TWIN, "meta": {"id": "twin-a"}}
    for name, file, text in (
        ("a", "twin.json", json.dumps(with_checksum(head))),
        ("b", "network.json", "{ cut sho"),
        ("c", "notes.txt", "no artefact"),
        ("d", "twin.json", json.dumps(with_checksum(head)).replace("twin-a", "twin-b")),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    found = {a.path.name: a for a in Library(tmp_path).artefacts()}
    assert set(found) == {"a", "b", "d"}
    assert "does not match its checksum" in found["d"].broken
    assert found["a"].id == "twin-a"
    assert not found["a"].broken
    assert "network.json can't be read" in found["b"].broken
    assert [a.kind for a in Library(tmp_path).artefacts("twin")] == ["twin"] * 2


def test_copies_of_a_folder_are_told_apart_in_lists(tmp_path) -> None:
    head = {"kind": "twin", "schema": schemas.TWIN, "meta": {"id": "twin-a"}}
    for name in ("twin-a", "twin-a of Monday"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "twin.json").write_text(json.dumps(with_checksum(head)))
    found = Library(tmp_path).artefacts("twin")
    assert [a.id for a in found] == ["twin-a"] * 2
    assert {a.label for a in found} == {"twin-a", "twin-a of Monday"}


def test_what_is_inside_a_folder_is_told_after_the_others_but_no_copy(tmp_path) -> None:
    def put(folder, name: str) -> None:
        folder.mkdir(parents=True)
        head = {"kind": "twin", "schema": schemas.TWIN, "meta": {"id": name}}
        (folder / "twin.json").write_text(json.dumps(with_checksum(head)))

    put(tmp_path / "cmp-a" / "energy-0", "twin-inside")
    put(tmp_path / "dep-a" / "nodes", "of-a-deployment-that-ended-early")
    put(tmp_path / "twin-a", "twin-own")
    put(tmp_path / "twin-a" / "so-far", "twin-so-far")  # of a twin nothing inside is looked at
    found = Library(tmp_path).artefacts("twin")
    assert [(a.id, a.inside) for a in found] == [("twin-own", ""), ("twin-inside", "cmp-a")]
    assert found[1].label == "energy-0 in cmp-a"


def test_a_second_job_is_refused(session: Session) -> None:
    with (
        session.job("Fitting", hardware=False),
        pytest.raises(RefusedError, match="Fitting runs already"),
        session.job("Training", hardware=False),
    ):
        pytest.fail("two jobs ran")
    assert session.busy == ""


def test_a_hardware_job_needs_a_bench(session: Session) -> None:
    with (
        pytest.raises(RefusedError, match="no bench is connected"),
        session.job("Recording", hardware=True),
    ):
        pytest.fail("it ran without a bench")


def test_the_idle_poll_leaves_a_job_alone(session: Session) -> None:
    session.connect()
    assert session.poll() is not None
    with session.job("Recording", hardware=True):
        assert session.poll() is None
    assert session.poll() is not None


def test_closing_makes_the_bench_safe(session: Session) -> None:
    bench = session.connect()
    bench.energise()
    magnet = bench.magnets["x"]
    magnet.ramp_to_T(0.002)
    assert bench.state()["x"].output_on
    assert any("zero" in words for words in session.make_safe())
    assert not bench.state()["x"].output_on
    session.close()
    assert session.bench is None
    assert session.poll() is None


def test_a_task_borrows_the_bench(session: Session) -> None:
    with pytest.raises(RefusedError, match="not connected"):
        session.with_bench(lambda bench: bench.identities())
    session.connect()
    assert "x" in " ".join(session.with_bench(lambda bench: bench.identities()))


def test_a_network_of_the_schema_before_is_in_the_library(tmp_path: Path) -> None:
    body = {"kind": "network", "schema": 2, "meta": {"id": "net-old"}}
    folder = tmp_path / "net-old"
    folder.mkdir()
    (folder / "network.json").write_text(json.dumps(with_checksum(body)))
    (found,) = Library(tmp_path).artefacts()
    assert (found.kind, found.id, found.broken) == ("net", "net-old", "")


def test_the_idle_poll_goes_on_while_a_job_only_computes(session: Session) -> None:
    session.connect()
    with session.job("Fitting", hardware=False):
        assert (session.busy, session.at_bench) == ("Fitting", "")
        assert session.poll() is not None
        assert all(check.ok for check in session.check())
    with session.job("Recording", hardware=True):
        assert (session.busy, session.at_bench) == ("Recording", "Recording")
        assert session.poll() is None
        with pytest.raises(RefusedError, match="the bench is busy"):
            session.check()
    assert session.at_bench == ""


def test_another_bench_that_is_not_safe_keeps_the_session_from_closing(session, monkeypatch):
    own = session.connect()
    other = Bench.connect(read_bench("virtual-leaky-integrator"))
    session.others.append(other)
    other.energise()

    def refuse():
        raise UnsafeError("go there")

    with monkeypatch.context() as broken:
        broken.setattr(other, "make_safe", refuse)
        where = "virtual leaky integrator: go there"  # each bench has a magnet x
        with pytest.raises(UnsafeError, match=f"^{where}$"):
            session.close()
        assert (session.unsafe, session.bench, session.others) == (where, own, [other])
    session.busy = "a job"
    said = session.make_safe()
    assert [words.partition(": x: ")[0] for words in said] == [other.spec.name, own.spec.name]
    assert session.others == [other]  # a job has it
    session.busy = ""
    session.close()
    assert (session.unsafe, session.bench, session.others) == ("", None, [])
