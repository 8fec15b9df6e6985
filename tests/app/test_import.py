"""import: files from elsewhere become recordings, or one clear error."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from app.cli.main import main
from app.importing.mapping import parse_map
from app.operations.events import Note, Result
from app.operations.import_measured import import_measured, in_order
from app.store import read_recording
from models.errors import InputError

REPEATS, CHANNELS, STEPS = 5, 3, 4
DATA = Path(os.environ.get("TWINRIG_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def measured() -> np.ndarray:
    """Responses `(repeat, channel, step)`."""
    return np.random.default_rng(1).standard_normal((REPEATS, CHANNELS, STEPS))


def npz(folder: Path, **arrays: Any) -> Path:
    """A file as a laboratory saves it."""
    path = folder / "data.npz"
    np.savez(path, **({"response": measured()} | arrays))
    return path


def imported(file: Path, mapping: str | list[str], out: Path) -> list[Note]:
    """Import; the notes on the way."""
    events = list(import_measured(file, mapping, out))
    assert isinstance(events[-1], Result)
    return [event for event in events if isinstance(event, Note)]


@pytest.mark.parametrize(
    "mapping",
    [
        "response=repeat,channel,step",
        "response:repeat,channel,step",
        "response=response:repeat,channel,step",
        "repeat,channel,step",
        ["response=response", "axes=repeat,channel,step", "drive=none"],
        "axes=repeat,channel,step",
    ],
)
def test_axes_are_named_and_put_in_order(tmp_path: Path, mapping: str | list[str]) -> None:
    notes = imported(npz(tmp_path), mapping, tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    assert recording.response.shape == (1, REPEATS, STEPS, CHANNELS)
    assert np.array_equal(recording.response[0], measured().transpose(0, 2, 1))
    assert recording.drive.tolist() == [[0.0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]]
    assert (recording.channels, recording.units) == (("c0", "c1", "c2"), ("1", "1", "1"))
    assert (recording.families, recording.status) == (("fixed",), "done")
    assert recording.complete.all()
    assert [n.level for n in notes] == ["info"]
    assert recording.meta["imported"]["map"]
    assert len(recording.meta["imported"]["sha256"]) == 64


def test_the_result_has_the_keys_of_record(tmp_path: Path) -> None:
    *_, last = import_measured(npz(tmp_path), "response=repeat,channel,step", tmp_path / "r")
    assert isinstance(last, Result)
    expected = {"sequences": 1, "repeats": REPEATS, "steps": STEPS, "status": "done"}
    assert expected.items() <= last.values.items()
    assert last.values["path"] == str(tmp_path / "r" / "recording.nc")
    assert last.values["channels"] == ["c0", "c1", "c2"]
    assert last.values["seconds"] >= 0
    assert last.values["id"] == read_recording(tmp_path / "r").meta["id"]


def test_it_can_t_be_recorded_on_and_that_is_the_reason_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was refused for a step beyond max_current, which nobody had asked for."""
    np.savez(tmp_path / "a.npz", r=np.random.default_rng(1).normal(size=(4, 8)))
    list(import_measured(tmp_path / "a.npz", "response=r:repeat,step", tmp_path / "r"))
    assert main(["record", "--bench", "virtual", "--resume", str(tmp_path / "r")]) == 2
    said = capsys.readouterr().err
    assert "r was imported, not recorded here: it can't be continued; begin" in said
    assert "beyond" not in said


def test_a_drive_names_and_units_are_taken(tmp_path: Path) -> None:
    drive = np.array([[0.0, 0.5, 1.0, 0.2], [1.0, 0.5, np.nan, np.nan]])
    response = np.random.default_rng(2).standard_normal((2, REPEATS, STEPS, 2))
    path = npz(tmp_path, response=response, u=drive)
    mapping = "response=sequence,repeat,step,channel drive=u:sequence,step channels=X,Y units=V,deg"
    assert imported(path, mapping, tmp_path / "r") == []
    recording = read_recording(tmp_path / "r")
    assert recording.lengths.tolist() == [4, 2]
    assert np.array_equal(recording.drive, drive, equal_nan=True)
    assert np.isnan(recording.response[1, :, 2:]).all()
    assert (recording.channels, recording.units) == (("X", "Y"), ("V", "deg"))


def test_one_drive_serves_all_sequences(tmp_path: Path) -> None:
    response = np.random.default_rng(2).standard_normal((3, 2, STEPS))
    path = npz(tmp_path, response=response, u=np.linspace(0.1, 0.9, STEPS))
    imported(path, "response=sequence,repeat,step drive=u", tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    assert recording.response.shape == (3, 2, STEPS, 1)
    assert np.allclose(recording.drive, np.linspace(0.1, 0.9, STEPS))


def test_other_formats(tmp_path: Path) -> None:
    table = measured()[:, 0]
    np.save(tmp_path / "a.npy", table)
    np.savetxt(tmp_path / "b.csv", table, delimiter=",")
    np.savetxt(tmp_path / "c.csv", table, delimiter=";", header="t0;t1;t2;t3", comments="")
    dataset = xr.Dataset({"spectra": (("r", "t"), table), "name": ("t", list("abcd"))})
    dataset.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    for name, mapping in (
        ("a.npy", "repeat,step"),
        ("b.csv", "repeat,step"),
        ("c.csv", "response=values:repeat,step"),
        ("d.nc", "spectra=repeat,step"),
    ):
        imported(tmp_path / name, mapping, tmp_path / name.replace(".", "-"))
        recording = read_recording(tmp_path / name.replace(".", "-"))
        assert np.allclose(recording.response[0, :, :, 0], table), name


def test_a_column_of_a_csv_is_an_array(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,signal\n0,1.5\n1,\n2,2.5\n", "utf-8")
    with pytest.raises(InputError, match="no repeat without gaps"):
        imported(tmp_path / "x.csv", "signal=step", tmp_path / "r")
    (tmp_path / "x.csv").write_text("time,signal\n0,1.5\n1,2\n2,2.5\n", "utf-8")
    notes = imported(tmp_path / "x.csv", "signal=step", tmp_path / "r")
    assert read_recording(tmp_path / "r").response.ravel().tolist() == [1.5, 2.0, 2.5]
    assert any("one repeat only" in note.text for note in notes)


def test_repeats_with_gaps_count_as_not_recorded(tmp_path: Path) -> None:
    response = measured()
    response[2, 1, 3] = np.nan
    path = npz(tmp_path, response=response)
    notes = imported(path, "response=repeat,channel,step", tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    assert recording.complete.tolist() == [[True, True, False, True, True]]
    assert np.isnan(recording.response[0, 2]).all()
    [said] = [n.text for n in notes if "1 repeat has gaps" in n.text and n.level == "warning"]
    assert said.endswith("not recorded: sequence 0 repeat 2")
    assert recording.meta["remarks"] == [n.text for n in notes]


def test_constant_channels_are_told(tmp_path: Path) -> None:
    response = measured()
    response[:, 1] = 3.0
    notes = imported(npz(tmp_path, response=response), "repeat,channel,step", tmp_path / "r")
    assert any("channel 'c1' never moves" in n.text for n in notes)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("", r"'response' has shape \(5, 3, 4\), the map gives it the axes none"),
        ("response=repeat,channel", "the map gives it the axes repeat,channel"),
        ("response=repeat,chanel,step", "did you mean 'channel'"),
        ("response=repeat,repeat,step", "an axis stands twice"),
        ("respons=repeat,channel,step", "did you mean 'response'"),
        ("response=x:repeat,channel,step", "there is no array 'x'"),
        ("response=repeat,channel,step drive=u", "drive: there is no array 'u'"),
        ("response=repeat,channel,step channels=a,b", "names 2 channels, the response has 3"),
        ("response=repeat,channel,step channels=a,b,a", "names a channel twice"),
        ("response=repeat,channel,step units=V,V", "gives 2 units, the response has 3 channels"),
    ],
)
def test_a_map_that_does_not_fit_says_what_the_file_holds(
    tmp_path: Path, mapping: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        imported(npz(tmp_path), mapping, tmp_path / "r")
    assert "the file holds: response (5, 3, 4)" in str(caught.value)
    assert not (tmp_path / "r").exists()


def test_all_faults_of_a_map_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        imported(npz(tmp_path), "response=repeat,chanel drive=u:step", tmp_path / "r")
    assert "3 problems" in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "mapping", "said"),
    [
        ({"u": np.zeros(9)}, "drive=u", "drive 'u' gives 1 sequences × 9 steps"),
        ({"u": np.array([0, 0.5, 1.5, 1])}, "drive=u", r"spans 0…1\.5, expected 0…1"),
        ({"u": np.array([0, np.nan, 0.5, 1])}, "drive=u", r"not numbers \(step 1\)"),
        ({"response": np.full((5, 3, 4), np.nan)}, "", "no repeat without gaps"),
        ({"response": np.zeros((5, 3, 4))}, "", "zero or NaN everywhere"),
        ({"response": np.full((5, 3, 4), np.inf)}, "", "no repeat without overloads"),
    ],
)
def test_unusable_numbers_are_refused(
    tmp_path: Path, arrays: dict[str, Any], mapping: str, said: str
) -> None:
    path = npz(tmp_path, **arrays)
    with pytest.raises(InputError, match=said):
        imported(path, f"response=repeat,channel,step {mapping}", tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.csv", "x.nc", "x.mat", "x"])
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut short", b"\x93NUMPY\x01\x00", b"\xff\xfe\x00a"]
)
def test_a_foreign_file_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        imported(tmp_path / name, "repeat,step", tmp_path / "r")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        imported(tmp_path / "no.npz", "repeat,step", tmp_path / "r")


def test_a_pickle_inside_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "boom",))

    np.save(tmp_path / "x.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", response=np.array([Bomb()], dtype=object), allow_pickle=True)
    (tmp_path / "p.npy").write_bytes(pickle.dumps(Bomb()))
    for name in ("x.npy", "x.npz", "p.npy"):
        with pytest.raises(InputError):
            imported(tmp_path / name, "response=step", tmp_path / "r")
    assert not (tmp_path / "boom").exists()


def test_a_header_that_promises_too_much_is_an_error(tmp_path: Path) -> None:
    header = {"descr": "<f8", "fortran_order": False, "shape": (99999999999, 999999)}
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(64))
    with pytest.raises(InputError, match=r"x\.npy"):
        imported(tmp_path / "x.npy", "repeat,step", tmp_path / "r")


def test_in_order_moves_every_axis() -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(float)
    moved = in_order(array, ("channel", "sequence", "step"))
    assert moved.shape == (3, 1, 4, 2)
    assert moved[2, 0, 1, 1] == array[1, 2, 1]


def test_a_misspelt_word_next_to_several_arrays(tmp_path: Path) -> None:
    shapes = {"spectra": (2, 3), "field": (3,)}
    made = parse_map("spectra=repeat,step drive=field", shapes, tmp_path / "x.npz")
    assert (made.response, made.drive, made.drive_axes) == ("spectra", "field", ("step",))
    with pytest.raises(InputError, match="did you mean 'spectra'"):
        parse_map("spectr=repeat,step", shapes, tmp_path / "x.npz")
    with pytest.raises(InputError, match="says nothing of the response"):
        parse_map("drive=field", shapes, tmp_path / "x.npz")


@pytest.mark.skipif(not (DATA / "asvi_repeats.npz").is_file(), reason="TWINRIG_DATA isn't here")
def test_the_real_spin_vortex_ice_repeats(tmp_path: Path) -> None:
    imported(DATA / "asvi_repeats.npz", "response=repeat,channel,step", tmp_path / "r")
    recording = read_recording(tmp_path / "r")
    assert recording.response.shape == (1, 117, 19, 60)
    with np.load(DATA / "asvi_repeats.npz", allow_pickle=False) as archive:
        assert np.array_equal(recording.response[0], archive["response"].transpose(0, 2, 1))


def test_a_sequence_without_a_whole_repeat_says_which_channel_and_what_to_do(
    tmp_path: Path,
) -> None:
    response = np.random.default_rng(0).random((3, 2, 5, 2))
    response[1, :, :, 1] = np.nan
    response[2, :, 3, 0] = np.nan
    np.savez(tmp_path / "x.npz", response=response)
    with pytest.raises(InputError) as caught:
        imported(tmp_path / "x.npz", "sequence,repeat,step,channel", tmp_path / "r")
    assert "sequence 1 has no repeat without gaps (NaN): channel 'c1'" in str(caught.value)
    assert "step 3 is one in each of them: leave it out of the file" in str(caught.value)
    assert "cut=shortest" not in str(caught.value)  # which leaves that gap where it is


@pytest.mark.parametrize("field", ["22,34,Oe", "2.2,3.4,mT", "0.0022,0.0034,T", "2200,3400,uT"])
def test_a_field_is_the_same_in_whatever_unit_it_is_given(tmp_path: Path, field: str) -> None:
    response, drive = (
        np.random.default_rng(0).random((3, 2, 5)),
        np.linspace(0, 1, 15).reshape(3, 5),
    )
    low, high, _ = field.split(",")
    given = float(low) + (float(high) - float(low)) * drive
    np.savez(tmp_path / "x.npz", response=response, u=given)
    imported(
        tmp_path / "x.npz", f"response=sequence,repeat,step drive=u field={field}", tmp_path / "r"
    )
    window = read_recording(tmp_path / "r").window
    assert (window.low_T, window.high_T) == (0.0022, 0.0034)


def test_sequences_without_a_drive_and_repeats_lost_to_overloads_are_named(tmp_path: Path) -> None:
    response = np.random.default_rng(0).random((3, 2, 5))
    np.savez(tmp_path / "x.npz", response=response)
    axes = "response=sequence,repeat,step"
    notes = imported(tmp_path / "x.npz", axes, tmp_path / "r")
    assert any("3 sequences then have one and the same drive" in n.text for n in notes)
    with pytest.raises(InputError, match="sequence 0 has no repeat without overloads; map only="):
        imported(tmp_path / "x.npz", f"{axes} overload=0.1", tmp_path / "none")


def test_a_sequence_without_any_number_is_refused_in_words(tmp_path: Path) -> None:
    response = np.random.default_rng(0).random((3, 2, 5))
    response[1] = np.nan
    np.savez(tmp_path / "a.npz", y=response, u=np.random.default_rng(1).random((3, 5)))
    with pytest.raises(InputError, match="sequence 1 has no repeat without gaps"):
        list(import_measured(tmp_path / "a.npz", "y=sequence,repeat,step drive=u", tmp_path / "r"))


def test_a_folder_of_nothing_that_can_be_read_is_told_what_can(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file that can be read: \.npz"):
        list(import_measured(tmp_path, "y=step", tmp_path / "r"))
