"""import: MAT, HDF5, netCDF, tables, waveforms, the public nanoring layout; bad input in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import scipy.io

from app.cli.main import main
from app.importing.preview import preview
from app.operations.events import Note, Progress, Result
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording

SEQUENCES, REPEATS, STEPS, CHANNELS = 4, 5, 12, 2
AXES = "sequence,repeat,step,channel"
FIELD = "field=22,34,Oe"


def data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Responses `(S, R, T, C)` and field amplitudes `(S, T)` in Oe."""
    rng = np.random.default_rng(seed)
    fields = rng.uniform(22, 34, (SEQUENCES, STEPS))
    noise = rng.standard_normal((SEQUENCES, REPEATS, STEPS, CHANNELS))
    return fields[:, None, :, None] + noise, fields


def imported(file: Path, mapping: str, out: Path) -> tuple[Recording, list[str]]:
    """The recording, and what was said on the way."""
    events = list(import_measured(file, mapping, out))
    assert isinstance(events[-1], Result)
    return read_recording(out), [e.text for e in events if isinstance(e, Note)]


def check(recording: Recording) -> None:
    """That it holds `data()`."""
    response, fields = data()
    assert np.allclose(recording.response, response)
    assert np.allclose(recording.drive, (fields - 22) / 12)
    assert recording.window.low_T == pytest.approx(22e-4)
    assert recording.window.high_T == pytest.approx(34e-4)


def test_matlabs_own_format_with_a_structure(tmp_path: Path) -> None:
    response, fields = data()
    scipy.io.savemat(tmp_path / "a.mat", {"d": {"AMR": response, "H": fields}, "note": "words"})
    check(imported(tmp_path / "a.mat", f"d.AMR={AXES} drive=d.H {FIELD}", tmp_path / "r")[0])


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((30, 4, 40, 1), "sequence,repeat,step,channel"),
        ((30, 1, 40, 1), "sequence,repeat,step,channel"),
        ((30, 4, 40), "sequence,repeat,step"),
        ((30, 40, 3), "sequence,step,channel"),
    ],
)
def test_a_guess_names_every_axis_and_takes_no_repeats_for_channels(
    tmp_path: Path, shape: tuple[int, ...], axes: str
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", u=rng.random((30, 40)), y=rng.random(shape))
    guess = preview(tmp_path / "a.npz").guess
    assert guess == f"response=y:{axes} drive=u:sequence,step"
    recording, _ = imported(tmp_path / "a.npz", guess, tmp_path / "r")
    assert recording.response.shape[:1] == (30,)
    assert recording.response.shape[2] == 40


def test_matlab_7_3_is_read_with_matlabs_order_of_axes(tmp_path: Path) -> None:
    response, fields = data()
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        for name, array in (("AMR", response), ("H", fields)):
            file[name] = array.T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        file["words"] = np.arange(5, dtype=np.uint16)
        file["words"].attrs["MATLAB_class"] = np.bytes_("char")
    assert [a.name for a in preview(tmp_path / "a.mat").arrays] == ["AMR", "H"]
    check(imported(tmp_path / "a.mat", f"AMR={AXES} drive=H {FIELD}", tmp_path / "r")[0])


def test_a_cell_array_of_unequal_sequences(tmp_path: Path) -> None:
    response, fields = data()
    cells = np.empty((1, SEQUENCES), dtype=object)
    for s in range(SEQUENCES):
        cells[0, s] = response[s, :, : STEPS - s]
    scipy.io.savemat(tmp_path / "a.mat", {"AMR": cells, "H": fields})
    recording, said = imported(tmp_path / "a.mat", f"AMR={AXES} drive=H {FIELD}", tmp_path / "r")
    assert recording.lengths.tolist() == [12, 11, 10, 9]
    assert recording.complete.all()
    assert any("goes on beyond the responses of 3 sequences" in text for text in said)


def test_hdf5_groups_axis_names_and_units_give_the_map(tmp_path: Path) -> None:
    response, fields = data()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        spectra = file.create_dataset("run/spectra", data=response.transpose(0, 2, 1, 3))
        for axis, name in enumerate(("pattern", "time", "trial", "channel")):
            spectra.dims[axis].label = name
        spectra.attrs["units"] = "V"
        file["run/field"] = fields
        file["run/field"].attrs["units"] = "Oe"
    guess = preview(tmp_path / "a.h5").guess
    assert guess == (
        "response=run/spectra:sequence,step,repeat,channel drive=run/field:sequence,step "
        "field=auto,Oe"
    )
    recording, _ = imported(tmp_path / "a.h5", guess, tmp_path / "r")
    assert np.allclose(recording.response, data()[0])
    assert recording.units == ("V", "V")
    assert recording.window.low_T == pytest.approx(fields.min() * 1e-4)
    with pytest.raises(InputError, match="2 problems"):
        imported(tmp_path / "a.h5", f"{guess} units=mV field=22,34,mT", tmp_path / "s")


def test_packed_numbers_gaps_and_classic_netcdf(tmp_path: Path) -> None:
    packed = np.array([[0, 10, -99], [20, 30, 40]], dtype=np.int16)
    with scipy.io.netcdf_file(tmp_path / "a.nc", "w") as file:
        file.createDimension("repeat", 2)
        file.createDimension("step", 3)
        variable = file.createVariable("x", "h", ("repeat", "step"))
        variable[:] = packed
        variable.units, variable.scale_factor, variable._FillValue = "V", 0.1, np.int16(-99)
    recording, said = imported(tmp_path / "a.nc", "x=repeat,step", tmp_path / "r")
    assert recording.complete.tolist() == [[False, True]]
    assert np.allclose(recording.response[0, 1, :, 0], [2, 3, 4])
    assert recording.units == ("V",)
    assert any("1 repeat has gaps" in text for text in said)


def test_complex_numbers_are_two_arrays(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"s21": np.ones((3, 4)) * (1 + 2j)})
    assert [a.name for a in preview(tmp_path / "a.mat").arrays] == ["s21.real", "s21.imag"]


def table(folder: Path, changes: dict[int, str] | None = None) -> Path:
    """One row a step."""
    response, fields = data()
    rows = [
        f"{10 + s},{r},{t},{fields[s, t]},{response[s, r, t, 0]},{response[s, r, t, 1]}"
        for s in range(SEQUENCES)
        for r in range(REPEATS)
        for t in range(STEPS)
    ]
    for at, row in (changes or {}).items():
        rows[at] = row
    path = folder / "a.csv"
    path.write_text("\n".join(["pattern,trial,n,H (Oe),X (V),Y (V)", *rows, ""]), "utf-8")
    return path


def test_a_table_with_one_row_a_step(tmp_path: Path) -> None:
    guess = preview(table(tmp_path)).guess
    assert guess == "response=X+Y sequence=pattern repeat=trial step=n drive=H field=auto,Oe"
    recording, _ = imported(
        tmp_path / "a.csv", guess.replace("field=auto,Oe", FIELD), tmp_path / "r"
    )
    check(recording)
    assert (recording.channels, recording.units) == (("X", "Y"), ("V", "V"))


def test_what_a_table_contradicts_itself_in(tmp_path: Path) -> None:
    words = f"response=X+Y sequence=pattern repeat=trial step=n drive=H {FIELD}"
    twice = table(tmp_path, {1: "10,0,0,22,1,1"})
    with pytest.raises(InputError, match="several rows belong to one step"):
        imported(twice, words, tmp_path / "r")
    other = table(tmp_path, {STEPS: "10,1,0,33.9,1,1"})
    with pytest.raises(InputError, match="differs between repeats of sequence 0 at step 0"):
        imported(other, words, tmp_path / "r")
    with pytest.raises(InputError, match="there is no column 'tril'; did you mean 'trial'"):
        imported(other, words.replace("X+Y", "X+tril"), tmp_path / "r")


def nanorings(folder: Path, patterns: tuple[int, ...] = (1, 2, 10), samples: int = 5300) -> Path:
    """The public layout in small: amplitude of the first harmonic = field, of the second 0.3."""
    angle = 2 * np.pi * np.arange(50) / 50
    folder.mkdir()
    for number in patterns:
        rng = np.random.default_rng(number)
        fields = rng.uniform(22, 34, 100)
        every = np.concatenate([np.full(6, fields[0]), fields])
        wave = every[:, None] * np.cos(angle) + 0.3 * every[:, None] * np.sin(2 * angle)
        signals = wave.ravel() + 0.5 * rng.standard_normal((1, 3, 7, 5300))
        np.save(folder / f"Input_Fields_sig{number}.npy", fields[None])
        np.save(folder / f"Measured_signals_sig{number}.npy", signals[..., :samples])
    return folder


def test_the_public_nanoring_layout_waveforms_in_features_out(tmp_path: Path) -> None:
    folder = nanorings(tmp_path / "raw")
    events = list(import_measured(folder, "field=22,34,Oe only=channel:0,3", tmp_path / "r"))
    assert [e.done for e in events if isinstance(e, Progress)] == [1, 2, 3]
    recording = read_recording(tmp_path / "r")
    assert recording.response.shape == (3, 3, 100, 8)
    assert recording.channels[:4] == ("c0.1f.x", "c0.1f.y", "c0.2f.x", "c0.2f.y")
    assert recording.channels[4] == "c3.1f.x"
    assert recording.window.encoding == "rotation"
    fields = 22 + 12 * recording.drive
    mean = recording.response.mean(axis=1)
    assert np.abs(mean[..., 0] - fields).max() < 0.5
    assert np.abs(mean[..., 3] - 0.3 * fields).max() < 0.5
    assert np.abs(mean[..., 1]).max() < 0.5
    assert recording.lengths.tolist() == [100, 100, 100]


def test_a_part_of_the_patterns_and_a_filter(tmp_path: Path) -> None:
    folder = nanorings(tmp_path / "raw")
    words = "only=sequence:0,2 only=repeat:1 features=1f band=40,200"
    recording, said = imported(folder, words, tmp_path / "r")
    assert recording.response.shape == (2, 1, 100, 14)
    assert np.abs(recording.response[0, 0, 5:-5, 0] - recording.drive[0, 5:-5]).max() > 1
    assert any("unit is not known" in text for text in said)


def test_a_nanoring_folder_that_is_not_whole(tmp_path: Path) -> None:
    folder = nanorings(tmp_path / "raw")
    (folder / "Input_Fields_sig2.npy").unlink()
    with pytest.raises(InputError, match=r"Input_Fields_sig2\.npy is missing"):
        imported(folder, "", tmp_path / "r")
    short = nanorings(tmp_path / "short", samples=5000)
    with pytest.raises(InputError, match="need 5300: give samples= and skip="):
        imported(short, "", tmp_path / "s")


def test_overloads_of_every_nanoring_pattern_are_told_as_what_they_are(tmp_path: Path) -> None:
    folder = nanorings(tmp_path / "raw", (1, 2))
    signals = np.load(folder / "Measured_signals_sig2.npy")
    signals[:, 0, :, 400] = 9.9e37
    np.save(folder / "Measured_signals_sig2.npy", signals)
    recording, said = imported(folder, "field=22,34,Oe", tmp_path / "r")
    assert recording.complete.sum(axis=1).tolist() == [3, 2]
    assert not any("gaps" in text for text in said)
    signals[:] = np.nan
    np.save(folder / "Measured_signals_sig2.npy", signals)
    with pytest.raises(InputError, match="sequence 1 has no repeat without gaps"):
        imported(folder, "field=22,34,Oe", tmp_path / "s")


@pytest.mark.parametrize("content", [b"no array", np.array(["a", "b"])])
def test_a_look_at_a_damaged_nanoring_folder_says_which_file(
    tmp_path: Path, content: bytes | np.ndarray
) -> None:
    file = nanorings(tmp_path / "raw", (1,)) / "Measured_signals_sig1.npy"
    file.write_bytes(content) if isinstance(content, bytes) else np.save(file, content)
    with pytest.raises(InputError, match=file.name):
        preview(file.parent)


def test_waveforms_of_any_file(tmp_path: Path) -> None:
    angle = 2 * np.pi * np.arange(16) / 16
    wave = np.arange(1, 4)[:, None] * np.cos(angle) + 5
    np.savez(tmp_path / "a.npz", y=np.tile(wave, (4, 1, 1)))
    recording, _ = imported(
        tmp_path / "a.npz", "y=repeat,step,sample features=1f,mean,rms", tmp_path / "r"
    )
    assert recording.channels == ("c0.1f.x", "c0.1f.y", "c0.mean", "c0.rms")
    assert np.allclose(recording.response[0, 0], [
        [a, 0, 5, np.sqrt(25 + a**2 / 2)] for a in (1, 2, 3)
    ])  # fmt: skip
    with pytest.raises(InputError, match="hold harmonics up to 7f"):
        imported(tmp_path / "a.npz", "y=repeat,step,sample features=8f", tmp_path / "s")
    with pytest.raises(InputError, match="needs samples=N"):
        imported(tmp_path / "a.npz", "y=repeat,channel,time", tmp_path / "s")
    with pytest.raises(InputError, match=r"needs rate= above 400 Hz"):
        imported(tmp_path / "a.npz", "y=repeat,step,sample band=40,200", tmp_path / "s")


def test_the_samples_of_a_step_are_kept_as_channels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal((3, 4, 2, 5, 6))  # sequence, repeat, channel, step, sample
    np.savez(tmp_path / "a.npz", y=y, run=y.reshape(3, 4, 2, 30))
    words = "features=samples,mean channels=Y units=A only=channel:1"
    recording, _ = imported(
        tmp_path / "a.npz", f"y=sequence,repeat,channel,step,sample {words}", tmp_path / "r"
    )
    assert recording.channels == (*(f"Y.{n}" for n in range(6)), "Y.mean")
    assert set(recording.units) == {"A"}
    np.testing.assert_allclose(recording.response[..., :6], y[:, :, 1])
    np.testing.assert_allclose(recording.response[..., 6], y[:, :, 1].mean(axis=-1))
    named, _ = imported(
        tmp_path / "a.npz",
        "response=y:sequence,repeat,channel,step,sample features=mean channels=P,Q units=V,A",
        tmp_path / "p",
    )
    assert (named.channels, named.units) == (("P.mean", "Q.mean"), ("V", "A"))
    both, _ = imported(
        tmp_path / "a.npz", "response=run:sequence,repeat,channel,time samples=6 features=samples",
        tmp_path / "s",
    )  # fmt: skip
    assert both.channels == tuple(f"c{c}.{n}" for c in range(2) for n in range(6))
    np.testing.assert_allclose(both.response[..., 6:], y[:, :, 1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("field=34,22,Oe", "the first must be the smaller one"),
        ("field=22,34,A", "'A' is no unit of a field; known: T, mT"),
        ("field=22,34", "whose unit is not known"),
        ("field=25,34,Oe", r"spans 22.0329…33.2209, expected 25…34: field= must span it"),
        ("", "say what its range is with field="),
        ("only=step:0-3", "expected sequence:0-15 or repeat:0-15"),
        ("only=repeat:9", "there are 5, counted from 0"),
        ("only=repeat:3-x", "neither a number nor a range"),
        ("encoding=rotated", "known: amplitude, step, loop, rotation"),
        ("features=1f", "needs waveforms"),
        ("cut=longest", "known: shortest"),
        ("family=a,b", "family= names 2, there are 4 sequences"),
        ("overload=-1", "no number above 0"),
    ],
)
def test_words_that_do_not_fit_are_named(tmp_path: Path, words: str, said: str) -> None:
    response, fields = data()
    np.savez(tmp_path / "a.npz", y=response, H=fields)
    mapping = f"y={AXES} drive=H {words}"
    if words == "field=22,34":
        _, notes = imported(tmp_path / "a.npz", mapping, tmp_path / "r")
        assert any(said in note for note in notes)
        return
    mapping = mapping if "field" in words or not words else f"{mapping} {FIELD}"
    with pytest.raises(InputError, match=said):
        imported(tmp_path / "a.npz", mapping, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def bad(folder: Path, change: Any) -> Path:
    response, fields = data()
    change(response)
    np.savez(folder / "a.npz", y=response, H=fields)
    return folder / "a.npz"


def test_overloads_leave_their_repeats_out(tmp_path: Path) -> None:
    def change(y: np.ndarray) -> None:
        y[1, 2, 3, 0] = 9.9e37
        y[0, 4, 3, 1] = 60.0

    file = bad(tmp_path, change)
    recording, said = imported(file, f"y={AXES} drive=H {FIELD}", tmp_path / "r")
    assert not recording.complete[1, 2]
    assert recording.complete.sum() == 19
    assert any("1 repeat holds overloads" in text for text in said)
    recording, said = imported(file, f"y={AXES} drive=H {FIELD} overload=50", tmp_path / "s")
    assert recording.complete.sum() == 18
    assert any("2 repeats hold overloads (a magnitude of 50 or more)" in t for t in said)


def test_clipped_values_are_named_with_their_count(tmp_path: Path) -> None:
    file = bad(tmp_path, lambda y: np.minimum(y, 30.0, out=y))
    _, said = imported(file, f"y={AXES} drive=H {FIELD} channels=X,Y", tmp_path / "r")
    assert any(
        text.startswith("channel 'X': ") and "exactly 30, its largest" in text for text in said
    )
    _, said = imported(
        bad(tmp_path, lambda y: None), f"y={AXES} drive=H {FIELD} reset=0", tmp_path / "s"
    )
    assert said == []


def test_repeats_of_different_length(tmp_path: Path) -> None:
    def change(y: np.ndarray) -> None:
        y[2, 1, 9:] = np.nan
        y[2, 3, 7:] = np.nan

    file = bad(tmp_path, change)
    recording, said = imported(file, f"y={AXES} drive=H {FIELD}", tmp_path / "r")
    assert recording.complete[2].tolist() == [True, False, True, False, True]
    assert any("different length in 1 sequence (2; of the first 7 to 12 steps)" in t for t in said)
    recording, said = imported(file, f"y={AXES} drive=H {FIELD} cut=shortest", tmp_path / "s")
    assert recording.lengths.tolist() == [12, 12, 7, 12]
    assert recording.complete.all()


def test_a_single_repeat_says_what_can_still_be_fitted(tmp_path: Path) -> None:
    response, fields = data()
    np.savez(tmp_path / "a.npz", y=response[:, :1], H=fields)
    _, said = imported(tmp_path / "a.npz", f"y={AXES} drive=H {FIELD}", tmp_path / "r")
    assert any("only a twin without noise can be fitted" in text for text in said)


def test_the_command_shows_a_file_and_asks_for_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    response, fields = data()
    np.savez(tmp_path / "a.npz", y=response, H=fields)
    assert main(["import", str(tmp_path / "a.npz"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert shown["arrays"]["y"]["shape"] == "4 × 5 × 12 × 2"
    assert shown["map"] == f"response=y:{AXES} drive=H:sequence,step field=auto"
    assert main(["import", str(tmp_path / "a.npz"), "--out", str(tmp_path / "r")]) == 2
    assert "to begin with: --map response=y:" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "a.npz"), "--map", f"y={AXES}"]) == 2
    assert "--out is missing" in capsys.readouterr().err


def test_values_of_hdf5_that_nobody_wrote_are_gaps(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        unwritten = file.create_dataset("x", (3, 4), ">f8", fillvalue=-9999.0)
        unwritten[:2] = np.arange(8.0).reshape(2, 4)
        file["flags"] = np.zeros(4, dtype=np.int8)
    recording, said = imported(tmp_path / "a.h5", "x=repeat,step", tmp_path / "r")
    assert recording.complete.tolist() == [[True, True, False]]
    assert any("1 repeat has gaps" in text for text in said)
