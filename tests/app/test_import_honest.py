"""import: what a file says of its numbers is kept or said, and what can't be repeats is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import scipy.io

from app import foreign_files
from app.importing.preview import preview
from app.operations.events import Note
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

    from models.recording import Recording

AXES = "sequence,repeat,step,channel"
SEQUENCES, REPEATS, STEPS = 6, 4, 12


def data() -> tuple[np.ndarray, np.ndarray]:
    """Responses `(S, R, T, 2)` that follow their sequence's drive, and the drive `(S, T)`."""
    rng = np.random.default_rng(0)
    drive = rng.random((SEQUENCES, STEPS))
    noise = 0.1 * rng.standard_normal((SEQUENCES, REPEATS, STEPS, 2))
    return drive[:, None, :, None] + noise, drive


def hdf5(folder: Path, **attributes: Any) -> Path:
    """A file of `y` with these attributes, and its drive `u`."""
    response, drive = data()
    with h5py.File(folder / "a.h5", "w") as file:
        file["y"], file["u"] = response, drive
        file["y"].attrs.update(attributes)
    return folder / "a.h5"


def imported(file: Path, mapping: str) -> tuple[Recording, list[str]]:
    """The recording, and the warnings on the way."""
    out = file.parent / f"r{len(list(file.parent.iterdir()))}"
    events = list(import_measured(file, mapping, out))
    return read_recording(out), [
        e.text for e in events if isinstance(e, Note) and e.level == "warning"
    ]


@pytest.mark.parametrize(
    ("attributes", "units"),
    [
        ({"units": "mV"}, ("mV", "mV")),
        ({"Unit": "mV"}, ("mV", "mV")),
        ({"UNITS": np.bytes_("mV")}, ("mV", "mV")),
        ({"units": ["V", "deg"]}, ("V", "deg")),
        ({}, ("1", "1")),
    ],
)
def test_a_unit_is_read_as_people_write_it_and_one_for_each_channel(
    tmp_path: Path, attributes: dict[str, Any], units: tuple[str, ...]
) -> None:
    file = hdf5(tmp_path, **attributes)
    assert imported(file, f"y={AXES} drive=u")[0].units == units
    assert imported(file, f"y={AXES} drive=u only=channel:1")[0].units == units[1:]
    if "units" in attributes:
        with pytest.raises(InputError, match="units=A: the file says"):
            imported(file, f"y={AXES} drive=u units=A,A")


@pytest.mark.parametrize("unit", ["T", "mT", "kA/m"])
def test_a_field_whose_name_says_another_unit_than_the_map_is_refused(
    tmp_path: Path, unit: str
) -> None:
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response, field_Oe=drive)
    with pytest.raises(
        InputError, match=rf"field=…,{unit}: the name of 'field_Oe' says Oe: write field=…,Oe, or"
    ):
        imported(tmp_path / "a.npz", f"y={AXES} drive=field_Oe field=auto,{unit}")
    recording, said = imported(tmp_path / "a.npz", f"y={AXES} drive=field_Oe field=0,1,Oe")
    assert (recording.window.high_T, said) == (1e-4, [])
    assert imported(tmp_path / "a.npz", f"y={AXES} drive=field_Oe field=0,1,G")[1] == []


@pytest.mark.parametrize("names", ["P", "X+P"])
def test_channels_in_another_order_keep_their_units(tmp_path: Path, names: str) -> None:
    """`only=channel:1,0` takes the second first; units= names what is taken, and nothing else."""
    if names == "P":
        file, words = hdf5(tmp_path, units=["V", "deg"]), f"y={AXES} drive=u"
    else:
        file = parts(tmp_path, {"X": "V", "P": "deg"})
        words = f"response={names}:sequence,repeat,step drive=u"
    turned = imported(file, f"{words} only=channel:1,0")[0]
    assert turned.units == ("deg", "V")
    np.testing.assert_array_equal(turned.response[..., 0], data()[0][..., 1])
    assert imported(file, f"{words} only=channel:1 units=deg")[0].units == ("deg",)
    with pytest.raises(InputError, match="units=V: the file says"):
        imported(file, f"{words} only=channel:1 units=V")


def test_arrays_of_several_channels_each_have_their_own_unit(tmp_path: Path) -> None:
    response, drive = data()
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, unit in (("A", "V"), ("B", "K")):
            file[name] = response
            file[name].attrs["units"] = unit
        file["u"] = drive
    words = f"response=A+B:{AXES} drive=u"
    assert imported(tmp_path / "w.h5", words)[0].units == ("V", "V", "K", "K")
    part = imported(tmp_path / "w.h5", f"{words} only=channel:3,0,1,2")[0]
    assert part.units == ("K", "V", "V", "K")


def test_a_reset_without_a_unit_is_kept_in_what_stands_for_the_field(tmp_path: Path) -> None:
    """0…1 T stands for drive 0…1, so that the reset of a value beyond is one beyond."""
    recording, _ = imported(hdf5(tmp_path), f"y={AXES} drive=u field=-1,3 reset=5")
    assert (recording.window.low_T, recording.window.high_T) == (0.0, 1.0)
    assert recording.reset.field_T == 1.5
    assert imported(hdf5(tmp_path), f"y={AXES} drive=u field=-1,3")[0].reset.field_T == 0.0


def test_of_one_word_given_twice_the_later_one_counts(tmp_path: Path) -> None:
    file = hdf5(tmp_path)
    recording, _ = imported(file, f"y={AXES} drive=u only=repeat:2-3 only=repeat:3")
    np.testing.assert_array_equal(recording.response[:, 0], data()[0][:, 3])


def test_a_gain_beside_the_numbers_is_said_and_a_scale_factor_applied(tmp_path: Path) -> None:
    file = hdf5(tmp_path, scale_factor=0.5, gain=100.0, Temperature=4.2)
    assert preview(file).arrays[1].to_json()["not applied"] == "gain = 100"
    recording, said = imported(file, f"y={AXES} drive=u")
    assert np.allclose(recording.response, 0.5 * data()[0])
    assert said == [
        "y: the file says gain = 100 beside its numbers, which is not applied to them: convert "
        "them first if they need it"
    ]
    several = hdf5(tmp_path, scale_factor=[0.5, 2.0])  # of which axis, nobody says
    recording, said = imported(several, f"y={AXES} drive=u")
    assert np.allclose(recording.response, data()[0])
    assert "scale_factor = 0.5,2 beside its numbers" in said[0]
    counts = hdf5(tmp_path, lsb=1e-4, unit="counts")
    assert "lsb = 0.0001 beside its numbers" in imported(counts, f"y={AXES} drive=u")[1][0]


def test_a_drive_of_as_many_values_as_samples_is_told_what_to_give(tmp_path: Path) -> None:
    response, drive = data()
    waves = response[..., 0].repeat(20, axis=2)
    np.savez(tmp_path / "a.npz", y=waves, u=drive.repeat(20, axis=1))
    words = "y=sequence,repeat,time samples=20 drive=u"
    with pytest.raises(InputError, match="give it one value a step, such as every 20th"):
        imported(tmp_path / "a.npz", words)


def parts(folder: Path, units: dict[str, str]) -> Path:
    """A file with an array `(S, R, T)` for each unit, and the drive."""
    response, drive = data()
    with h5py.File(folder / "p.h5", "w") as file:
        for k, (name, unit) in enumerate(units.items()):
            file[name] = response[..., k]
            if unit:
                file[name].attrs["units"] = unit
        file["u"] = drive
    return folder / "p.h5"


def test_joined_arrays_keep_the_units_they_have_and_are_no_repeats_in_two_units(
    tmp_path: Path,
) -> None:
    file = parts(tmp_path, {"X": "V", "P": ""})
    assert imported(file, "response=X+P:sequence,repeat,step drive=u")[0].units == ("V", "1")
    file = parts(tmp_path, {"rep1": "V", "rep2": "mV"})
    with pytest.raises(InputError, match=r"along repeat need one unit \(rep1 V, rep2 mV\)"):
        imported(file, "response=rep1+rep2:sequence,channel,step,repeat drive=u")


def test_a_cell_array_of_sequences_and_repeats_keeps_both(tmp_path: Path) -> None:
    response, drive = data()
    cells = np.empty((SEQUENCES, REPEATS), dtype=object)
    for s in range(SEQUENCES):
        for r in range(REPEATS):
            cells[s, r] = response[s, r]
    scipy.io.savemat(tmp_path / "a.mat", {"y": cells, "u": drive})
    guess = preview(tmp_path / "a.mat").guess
    assert guess == f"response=y:{AXES} drive=u:sequence,step"
    assert np.array_equal(imported(tmp_path / "a.mat", guess)[0].response, response)


def test_infinite_readings_are_overloads_and_count_once(tmp_path: Path) -> None:
    response, drive = data()
    response[1, 2, 3, 0] = np.inf
    np.savez(tmp_path / "a.npz", y=response, u=drive)
    recording, said = imported(tmp_path / "a.npz", f"y={AXES} drive=u")
    assert not recording.complete[1, 2]
    assert recording.complete.sum() == SEQUENCES * REPEATS - 1
    assert len(said) == 1
    assert said[0].startswith("1 repeat holds overloads")


def test_a_field_kept_in_single_precision_has_the_window_that_somebody_wrote(
    tmp_path: Path,
) -> None:
    """3.4 mT of float32 are 3.4000001: no twin of a file of float64 took it."""
    response, drive = data()
    field = 2.2 + 1.2 * np.round((drive - drive.min()) / np.ptp(drive), 3)
    np.savez(tmp_path / "a.npz", y=response, field_mT=field)
    np.savez(tmp_path / "b.npz", y=response, field_mT=field.astype(np.float32))
    words = f"y={AXES} drive=field_mT field=auto,mT"
    one, other = (imported(tmp_path / name, words)[0] for name in ("a.npz", "b.npz"))
    assert one.window == other.window
    assert (one.window.low_T, one.window.high_T) == (0.0022, 0.0034)
    assert np.allclose(one.drive, other.drive, rtol=0, atol=1e-6)
    field = 1.0 / (1.0 + drive)  # no decimals that anybody wrote
    np.savez(tmp_path / "c.npz", y=response, u=field.astype(np.float32))
    made = imported(tmp_path / "c.npz", f"y={AXES} drive=u field=0,1")[0]
    assert np.allclose(made.drive, field, rtol=1e-6)


def test_a_window_of_the_files_own_says_how_several_files_get_one(tmp_path: Path) -> None:
    response, drive = data()
    field = 2.2 + 1.2 * (drive - drive.min()) / np.ptp(drive)
    np.savez(tmp_path / "a.npz", y=response, field_mT=field)
    words = f"y={AXES} drive=field_mT reset=4"
    said = imported(tmp_path / "a.npz", f"{words} field=auto,mT")[0].meta["remarks"]
    assert said == [
        "drive 0…1 is 2.2…3.4 mT, the smallest and the largest field of this file: of files that "
        "one twin is to see give all the same, such as field=2.2,3.4,mT"
    ]
    assert imported(tmp_path / "a.npz", f"{words} field=2,4,mT")[0].meta["remarks"] == []


def test_a_reset_that_nobody_said_is_told(tmp_path: Path) -> None:
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response, field_Oe=10.0 * drive)
    words = f"y={AXES} drive=field_Oe field=-100,100,Oe"
    made = imported(tmp_path / "a.npz", words)[0]
    assert made.reset.field_T == 0.0
    assert made.meta["remarks"] == [
        "the field of the reset before each repeat is not known: 0 mT stands for it (reset=FIELD, "
        "in Oe)"
    ]
    made = imported(tmp_path / "a.npz", f"{words} reset=0")[0]
    assert made.meta["remarks"] == []


def test_exchanged_axes_blank_repeats_and_wild_values_are_said_at_the_import(
    tmp_path: Path,
) -> None:
    response, drive = data()
    square = response[:REPEATS]
    np.savez(tmp_path / "a.npz", y=square, u=drive[:REPEATS])
    assert imported(tmp_path / "a.npz", f"y={AXES} drive=u")[1] == []
    [said] = imported(tmp_path / "a.npz", "y=repeat,sequence,step,channel drive=u")[1]
    assert "Are sequence and repeat exchanged in its map" in said
    response[:, 3] = 0.0
    response[0, 0, 0, 0] = -(2.0**31)
    np.savez(tmp_path / "b.npz", y=response, u=drive)
    recording, said = imported(tmp_path / "b.npz", f"y={AXES} drive=u")
    assert "far from all others, up to -2.15e+09" in said[0]
    assert "`twinrig mark RECORDING --bad 4,8,12,16,20,24` leaves them out" in said[1]
    assert recording.meta["remarks"] == said


def remembering() -> tuple[np.ndarray, np.ndarray]:
    """Responses `(S, R, T, 2)` of a leaky integrator with noise, and the drive `(S, T)`."""
    rng = np.random.default_rng(0)
    drive = rng.random((SEQUENCES, 40))
    response, level = np.zeros((SEQUENCES, REPEATS, 40, 2)), np.zeros((SEQUENCES, REPEATS))
    for t in range(40):
        level = 0.8 * level + 0.2 * drive[:, None, t] + 0.02 * rng.standard_normal(level.shape)
        response[:, :, t] = np.stack([2 * level, -(level**2)], axis=-1)
    return response, drive


def test_exchanged_sequences_and_steps_are_told_by_what_the_device_remembers(
    tmp_path: Path,
) -> None:
    response, drive = remembering()
    np.savez(tmp_path / "a.npz", y=response, u=drive)
    assert imported(tmp_path / "a.npz", f"y={AXES} drive=u")[1] == []
    [said] = imported(tmp_path / "a.npz", "y=step,repeat,sequence,channel drive=u:step,sequence")[1]
    assert "rather than that of the steps before it (0 %): are sequence and step exchanged" in said


def test_drives_in_another_order_of_sequences_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drive = rng.random((30, 40))
    response = np.stack([2 * drive, -(drive**2)], axis=-1)[:, None].repeat(REPEATS, axis=1)
    response = response + 0.1 * rng.standard_normal(response.shape)
    np.savez(tmp_path / "a.npz", y=response, u=drive, turned=drive[::-1])
    assert imported(tmp_path / "a.npz", f"y={AXES} drive=u")[1] == []
    [said] = imported(tmp_path / "a.npz", f"y={AXES} drive=turned")[1]
    assert "hardly more than that of other sequences" in said
    assert "Are drive and response in another order of sequences" in said


def test_exchanged_repeats_and_channels_are_told(tmp_path: Path) -> None:
    response, drive = remembering()
    spectra = response[..., :1] * [1.0, 0.5, -1.0] + [0.0, 1.0, 3.0]
    np.savez(tmp_path / "a.npz", y=spectra, u=drive)
    assert imported(tmp_path / "a.npz", f"y={AXES} drive=u")[1] == []
    said = imported(tmp_path / "a.npz", "y=sequence,channel,step,repeat drive=u")[1]
    assert any("are repeat and channel exchanged in its map?" in words for words in said)


def test_exchanged_repeats_and_steps_of_one_unknown_drive_are_told(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.txt", remembering()[0][0, :, :, 0].T)  # a column a repeat
    assert imported(tmp_path / "a.txt", "values:step,repeat")[1] == []
    [said] = imported(tmp_path / "a.txt", "values:repeat,step")[1]
    assert "Are repeat and step exchanged in its map" in said


def test_a_drive_among_the_channels_and_sequences_of_one_known_drive_are_told(
    tmp_path: Path,
) -> None:
    response, drive = remembering()
    field = np.broadcast_to(drive[:, None, :, None], (*response.shape[:3], 1))
    np.savez(tmp_path / "a.npz", y=np.concatenate([response, field], axis=3), u=drive)
    [said] = imported(tmp_path / "a.npz", f"y={AXES} drive=u channels=X,Y,H")[1]
    assert "channel 'H': its repeats are all the same" in said
    assert "is it the drive, or computed from it?" in said
    np.savez(tmp_path / "b.npz", y=response, u=drive[0])
    said = imported(tmp_path / "b.npz", f"y={AXES} drive=u")[1]
    assert f"its {SEQUENCES} sequences have one and the same drive" in said[0]
    assert "give each its own, or make them repeats" in said[0]


def test_a_field_in_tesla_that_is_taken_for_a_drive_is_told(tmp_path: Path) -> None:
    """22 to 34 mT lie within 0…1: the twin learned nothing, and nobody said why."""
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response, u=0.022 + 0.012 * drive)
    [said] = imported(tmp_path / "a.npz", f"y={AXES} drive=u")[1]
    assert "the drive spans 0.022" in said
    assert "1.2 % of 0…1" in said
    assert "field=auto,UNIT" in said
    for given in ("field=auto,T", "field=0,1,T"):
        assert not any(
            "spans" in w for w in imported(tmp_path / "a.npz", f"y={AXES} drive=u {given}")[1]
        )
    np.savez(tmp_path / "b.npz", y=response, u=0.4 + 0.2 * drive)
    assert imported(tmp_path / "b.npz", f"y={AXES} drive=u")[1] == []


def test_a_clocks_times_are_no_steps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{s},{r},{0.05 * t + 0.001 * rng.standard_normal():.6f},{t / 10},{rng.standard_normal()}"
        for s in range(2) for r in range(3) for t in range(10)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["seq,rep,time,u,X", *rows]))
    words = "response=X sequence=seq repeat=rep drive=u"
    with pytest.raises(InputError, match=r"at most 10 rows in a repeat.* Leave step= out"):
        imported(tmp_path / "a.csv", f"{words} step=time")
    assert imported(tmp_path / "a.csv", words)[0].response.shape == (2, 3, 10, 1)


def test_hold_times_of_nothing_are_named_with_their_place(tmp_path: Path) -> None:
    response, drive = data()
    holds = np.ones((SEQUENCES, STEPS))
    holds[2, 5], holds[3, 1] = 0.0, -1.0
    np.savez(tmp_path / "a.npz", y=response, u=drive, h=holds)
    with pytest.raises(InputError, match=r"2 steps .* step 5 of sequence 2, 0\)"):
        imported(tmp_path / "a.npz", f"y={AXES} drive=u holds=h")


def test_what_is_too_large_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    shape = (64, 64, 65536, 2)
    np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype="f8", shape=shape)  # a hole
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("y", shape=shape, dtype="f8")
    for name in ("a.npy", "a.h5"):
        with pytest.raises(InputError, match=r"5\.37e\+08 numbers, .* save a part of it"):
            preview(tmp_path / name)


@pytest.mark.parametrize(
    ("order", "turned", "response_axes", "drive_axes"),
    [
        ((0, 1, 2, 3), False, AXES, "sequence,step"),
        ((0, 1, 2, 3), True, AXES, "step,sequence"),
        ((2, 1, 0, 3), False, "step,repeat,sequence,channel", "sequence,step"),
    ],
)
def test_a_drive_or_response_that_is_turned_does_not_make_steps_of_sequences(
    tmp_path: Path, order: tuple[int, ...], turned: bool, response_axes: str, drive_axes: str
) -> None:
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response.transpose(order), u=drive.T if turned else drive)
    guess = preview(tmp_path / "a.npz").guess
    assert guess == f"response=y:{response_axes} drive=u:{drive_axes}"
    recording, said = imported(tmp_path / "a.npz", guess)
    assert said == []
    assert np.array_equal(recording.response, response)
    assert np.array_equal(recording.drive, drive)


def test_a_drive_that_was_measured_in_each_repeat_is_their_mean_and_another_is_refused(
    tmp_path: Path,
) -> None:
    response, drive = data()
    rng = np.random.default_rng(3)
    each = np.repeat(drive[:, None], REPEATS, axis=1)
    np.savez(tmp_path / "same.npz", y=response, u=each)
    guess = preview(tmp_path / "same.npz").guess
    assert guess == f"response=y:{AXES} drive=u:sequence,repeat,step"
    recording, said = imported(tmp_path / "same.npz", guess)
    assert np.array_equal(recording.drive, drive)
    assert said == []
    read_back = each + 1e-3 * rng.uniform(-1, 1, each.shape)
    np.savez(tmp_path / "a.npz", y=response, u=read_back)
    recording, said = imported(tmp_path / "a.npz", f"{guess} field=auto,T")
    wanted = read_back.mean(axis=1)
    assert np.allclose(recording.drive, (wanted - wanted.min()) / np.ptp(wanted))
    assert said[0].startswith("drive 'u' differs between repeats by up to 0.19 %")
    np.savez(tmp_path / "b.npz", y=response, u=each + 0.1 * rng.random(each.shape))
    with pytest.raises(InputError, match="differs between repeats of sequence 0 at step 0"):
        imported(tmp_path / "b.npz", f"{guess} field=auto,T")
    rows = [
        f"{s},{r},{t},{read_back[s, r, t]},{response[s, r, t, 0]}"
        for s in range(SEQUENCES) for r in range(REPEATS) for t in range(STEPS)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["seq,rep,step,H,X", *rows]))
    table, said = imported(tmp_path / "a.csv", preview(tmp_path / "a.csv").guess + " field=auto")
    assert np.allclose(table.drive, recording.drive)
    assert said[0].startswith("drive 'H' differs between repeats by up to 0.19 %")


def test_too_little_memory_is_no_fault_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError("Unable to allocate 55.2 MiB")

    monkeypatch.setattr("app.importing.prepare.clipped_words", full)
    with pytest.raises(TwinrigError, match="import a part of it, such as only=sequence:0-9"):
        imported(hdf5(tmp_path), f"y={AXES} drive=u")


def test_rows_of_their_own_lengths_in_hdf5_are_padded(tmp_path: Path) -> None:
    response, drive = data()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("y", (SEQUENCES, REPEATS), dtype=h5py.vlen_dtype(np.float64))
        for s in range(SEQUENCES):
            for r in range(REPEATS):
                made[s, r] = response[s, r, : STEPS - s % 2, 0]
        made.attrs["units"] = "V"
        file["u"] = drive
    guess = preview(tmp_path / "a.h5").guess
    assert guess == "response=y:sequence,repeat,step drive=u:sequence,step"
    recording, _ = imported(tmp_path / "a.h5", guess)
    assert recording.lengths.tolist() == [12, 11, 12, 11, 12, 11]
    assert recording.complete.all()
    assert recording.units == ("V",)


def test_structures_in_cells_are_read_as_an_array_of_structures_is(tmp_path: Path) -> None:
    response, drive = data()
    runs = [{"u": drive[s], "y": response[s], "who": "me"} for s in range(SEQUENCES)]
    scipy.io.savemat(tmp_path / "a.mat", {"runs": runs})
    guess = preview(tmp_path / "a.mat").guess
    assert guess == f"response=runs.y:{AXES} drive=runs.u:sequence,step"
    assert np.array_equal(imported(tmp_path / "a.mat", guess)[0].response, response)


@pytest.mark.parametrize("name", ["a.nc", "a.mat", "a.npz", "a.npy"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_told_so_and_what_to_do(
    tmp_path: Path, name: str, share: float
) -> None:
    """What its reader raises (`buffer size must be a multiple of element size`) says neither."""
    response, drive = data()
    whole = tmp_path / f"whole-{name}"
    if name == "a.nc":
        with scipy.io.netcdf_file(whole, "w") as file:
            for axis, size in zip("sptc", response.shape, strict=True):
                file.createDimension(axis, size)
            file.createVariable("y", "d", tuple("sptc"))[:] = response
    elif name == "a.mat":
        scipy.io.savemat(whole, {"y": response, "u": drive})
    elif name == "a.npz":
        np.savez(whole, y=response, u=drive)
    else:
        np.save(whole, response)
    assert preview(whole).guess
    content = whole.read_bytes()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=rf"{name}: .*cut short, damaged .* save it anew"):
        preview(tmp_path / name)


def test_a_file_that_is_whole_and_none_of_those_read_is_not_told_to_be_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "a.npy", np.zeros(9))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"\(its content is one .npy array: name it so\)"):
        preview(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"b.npz: is empty: 0 bytes"):
        preview(tmp_path / "b.npz")
    monkeypatch.setattr(foreign_files, "MOST_VALUES", 150)
    (tmp_path / "runs").mkdir()
    for run in (1, 2):
        np.save(tmp_path / f"runs/run_{run}.npy", np.zeros((50, 2)))
    with pytest.raises(InputError, match=r"runs: it holds 200 numbers, more than the 150"):
        preview(tmp_path / "runs")


@pytest.mark.parametrize("name", ["drive", "dwell"])
def test_a_drive_or_hold_time_that_no_device_has_is_refused_by_name(
    tmp_path: Path, name: str
) -> None:
    """`field=auto` took 1e300 for a field; holds were told with 300 digits."""
    response, drive = data()
    arrays = {"y": response, "drive": drive, "dwell": np.ones_like(drive)}
    arrays[name][0, 1] = 1e300
    np.savez(tmp_path / "a.npz", **arrays)
    words = f"y={AXES} drive=drive field=auto,mT holds=dwell"
    with pytest.raises(InputError, match=rf"'{name}' holds 1e\+300: an overload, or a mark"):
        list(import_measured(tmp_path / "a.npz", words, tmp_path / "r"))


@pytest.mark.parametrize("word", ["field=-1e308,1e308,T", "field=0,1,T reset=1e300"])
def test_a_field_that_no_magnet_has_is_refused(tmp_path: Path, word: str) -> None:
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response, u=drive)
    with pytest.raises(InputError, match=r"(field|reset)=.*within ±1e\+09"):
        list(import_measured(tmp_path / "a.npz", f"y={AXES} drive=u {word}", tmp_path / "r"))


def test_holds_beyond_all_counting_are_told_in_few_digits(tmp_path: Path) -> None:
    response, drive = data()
    np.savez(tmp_path / "a.npz", y=response, u=drive, dwell=np.ones_like(drive))
    words = f"y={AXES} drive=u holds=dwell hold=1e-300"
    with pytest.raises(InputError, match=r"was held 1, 1e\+15 holds of 1e-300; expected 1…1000"):
        list(import_measured(tmp_path / "a.npz", words, tmp_path / "r"))
