"""`twinrig export`: what other programs read is what was measured, and comes back as it was."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import scipy.io
from network_samples import run, saved_network

from app.cli.main import main
from app.deployment_export import rows_of
from app.deployment_store import SERIES, Deployment, load_deployment
from app.export_files import MAT_BYTES, write_mat
from app.importing.preview import preview
from app.operations.deploy import deploy
from app.operations.events import Note, Result
from app.operations.export import export
from app.operations.import_measured import import_measured
from app.operations.mark import mark
from app.recording_export import arrays_of
from app.recording_marks import bad_positions
from app.store import read_recording, write_recording
from instruments.bench import Bench
from instruments.bench_file import read_bench
from models.errors import InputError
from models.paths import file_at
from models.recording import Recording, stacked
from models.sequence import DriveWindow, FieldSequence, Reset

if TYPE_CHECKING:
    from pathlib import Path

S, R, T = 3, 4, 6
ARRAYS = ("npz", "mat")
BY_NAMES = (
    "response=response:sequence,repeat,step,channel channels=X,Y drive=drive:sequence,step "
    "holds=holds"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording whose last sequence is two steps shorter and misses its last repeat."""
    rng = np.random.default_rng(0)
    drives = [rng.uniform(0, 1, n) for n in (T, T, T - 2)]
    response = rng.standard_normal((S, R, T, 2))
    order = rng.permutation(S * R).reshape(S, R)
    order[2, 3] = -1
    response[2, :, T - 2 :] = np.nan
    response[2, 3] = np.nan
    set_s = np.where(np.isfinite(response[..., 0]), rng.uniform(0, 9, (S, R, T)), np.nan)
    recording = Recording(
        response, order=order, start_s=np.where(order < 0, np.nan, 1.5 * order),
        channels=("X", "Y"), units=("V", "V"), window=DriveWindow("step", -0.02, 0.04),
        reset=Reset(-0.05), identities={"lockin": "SR830,µ"}, set_s=set_s,
        meta={"id": "rec-a", "created": "2026-12-02T00:00:00+00:00"},
        **stacked([FieldSequence(drive, "steps") for drive in drives]),
    )  # fmt: skip
    write_recording(tmp_path / "rec", recording)
    return tmp_path / "rec"


def exported(folder: Path, name: str) -> tuple[Path, dict[str, Any], list[str]]:
    events = list(export(folder, folder.parent / name))
    assert isinstance(events[-1], Result)
    said = [event.text for event in events if isinstance(event, Note)]
    return folder.parent / name, events[-1].values, said


def test_a_table_has_a_row_for_each_step_of_each_repeat_that_was_recorded(folder: Path) -> None:
    bad = int(read_recording(folder).order[0, 1])
    list(mark(folder, bad={bad + 1}))
    file, values, said = exported(folder, "a.csv")
    assert values["repeats"] == S * R - 1
    assert said == ["1 of its repeats are marked bad: written, with `bad` = 1"]
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    known = read_recording(folder)
    assert len(rows) == 2 * R * T + 3 * (T - 2)
    for row in rows:
        s, r, t = (int(row[name]) - 1 for name in ("sequence", "repeat", "step"))
        assert [float(row["X (V)"]), float(row["Y (V)"])] == known.response[s, r, t].tolist()
        assert float(row["drive"]) == known.drive[s, t]
        assert float(row["field_T"]) == pytest.approx(-0.02 + 0.06 * known.drive[s, t])
        assert float(row["set_s"]) == known.set_s[s, r, t]
        assert int(row["recorded"]) == known.order[s, r] + 1
        assert row["bad"] == str(int((s, r) == (0, 1)))
    assert "read_s" not in rows[0]  # nobody knows it
    assert "holds" not in rows[0]


@pytest.mark.parametrize("ending", ["csv", *ARRAYS])
def test_repeats_that_were_marked_bad_do_not_come_back_as_good_unsaid(
    folder: Path, ending: str
) -> None:
    two = read_recording(folder).select(np.array([0, 1]))
    whole = replace(two, order=np.arange(2 * R).reshape(2, R))
    write_recording(folder.parent / "two", whole)
    bad = {int(position) + 1 for position in whole.order[0, 1:3]}
    list(mark(folder.parent / "two", bad=bad))
    file, _, _ = exported(folder.parent / "two", f"a.{ending}")
    words = BY_NAMES if ending in ARRAYS else preview(file).guess
    events = list(import_measured(file, words, folder.parent / "again"))
    said = [
        event.text for event in events if isinstance(event, Note) and "marked bad" in event.text
    ]
    assert len(said) == 1
    assert f"places in that run: {','.join(map(str, sorted(bad)))}" in said[0]


@pytest.mark.parametrize("ending", ARRAYS)
def test_arrays_are_those_of_the_recording(folder: Path, ending: str) -> None:
    file, _, said = exported(folder, f"a.{ending}")
    assert not said
    known = read_recording(folder)
    found: Any = np.load(file) if ending == "npz" else scipy.io.loadmat(file, squeeze_me=True)
    np.testing.assert_array_equal(found["response"], known.response)
    np.testing.assert_array_equal(found["drive"], known.drive)
    np.testing.assert_array_equal(found["recorded"], known.order + 1)
    np.testing.assert_array_equal(found["set_s"], known.set_s)
    assert "read_s" not in found
    assert not found["bad"].any()
    assert list(map(str, found["channels"])) == ["X", "Y"]
    about = json.loads(str(found["about"]))
    assert about["identities"] == {"lockin": "SR830,µ"}
    assert about["reset"]["field_T"] == -0.05
    assert about["meta"]["id"] == "rec-a"


@pytest.mark.parametrize("ending", ["csv", *ARRAYS])
def test_it_comes_back_by_a_map_of_its_names(folder: Path, ending: str) -> None:
    file, _, _ = exported(folder, f"a.{ending}")
    words = BY_NAMES if ending in ARRAYS else preview(file).guess
    as_field = words.replace("drive=drive", "drive=field_T")
    list(import_measured(file, f"{as_field} field=-0.02,0.04,T", folder.parent / "back"))
    back, known = read_recording(folder.parent / "back"), read_recording(folder)
    np.testing.assert_array_equal(back.response, known.response)
    np.testing.assert_array_equal(back.lengths, known.lengths)
    np.testing.assert_allclose(back.drive, known.drive, atol=1e-12)
    assert (back.window.low_T, back.window.high_T) == (-0.02, 0.04)
    assert back.channels == ("X", "Y")


def same(back: Recording, known: Recording) -> None:
    """All of a recording but what its import adds."""
    for name in known.__dataclass_fields__:
        one, other = getattr(back, name), getattr(known, name)
        if isinstance(other, np.ndarray):
            np.testing.assert_array_equal(one, other, err_msg=name)
            assert one.dtype == other.dtype, name
        elif name != "meta":
            assert one == other, name
    assert {key: value for key, value in back.meta.items() if key != "imported"} == known.meta
    assert back.meta["imported"]["id"] == known.meta["id"]


def varied(known: Recording) -> dict[str, Recording]:
    """Recordings with what else there may be in one."""
    holds = known.holds.copy()
    holds[0, 0] = 3
    told = {"sample": "Ring 3 · µ", "temperature_K": 293.4, "notes": "loose wire?", "seed": 5}
    axis = {"sweep_type": "linear", "start_Hz": 4e9, "stop_Hz": 5e9, "points": 41}
    return {
        "as it is": known,
        "holds and notes": replace(known, holds=holds, meta={**known.meta, **told}),
        "spectrum": replace(
            known, channels=("S21[2]", "S21[7]"), settings={"pna": axis}, units=("dB", "1"),
            measured_field_T=np.where(np.isfinite(known.set_s), 0.0301, np.nan),
        ),
        "one of each": replace(
            known.select(np.array([1])), response=known.response[1:2, :1, :, :1],
            order=np.zeros((1, 1), dtype=np.int64), start_s=known.start_s[1:2, :1],
            set_s=known.set_s[1:2, :1], read_s=known.read_s[1:2, :1],
            measured_field_T=known.measured_field_T[1:2, :1], channels=("R",), units=("Ω",),
        ),
        "no family": replace(known, families=("", "steps", "")),
        "stopped": replace(known, status="stopped", window=DriveWindow("loop", -1e-3, 7e-3, 0.25)),
    }  # fmt: skip


@pytest.mark.parametrize("ending", ARRAYS)
@pytest.mark.parametrize(
    "which", ["as it is", "holds and notes", "spectrum", "one of each", "no family", "stopped"]
)
def test_arrays_come_back_as_the_recording_that_they_were(
    folder: Path, ending: str, which: str
) -> None:
    known = varied(read_recording(folder))[which]
    write_recording(folder.parent / "known", known)
    bad = int(known.order[0, 0])
    list(mark(folder.parent / "known", bad={bad + 1}))
    file, _, _ = exported(folder.parent / "known", f"a.{ending}")
    out = folder.parent / "back"
    assert main(["import", str(file), "--out", str(out)]) == 0
    same(read_recording(out), read_recording(folder.parent / "known"))
    assert bad_positions(out) == {bad}


def test_arrays_that_matlab_saved_once_more_come_back_too(folder: Path) -> None:
    """Version 7.3 is HDF5: axes reversed, last ones of length 1 gone, names as references."""
    whole = read_recording(folder)
    known = replace(varied(whole)["one of each"], families=("",))
    write_recording(folder.parent / "known", known)
    file, _, _ = exported(folder.parent / "known", "a.npz")
    with np.load(file) as arrays, h5py.File(folder.parent / "b.mat", "w") as saved:
        for name in arrays.files:
            save_as_matlab(saved, name, arrays[name])
    list(import_measured(folder.parent / "b.mat", "exported", folder.parent / "back"))
    same(read_recording(folder.parent / "back"), known)


def save_as_matlab(file: h5py.File, name: str, values: Any) -> None:
    """A variable as MATLAB's `save -v7.3` lays it out: at least two axes, in reverse."""
    if values.dtype.kind == "U" and values.ndim == 0:
        codes = np.frombuffer(str(values).encode("utf-16-le"), dtype=np.uint16)
        file[name] = codes[:, None] if codes.size else np.zeros(2, dtype=np.uint64)
        if not codes.size:
            file[name].attrs["MATLAB_empty"] = np.uint8(1)
        file[name].attrs["MATLAB_class"] = np.bytes_("char")
        return
    if values.dtype.kind == "U":
        for k, word in enumerate(values.tolist()):
            save_as_matlab(file, f"#refs#/{name}{k}", np.array(word))
        cells = [file[f"#refs#/{name}{k}"].ref for k in range(len(values))]
        file.create_dataset(name, data=np.array([cells], dtype=h5py.ref_dtype).T)
        file[name].attrs["MATLAB_class"] = np.bytes_("cell")
        return
    shape = list(np.atleast_2d(values).shape)
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    file[name] = values.astype(float).reshape(shape).T
    file[name].attrs["MATLAB_class"] = np.bytes_("double")


def test_numbers_that_were_changed_are_another_recording(folder: Path) -> None:
    """By its id a twin knows what it was fitted on, and which sequences were held out."""
    file, _, _ = exported(folder, "a.npz")
    with np.load(file) as arrays:
        kept = {**arrays, "response": 2 * arrays["response"]}
    np.savez(folder.parent / "b.npz", **kept)
    list(import_measured(folder.parent / "b.npz", "exported", folder.parent / "back"))
    back = read_recording(folder.parent / "back")
    assert back.meta["imported"]["id"] == "rec-a"
    assert back.meta["id"] != "rec-a"
    list(import_measured(file, "exported", folder.parent / "same"))
    assert read_recording(folder.parent / "same").meta["id"] == "rec-a"


def test_arrays_that_were_changed_and_no_longer_fit_are_refused_all_at_once(folder: Path) -> None:
    file, _, _ = exported(folder, "a.npz")
    with np.load(file) as arrays:
        kept = {**arrays, "response": arrays["response"][:, :2], "start_s": np.zeros(9)}
    np.savez(folder.parent / "b.npz", **kept)
    with pytest.raises(InputError) as caught:
        list(import_measured(folder.parent / "b.npz", "exported", folder.parent / "back"))
    assert "'response' is (3, 2, 6, 2) of float64, not numbers (3, 4, 6, 2)" in str(caught.value)
    assert "'start_s' is (9,)" in str(caught.value)
    assert "--map response=" in str(caught.value)
    with pytest.raises(InputError, match="'exported' takes the file as it was and stands alone"):
        list(import_measured(file, "exported units=V", folder.parent / "back"))
    assert not file_at(folder.parent / "back")


def test_a_device_held_for_several_steps_says_so(folder: Path) -> None:
    known = read_recording(folder)
    holds = known.holds.copy()
    holds[0, 0] = 3
    fields = {name: getattr(known, name) for name in known.__dataclass_fields__}
    write_recording(folder.parent / "held", Recording(**fields | {"holds": holds}))
    file, _, _ = exported(folder.parent / "held", "held.csv")
    with file.open(encoding="utf-8", newline="") as text:
        first = next(csv.DictReader(text))
    assert first["holds"] == "3"


def test_what_can_not_be_written_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"ends in '.xlsx'; what can be written ends in .csv"):
        exported(folder, "a.xlsx")
    exported(folder, "a.csv")
    assert main(["export", str(folder), "--out", str(tmp_path / "a.csv")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "b.csv")]) == 2
    assert main(["export", str(folder), "--out", str(tmp_path / "no" / "b.csv")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert not list(tmp_path.glob("*b.csv*"))


def test_an_array_beyond_what_matlabs_format_holds_is_refused_in_words(folder: Path) -> None:
    arrays = arrays_of(read_recording(folder), ())
    arrays["response"] = np.broadcast_to(0.0, (S, R, T, MAT_BYTES // (8 * S * R * T) + 1))
    with pytest.raises(InputError, match=r"2\.1 GB.*write \.npz"):
        write_mat(None, arrays)  # type: ignore[arg-type]  # nothing is written


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment's folder."""
    root = tmp_path_factory.mktemp("deployed")
    with Bench.connect(read_bench("virtual")) as bench:
        network = saved_network(bench, root, (2,))
        run(deploy(network, bench, root / "dep"))
    return root / "dep"


def test_of_a_deployment_a_table_has_a_row_for_each_answer(
    deployment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(deployment), "--out", str(tmp_path / "a.csv")]) == 0
    assert f"twinrig export {deployment / 'nodes'}" in capsys.readouterr().err
    shutil.copytree(deployment, tmp_path / "two")
    shutil.copytree(deployment / "nodes", tmp_path / "two" / "nodes-2")  # of a second device
    assert main(["export", str(tmp_path / "two"), "--out", str(tmp_path / "b.csv")]) == 0
    told = capsys.readouterr().err.splitlines()
    for nodes in ("nodes", "nodes-2"):
        assert (
            sum(line.endswith(f"twinrig export {tmp_path / 'two' / nodes}") for line in told) == 1
        )
    known = load_deployment(deployment).arrays
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert list(rows[0]) == ["answer", *SERIES]
    assert [row["answer"] for row in rows] == [str(k + 1) for k in range(60)]
    for name in SERIES:
        assert [float(row[name]) for row in rows] == known[name].tolist()


@pytest.mark.parametrize("ending", ARRAYS)
def test_of_a_deployment_arrays_hold_its_nodes_too(
    deployment: Path, tmp_path: Path, ending: str
) -> None:
    file, made = tmp_path / f"a.{ending}", load_deployment(deployment)
    list(export(deployment / "deployment.json", file))
    found: Any = np.load(file) if ending == "npz" else scipy.io.loadmat(file, squeeze_me=True)
    for name in (*SERIES, "misfit", "clipped"):
        np.testing.assert_array_equal(found[name], made.arrays[name])
    assert found["layer"].tolist() == [1, 1]
    assert json.loads(str(found["about"]))["measured"] == made.body["measured"]
    assert "classes" not in found


def test_of_several_outputs_each_has_columns_of_its_own() -> None:
    arrays = {name: np.arange(6.0).reshape(3, 2) + k for k, name in enumerate(SERIES)}
    named, numbered = (
        list(rows_of(Deployment({"classes": classes}, arrays, ())))
        for classes in (["open", "closed fist"], [])
    )
    assert named[0][:4] == ["answer", "prediction open", "prediction closed fist", "target open"]
    assert numbered[0][:4] == ["answer", "prediction 1", "prediction 2", "target 1"]
    assert named[1:] == numbered[1:]
    assert named[2][:4] == (2, 2.0, 3.0, 3.0)


def test_of_a_deployment_on_its_way_it_says_what_is_missing(
    deployment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(deployment, tmp_path / "dep")
    (tmp_path / "dep" / "deployment.json").unlink()
    assert main(["export", str(tmp_path / "dep"), "--out", str(tmp_path / "b.csv")]) == 2
    assert "holds no recording.nc (there is: nodes, result.nc" in capsys.readouterr().err
    assert not file_at(tmp_path / "b.csv")


@pytest.mark.parametrize("own", [".", "recording.nc"])
def test_an_import_of_a_recording_says_that_it_is_one_already(
    folder: Path, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(folder / own), "--out", str(folder.parent / "again")]) == 2
    assert "it is a recording of Twinrig already: fit, evaluate" in capsys.readouterr().err


def test_a_table_of_a_spectrum_comes_back_by_the_map_that_import_proposes(folder: Path) -> None:
    """Its columns have a point in their names: they were taken for groups, and none for a map."""
    known = replace(varied(read_recording(folder))["spectrum"], units=("1", "1"))
    write_recording(folder.parent / "known", known)
    file, _, _ = exported(folder.parent / "known", "a.csv")
    list(import_measured(file, preview(file).guess, folder.parent / "back"))
    back = read_recording(folder.parent / "back")
    np.testing.assert_array_equal(back.response, known.response)
    assert back.channels == ("S21[2]_at_4.050_GHz", "S21[7]_at_4.175_GHz")
