"""import: what of a file is no numbers is named; channels that stand in arrays of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

from app.cli.main import main
from app.importing.preview import preview, show
from app.importing.reading import read_all
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 4, 3, 10))
DRIVE = RNG.uniform(0, 1, (4, 10))


def of_npz(file: Path) -> None:
    ragged = np.empty(4, dtype=object)
    np.savez(file, response=ragged, drive=DRIVE, channels=np.array(["X", "Y"]))


def test_objects_and_texts_are_named_and_a_drive_is_never_guessed_as_the_response(
    tmp_path: Path,
) -> None:
    of_npz(tmp_path / "a.npz")
    seen = preview(tmp_path / "a.npz")
    assert seen.left_out == {
        "response": "Python objects, which are never loaded",
        "channels": "text: X, Y",
    }
    assert seen.guess == ""
    (result,) = show(tmp_path / "a.npz")
    assert result.values["left_out"][1] == "channels: text: X, Y"
    with pytest.raises(InputError, match=r"left out: response .Python objects, which are never"):
        list(import_measured(tmp_path / "a.npz", "response=response:step", tmp_path / "r"))


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF3_64BIT"])
def test_names_of_channels_in_a_netcdf_file_stand_in_the_map(tmp_path: Path, form: str) -> None:
    dims = ("sequence", "repeat", "step", "channel")
    data = xr.Dataset(
        {"signal": (dims, np.stack([X, Y], -1)), "drive": (("sequence", "step"), DRIVE)},
        coords={"channel": ["in phase", "Y"]},
    )
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf" if form == "NETCDF4" else "scipy")
    seen = preview(tmp_path / "a.nc")
    assert seen.left_out == {"channel": "text: in phase, Y"}
    assert " channels=in_phase,Y " in seen.guess
    list(import_measured(tmp_path / "a.nc", seen.guess, tmp_path / "r"))
    assert read_recording(tmp_path / "r").channels == ("in_phase", "Y")


def test_arrays_of_one_shape_are_channels_of_one_response(tmp_path: Path) -> None:
    units = {"units": "V"}
    dims = ("sequence", "repeat", "step")
    data = xr.Dataset({"X": (dims, X, units), "Y": (dims, Y, units), "drive": (dims[::2], DRIVE)})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    seen = preview(tmp_path / "a.nc")
    assert seen.guess.startswith("response=X+Y:sequence,repeat,step,channel ")
    assert seen.joined is not None
    assert seen.joined.shape == (4, 3, 10, 2)
    list(import_measured(tmp_path / "a.nc", seen.guess, tmp_path / "r"))
    made = read_recording(tmp_path / "r")
    assert (made.channels, made.units) == (("X", "Y"), ("V", "V"))
    assert np.array_equal(made.response, np.stack([X, Y], -1))
    with pytest.raises(InputError, match=r"joined arrays must be of one shape: X .4, 3, 10."):
        list(import_measured(tmp_path / "a.nc", "response=X+drive:step", tmp_path / "none"))


def test_both_parts_of_complex_numbers_with_channels_of_their_own(tmp_path: Path) -> None:
    s21 = np.stack([X, Y], -1) + 1j * np.stack([Y, X + 1], -1)
    np.savez(tmp_path / "a.npz", s21=s21, drive=DRIVE)
    seen = preview(tmp_path / "a.npz")
    assert seen.guess.startswith("response=s21.real+s21.imag:sequence,repeat,step,channel ")
    list(import_measured(tmp_path / "a.npz", seen.guess, tmp_path / "r"))
    made = read_recording(tmp_path / "r")
    assert made.channels == ("s21.real.0", "s21.real.1", "s21.imag.0", "s21.imag.1")
    assert np.array_equal(made.response[..., 3], X + 1)


def test_columns_of_repeats_are_repeats_and_others_of_a_table_are_channels(tmp_path: Path) -> None:
    rows = "".join(f"{t / 10},0.{t},{t}.5,{t}.6,{t}.7\n" for t in range(8))
    (tmp_path / "a.csv").write_text("time,H,rep1,rep2,rep3\n" + rows)
    guess = preview(tmp_path / "a.csv").guess
    assert guess == "response=rep1+rep2+rep3:step,repeat drive=H"
    list(import_measured(tmp_path / "a.csv", guess, tmp_path / "r"))
    assert read_recording(tmp_path / "r").response[0, 2, :, 0].tolist() == [
        t + 0.7 for t in range(8)
    ]
    (tmp_path / "b.csv").write_text("time,H,X,Y,T\n" + rows)
    assert preview(tmp_path / "b.csv").guess == "response=X+Y+T:step,channel drive=H"


def test_a_table_of_numpys_or_hdf5s_own_kind_is_read_column_by_column(tmp_path: Path) -> None:
    kind = [("run", "i4"), ("trial", "i4"), ("X", "f8"), ("remark", "S4")]
    rows = [(s, r, s + 0.1 * t, b"ok") for s in range(2) for r in range(2) for t in range(4)]
    table = np.array(rows, dtype=kind)
    np.savez(tmp_path / "a.npz", table=table)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["table"] = table
    for name in ("a.npz", "a.h5"):
        seen = preview(tmp_path / name)
        assert seen.guess == "response=table.X repeat=table.trial sequence=table.run"
        assert seen.left_out["table.remark"].startswith("text: ok, ok")
        list(import_measured(tmp_path / name, seen.guess, tmp_path / f"r{name}"))
        assert read_recording(tmp_path / f"r{name}").response.shape == (2, 2, 4, 1)


def test_names_that_numpys_savetxt_puts_in_a_comment_are_the_columns(tmp_path: Path) -> None:
    table = np.array([(s, r, t, s + t) for s in range(2) for r in range(3) for t in range(4)])
    np.savetxt(tmp_path / "a.txt", table, header="sample 7\nrun rep step X")
    assert preview(tmp_path / "a.txt").guess == "response=X repeat=rep step=step sequence=run"
    assert np.array_equal(
        read_all(tmp_path / "a.txt")["values"].values, table
    )  # its first row, too
    np.savetxt(tmp_path / "b.txt", table, header="one two three 4")  # no names: one is a number
    assert [info.name for info in preview(tmp_path / "b.txt").arrays] == ["values"]


def test_matlab_7_3_arrays_of_structures_texts_and_empty_cells(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        references = []
        for s in range(3):
            one = file.create_dataset(f"#refs#/{s}", data=np.arange(8.0).reshape(4, 2) + s)
            one.attrs["MATLAB_class"] = np.bytes_("double")
            references.append(one.ref)
        empty = file.create_dataset("#refs#/e", data=np.zeros(2, dtype="u8"))
        empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("double"), 1
        text = file.create_dataset("#refs#/t", data=np.array([[88], [49]], dtype="u2"))
        text.attrs["MATLAB_class"] = np.bytes_("char")
        group = file.create_group("#refs#/s")
        kind = h5py.ref_dtype
        file.create_dataset("trials/signal", data=np.array([references], dtype=kind), dtype=kind)
        for name, held in (
            ("cells", [*references, empty.ref]), ("names", [text.ref]), ("mixed", [group.ref]),
        ):  # fmt: skip
            cell = file.create_dataset(name, data=np.array([held], dtype=kind), dtype=kind)
            cell.attrs["MATLAB_class"] = np.bytes_("cell")
    seen = preview(tmp_path / "a.mat")
    shapes = {info.name: info.shape for info in seen.arrays}
    assert shapes == {"cells": (4, 2, 4), "trials.signal": (3, 2, 4)}
    assert seen.left_out == {"mixed": "no numbers", "names": "text: X1"}


def test_a_cell_of_structures_in_matlabs_own_format_is_named(tmp_path: Path) -> None:
    cell = np.empty(2, dtype=object)
    cell[:] = [{"a": 1.0}, {"b": 2.0}]  # of unlike ones
    scipy.io.savemat(tmp_path / "a.mat", {"runs": cell, "x": X, "note": "dry"})
    assert preview(tmp_path / "a.mat").left_out == {"runs": "no numbers", "note": "text: dry"}


def test_a_unit_that_is_none_of_a_field_is_said_and_the_map_goes_without_it(tmp_path: Path) -> None:
    dims = ("sequence", "repeat", "step")
    drive = (dims[::2], 9 * DRIVE, {"units": "furlong"})
    xr.Dataset({"X": (dims, X), "field": drive}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    seen = preview(tmp_path / "a.nc")
    assert seen.guess.endswith(" drive=field:sequence,step field=auto")
    assert seen.notes[0].startswith("drive 'field': 'furlong' is no unit of a field; known: T, mT,")
    list(import_measured(tmp_path / "a.nc", seen.guess, tmp_path / "r"))


def test_a_drive_and_hold_times_of_another_length_are_left_out_of_the_map_and_said(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "a.npz", y=X, drive=DRIVE[0, :7], holds=np.ones(6), rate=3200.0)
    (result,) = show(tmp_path / "a.npz")
    assert result.values["map"] == "response=y:sequence,repeat,step"
    drive, holds = result.values["notes"]
    assert drive.startswith("'drive' (7) is named as a drive is but does not fit the response 'y' ")
    assert holds.startswith("'holds' (6) is named as hold times are but does not fit the response")
    np.savez(tmp_path / "b.npz", y=X, drive=DRIVE, dwell=np.ones(10), hold_s=np.ones(6))
    assert preview(tmp_path / "b.npz").guess.endswith(" holds=dwell")
    assert preview(tmp_path / "b.npz").notes == ()


@pytest.mark.parametrize("beside", [{}, {"time": np.arange(10)}, {"run": np.arange(4)}])
def test_a_drive_alone_is_no_response(
    tmp_path: Path, beside: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", drive=DRIVE, **beside)
    seen = preview(tmp_path / "a.npz")
    assert seen.guess == ""
    said = "no response is seen: 'drive' is named as a drive is; if it is the response, say"
    assert seen.notes[0].startswith(said)
    assert seen.left_out_words() == list(seen.notes)  # so that the window shows it
    assert main(["import", str(tmp_path / "a.npz"), "--out", str(tmp_path / "r")]) == 2
    assert f"--map is missing; {said}" in capsys.readouterr().err


@pytest.mark.parametrize("names", ["drive", "time,drive"])
def test_a_table_of_a_drive_alone_is_no_response(tmp_path: Path, names: str) -> None:
    rows = [",".join(["0.5"] * len(names.split(",")))] * 8
    (tmp_path / "a.csv").write_text("\n".join([names, *rows]))
    assert preview(tmp_path / "a.csv").guess == ""


def test_what_stands_beside_a_drive_is_the_response_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("output", "trials", "amplitude"):
        np.savez(tmp_path / "a.npz", drive=DRIVE, **{name: X})
        assert preview(tmp_path / "a.npz").guess.startswith(f"response={name}:"), name
    np.savez(tmp_path / "u.npz", U=X)  # a voltage
    assert preview(tmp_path / "u.npz").guess == "response=U:sequence,repeat,step"


@pytest.mark.parametrize(
    ("names", "axis"),
    [
        ("r1,r2,r3", "repeat"),
        ("r_1,r_2,r_3", "repeat"),
        ("rep1,rep2,rep3", "repeat"),
        ("repeat_1,repeat_2,repeat_3", "repeat"),
        ("R1,R2,R3", "channel"),
        ("r,theta,r2", "channel"),
    ],
)
def test_numbered_columns_are_repeats_where_their_name_says_so(
    tmp_path: Path, names: str, axis: str
) -> None:
    rows = "".join(f"0.{t},{t}.5,{t}.6,{t}.7\n" for t in range(8))
    (tmp_path / "a.csv").write_text(f"drive,{names}\n{rows}")
    joined = names.replace(",", "+")
    assert preview(tmp_path / "a.csv").guess == f"response={joined}:step,{axis} drive=drive"
