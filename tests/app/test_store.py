"""Twins and networks on disk: they come back as they were, or with one clear error."""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import artefact_samples as samples
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.artefacts import writing
from app.checked_json import canonical, check, parse_json, plain, with_checksum
from app.fit_checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from app.importing.nanoring import is_nanoring
from app.operations.sweep_file import grid_of_file
from app.recording_marks import add_mark, read_marks
from app.report.run import find_artefacts
from app.store import (
    RecordingWriter,
    code_version,
    load_network,
    load_twin,
    new_directory,
    new_id,
    read_recording,
    save_network,
    save_twin,
    sequences_from,
    sha256_of,
    write_recording,
)
from models.errors import InputError, TwinrigError


def test_never_imports_torch() -> None:
    code = "import sys, app.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_twin_comes_back_as_it_was(tmp_path: Path) -> None:
    twin = samples.twin()
    path = save_twin(tmp_path / "t", twin)
    assert path == tmp_path / "t" / "twin.json"
    for place in (path, path.parent):
        back = load_twin(place)
        assert set(back.weights) == set(twin.weights)
        assert all(np.array_equal(back.weights[n], twin.weights[n]) for n in twin.weights)
        assert back.weights["out"].dtype == np.float32
        assert (back.window, back.reset, back.channels) == (twin.window, twin.reset, twin.channels)
        assert back.errors["mean"] == {"value": 0.03, "floor": 0.02, "low": None}


def test_a_network_comes_back_as_it_was(tmp_path: Path) -> None:
    network = samples.network()
    back = load_network(save_network(tmp_path / "n", network))
    assert np.array_equal(back.layers[1].weights, network.layers[1].weights)
    assert np.array_equal(back.node_std, network.node_std)
    assert (back.twins, back.task, back.washout) == (network.twins, network.task, network.washout)
    assert sorted(p.name for p in (tmp_path / "n").iterdir()) == [
        "forecast.safetensors",
        "network.json",
        "weights.safetensors",
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    save_twin(tmp_path / "t", samples.twin())
    before = sha256_of(tmp_path / "t" / "weights.safetensors")
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        save_twin(tmp_path / "t", samples.twin(hidden=5))
    assert sha256_of(tmp_path / "t" / "weights.safetensors") == before
    with pytest.raises(InputError, match=r"holds twin\.json already"):
        new_directory(tmp_path / "t")
    with pytest.raises(InputError, match="is a file"):
        new_directory(tmp_path / "t" / "twin.json")


def test_a_folder_that_can_t_be_looked_into_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's: it had been called a fault of the program."""
    ask = os.stat

    def refuses(path: Any, **options: Any) -> os.stat_result:
        if "theirs" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return ask(path, **options)

    monkeypatch.setattr(os, "stat", refuses)
    with pytest.raises(TwinrigError, match="Permission denied"):
        new_directory(tmp_path / "theirs" / "r")
    with pytest.raises(InputError, match="Permission denied"):
        find_artefacts(tmp_path / "theirs" / "r")
    for read in (read_recording, is_nanoring, grid_of_file):
        with pytest.raises(InputError, match=r"Permission denied.*: check who may read it"):
            read(tmp_path / "theirs" / "r")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body.update(schema=99), "schema 99, this Twinrig reads schema 2"),
        (lambda body: body.update(kind="network"), "kind 'network', expected 'twin'"),
        (lambda body: body.update(latent=4), "checksum"),
        (lambda body: body.pop("checksum"), "checksum"),
        (lambda body: body["files"].clear(), "checksum"),
    ],
)
def test_a_twin_of_another_kind_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    path = save_twin(tmp_path / "t", samples.twin())
    body = json.loads(path.read_text("utf-8"))
    change(body)
    path.write_text(json.dumps(body), "utf-8")
    with pytest.raises(InputError, match=said):
        load_twin(path)


def test_another_schema_names_the_version_that_wrote_it(tmp_path: Path) -> None:
    path = save_twin(tmp_path / "t", samples.twin())
    body = json.loads(path.read_text("utf-8"))
    for meta in ({"code_version": "0.0.9+g455a24b0"}, {}):
        path.write_text(json.dumps({**body, "schema": 1, "meta": meta}), "utf-8")
        named = r" \(0\.0\.9\+g455a24b0\)" if meta else ""
        with pytest.raises(InputError, match=f"use the version that wrote it{named}, or make it"):
            load_twin(path)


def test_a_missing_twin_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load_twin(tmp_path / "nowhere")
    (tmp_path / "recording.nc").touch()
    with pytest.raises(InputError, match=r"holds no twin.json \(there is: recording\.nc\)"):
        load_twin(tmp_path)


def test_weights_of_another_twin_are_noticed(tmp_path: Path) -> None:
    one = save_twin(tmp_path / "one", samples.twin())
    other = save_twin(tmp_path / "other", samples.twin(hidden=5))
    weights = one.parent / "weights.safetensors"
    weights.write_bytes((other.parent / "weights.safetensors").read_bytes())
    with pytest.raises(InputError, match="SHA-256"):
        load_twin(one)
    weights.unlink()
    with pytest.raises(InputError, match="no such file"):
        load_twin(one)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "boom",))

    for name, read in (("twin.json", load_twin), ("recording.nc", read_recording)):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(InputError):
            read(tmp_path / name)
    assert not (tmp_path / "boom").exists()


DAMAGES = st.tuples(st.sampled_from(["cut", "flip", "grow"]), st.floats(0, 1), st.integers(0, 7))


def damaged(content: bytes, damage: tuple[str, float, int]) -> bytes:
    """Cut short, one bit flipped, or with bytes behind its end."""
    kind, where, bit = damage
    at = min(int(where * len(content)), len(content) - 1)
    if kind == "cut":
        return content[:at]
    if kind == "grow":
        return content + bytes([bit]) * (at + 1)
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


@pytest.mark.parametrize("name", ["twin.json", "weights.safetensors"])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=DAMAGES)
def test_a_damaged_twin_is_an_error_never_another_twin(
    tmp_path: Path, name: str, damage: tuple[str, float, int]
) -> None:
    folder = tmp_path / "t"
    if not folder.exists():
        save_twin(folder, samples.twin())
        (tmp_path / "original").write_bytes((folder / name).read_bytes())
    original = (tmp_path / "original").read_bytes()
    (folder / name).write_bytes(damaged(original, damage))
    try:
        body = load_twin(folder).to_json()
    except InputError:
        return
    expected = json.loads(json.dumps(samples.twin().to_json()).replace("NaN", "null"))
    assert json.loads(json.dumps(body)) == expected  # such as 1e-5 spelled 1E-5


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=DAMAGES)
def test_a_damaged_recording_is_an_error(tmp_path: Path, damage: tuple[str, float, int]) -> None:
    path = tmp_path / "r" / "recording.nc"
    if not path.exists():
        write_recording(path.parent, samples.full())
        (tmp_path / "original").write_bytes(path.read_bytes())
    path.write_bytes(damaged((tmp_path / "original").read_bytes(), damage))
    with pytest.raises(InputError):
        read_recording(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON)
def test_what_is_read_of_a_json_text_is_plain_and_checked_as_it_stands(value: Any) -> None:
    """The checksum of an artefact is taken of what was read: a library's reading waits for it."""
    body = {"kind": "k", "schema": 1, "value": value}
    with_its = with_checksum(body)
    read = parse_json(json.dumps(with_its).encode(), "here")
    assert canonical(plain(read)) == canonical(read)
    assert check(read, "here", "k", 1) == {"value": plain(value)}
    with pytest.raises(InputError, match="checksum"):
        check({**read, "value": [plain(value), 0]}, "here", "k", 1)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "can't be written"),
        (errno.EROFS, "can't be written"),
        (errno.ENOENT, "the folder has vanished"),
        (errno.EIO, "the disk failed"),
    ],
)
def test_a_disk_fault_says_path_and_what_to_do(code: int, said: str) -> None:
    path = Path("some") / "where.bin"
    with pytest.raises(TwinrigError, match=said) as caught, writing(path):
        raise OSError(code, "as the system says it")
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("name", ["12:30", "what?", "ends.", "con", "NUL.txt"])
def test_a_name_that_a_file_system_refuses_is_no_fault_of_the_drive(name: str) -> None:
    """NTFS, FAT and shares, on Linux too: "the disk failed (Invalid argument): check the drive"."""
    with pytest.raises(TwinrigError) as caught, writing(Path("..") / name / "recording.nc"):
        raise OSError(errno.EINVAL, "Invalid argument")
    assert f"does not take the name {name!r}: choose one without" in str(caught.value)


@pytest.mark.parametrize("name", ["rec-1", "Ünter 'q' (2)", "console", "x.con"])
def test_a_name_that_all_take_is_not_blamed(name: str) -> None:
    with pytest.raises(TwinrigError, match="the disk failed"), writing(Path("..") / name):
        raise OSError(errno.EINVAL, "Invalid argument")


def test_ids_and_versions() -> None:
    assert new_id("rec").startswith("rec-2")
    assert new_id("twin") != new_id("twin")
    assert code_version()[0].isdigit()


def test_a_user_whose_clone_it_is_not_keeps_the_commit_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Git tells it to nobody but the owner; artefacts then had the version without a commit."""
    own = code_version()
    if "+g" not in own:
        pytest.skip("runs from no clone")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code_version.cache_clear()
    assert code_version() == own
    code_version.cache_clear()


def test_sequences_of_the_short_form() -> None:
    sequences, window, reset = sequences_from("smooth:3x20@7")
    assert [s.steps for s in sequences] == [20, 20, 20]
    assert (window, reset) == (None, None)


def test_sequences_of_a_recording_bring_window_and_reset(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "r", samples.full(lengths=(5, 3)))
    for place in (path, path.parent):
        sequences, window, reset = sequences_from(str(place))
        assert [s.drive.tolist() for s in sequences] == [[0, 0.25, 0.5, 0.75, 1], [0, 0.5, 1]]
        assert (window, reset) == (samples.WINDOW, samples.RESET)


def test_a_sequence_file_may_begin_with_the_mark_of_windows_editors(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"sequences": [[0, 0.5]]}', "utf-8-sig")
    assert sequences_from(path)[0][0].drive.tolist() == [0.0, 0.5]


def test_sequences_of_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    body = {
        "sequences": [[0, 1], {"drive": [0.5], "family": "mine"}],
        "window": {"encoding": "step", "low_T": 0.0, "high_T": 0.01},
    }
    path.write_text(json.dumps(body))
    sequences, window, reset = sequences_from(path)
    assert [(s.family, s.drive.tolist()) for s in sequences] == [("given", [0, 1]), ("mine", [0.5])]
    assert window is not None
    assert (window.high_T, reset) == (0.01, None)


def test_all_faults_of_a_sequence_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    body = {
        "sequences": [[0, 2], [], ["a"], {"drives": [1]}, 3],
        "windo": {},
        "reset": {"field": 1},
        "window": {"encoding": "stepp", "low_T": 0, "high_T": 1},
    }
    path.write_text(json.dumps(body))
    with pytest.raises(InputError) as caught:
        sequences_from(path)
    text = str(caught.value)
    for said in (
        "did you mean 'window'", "did you mean 'field_T'", "did you mean 'step'", "sequence 0:",
        "sequence 1:", "sequence 2:", "sequence 3:", "sequence 4:", "2 at step 1 is outside 0…1",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    "content", [b"", b"[1,", b"[1]", b'{"sequences": NaN}', b"\xff\xfe", b"{}"]
)
def test_a_broken_sequence_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"s\.json"):
        sequences_from(path)


def test_what_sequences_takes_is_said() -> None:
    with pytest.raises(InputError, match="mixed:40x100@7"):
        sequences_from("nowhere.json")
    with pytest.raises(InputError, match="did you mean 'mixed'"):
        sequences_from("mixd:4x10")


def test_what_somebody_has_open_for_a_moment_is_replaced_and_removed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, while the Library reads a run that goes on: a fit of hours had ended by it."""
    refused: list[str] = []

    def at_first_refused(name: str, act: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if refused.count(name) < 2:
                refused.append(name)
                raise PermissionError(errno.EACCES, "The process cannot access the file")
            return act(*arguments, **options)

        return call

    save_checkpoint(tmp_path, {"a": np.zeros(2)}, {"n": 1})
    monkeypatch.setattr(os, "replace", at_first_refused("replace", os.replace))
    save_checkpoint(tmp_path, {"a": np.ones(2)}, {"n": 2})
    assert load_checkpoint(tmp_path)[1]["n"] == 2
    monkeypatch.setattr(os, "unlink", at_first_refused("unlink", os.unlink))
    remove_checkpoint(tmp_path)
    assert refused == ["replace"] * 2 + ["unlink"] * 2
    assert list(tmp_path.iterdir()) == []
    writer = RecordingWriter(tmp_path / "r", samples.blank())
    refused.clear()
    assert writer.finish("stopped").status == "stopped"
    assert "unlink" in refused
    assert not (tmp_path / "r" / "journal.bin").exists()


def test_what_stays_open_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_from: Path, _to: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file")

    monkeypatch.setattr(os, "replace", refuses)
    monkeypatch.setattr("app.disk.PATIENCE_S", 0.1)
    with pytest.raises(TwinrigError, match="cannot access the file"):
        save_checkpoint(tmp_path, {"a": np.zeros(2)}, {"n": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_bytes_that_are_no_text_ends_nothing(tmp_path: Path) -> None:
    """A folder that an old share spells in Latin-1: the fit of its recordings ended at its end."""
    word = b"f\xfcr".decode("utf-8", "surrogateescape")
    recording = samples.blank()
    recording.meta["sample"] = word
    writer = RecordingWriter(tmp_path / "r", recording)
    writer.remark(f"{word} was void")
    assert read_recording(tmp_path / "r").meta["remarks"] == ["f?r was void"]
    writer.finish("stopped")
    back = read_recording(tmp_path / "r").meta
    assert (back["sample"], back["remarks"]) == ("f?r", ["f?r was void"])
    add_mark(tmp_path / "r", bad=[1], why=word)
    assert [mark.why for mark in read_marks(tmp_path / "r")] == ["f?r"]
    one = samples.twin()
    one.meta["from"] = {"id": "t", "sha256": "0" * 64, "path": f"/{word}/t"}
    save_twin(tmp_path / "t", one)
    assert load_twin(tmp_path / "t").meta["from"]["path"] == "/f?r/t"
