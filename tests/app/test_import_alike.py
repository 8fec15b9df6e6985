"""Runs in numbered groups or files of their own: one array of all, and runs by their drive."""

from __future__ import annotations

import itertools
import os
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from app.importing.preview import preview
from app.importing.reading import read_all
from app.operations.events import Progress, Stage
from app.operations.import_measured import import_measured, looked_at
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

S, R, T = 3, 4, 12


@pytest.fixture
def drive() -> NDArray[np.float64]:
    """Fields in mT, `(S, T)`."""
    return np.random.default_rng(1).uniform(0.0, 20.0, (S, T))


@pytest.fixture
def response(drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two channels `(S, R, T, 2)`."""
    noise = np.random.default_rng(2).normal(size=(S, R, T, 2))
    return np.asarray(drive[:, None, :, None] * [1.0, 0.3] + noise)


def write_tables(folder: Path, drive: NDArray[np.float64], response: NDArray[np.float64]) -> None:
    """A CSV a repeat, `seq00_rep8.csv` to `seq02_rep11.csv`: by letters 10 stands before 8."""
    folder.mkdir()
    for s in range(S):
        for r in range(R):
            rows = np.column_stack([np.arange(T) * 0.1, drive[s], response[s, r]])
            name = folder / f"seq{s:02d}_rep{r + 8}.csv"
            np.savetxt(name, rows, delimiter=",", header="t (s),H (mT),X (V),Y (V)", comments="")


def write_runs(
    file: Path, drive: NDArray[np.float64], response: NDArray[np.float64], order: list[int]
) -> None:
    """A group a run, in an order of their own."""
    with h5py.File(file, "w") as opened:
        for place, one in enumerate(order):
            s, r = divmod(one, R)
            opened[f"Run {place}/X"] = response[s, r, :, 0]
            opened[f"Run {place}/field"] = drive[s]
            opened[f"Run {place}/field"].attrs["unit"] = "mT"
            opened[f"Run {place}/time"] = np.arange(T) * 0.1


def imported(file: Path, mapping: str, out: Path) -> Path:
    """The recording that an import makes."""
    list(import_measured(file, mapping, out))
    return out


def test_a_folder_of_tables_is_imported_by_the_map_that_is_suggested(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_tables(tmp_path / "csv", drive, response)
    (tmp_path / "csv" / "._seq00_rep8.csv").write_bytes(b"\0\5")  # as a Mac leaves on a stick
    (tmp_path / "csv" / "notes.pdf").write_text("notes")
    seen = preview(tmp_path / "csv")
    assert seen.left_out == {"notes.pdf": "another kind of file"}
    assert seen.guess == (
        "response=seqN_repN/X+seqN_repN/Y:sequence,repeat,step,channel "
        "drive=seqN_repN/H:sequence,repeat,step field=auto,mT"
    )
    made = read_recording(imported(tmp_path / "csv", seen.guess, tmp_path / "out"))
    assert made.response == pytest.approx(response, rel=1e-12)
    assert made.channels == ("X", "Y")
    low, high = made.window.low_T, made.window.high_T
    assert low + made.drive * (high - low) == pytest.approx(1e-3 * drive)


def test_every_bad_file_of_a_folder_is_named(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_tables(tmp_path / "csv", drive, response)
    (tmp_path / "csv" / "seq00_rep9.csv").write_text("")
    with (tmp_path / "csv" / "seq01_rep8.csv").open("a") as file:
        file.write("1,2\n")
    with pytest.raises(InputError, match=r"(?s)seq00_rep9.csv.*no rows.*seq01_rep8.csv.*line 14"):
        read_all(tmp_path / "csv")


def test_a_short_and_a_missing_file_are_repeats_not_recorded(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_tables(tmp_path / "csv", drive, response)
    short = tmp_path / "csv" / "seq01_rep9.csv"
    short.write_text("".join(short.read_text().splitlines(keepends=True)[:6]))
    (tmp_path / "csv" / "seq02_rep11.csv").unlink()
    made, remarks = looked_at(
        tmp_path / "csv", preview(tmp_path / "csv").guess, read_all(tmp_path / "csv")
    )
    expected = np.ones((S, R), dtype=bool)
    expected[1, 1] = expected[2, 3] = False
    assert (made.complete == expected).all()
    assert any("different length in 1 sequence (1;" in text for text, _ in remarks)


def test_runs_in_groups_become_sequences_and_repeats_by_their_drive(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    order = list(np.random.default_rng(3).permutation(S * R))
    write_runs(tmp_path / "runs.h5", drive, response, order)
    guess = preview(tmp_path / "runs.h5").guess
    assert guess == "response=Run_N/X:run,step drive=Run_N/field:run,step field=auto,mT"
    made = read_recording(imported(tmp_path / "runs.h5", guess, tmp_path / "out"))
    sequences = list(dict.fromkeys(int(one) // R for one in order))
    for place, s in enumerate(sequences):
        repeats = [int(one) % R for one in order if one // R == s]
        assert made.response[place, :, :, 0] == pytest.approx(response[s, repeats, :, 0])
        assert made.drive[place] == pytest.approx((drive[s] - drive.min()) / np.ptp(drive))
    assert any(
        "12 runs by drive: 3 sequences of 4 repeats" in text for text in made.meta["remarks"]
    )


def test_groups_of_several_repeats_are_sequences_each_with_its_own_drive(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    """They had been suggested as channels under the drive of the first one."""
    with h5py.File(tmp_path / "seqs.h5", "w") as file:
        for s in range(S):
            file[f"seq{s}/drive"], file[f"seq{s}/response"] = drive[s], response[s, :, :, 0]
    guess = preview(tmp_path / "seqs.h5").guess
    assert guess.split()[:2] == [
        "response=seqN/response:sequence,repeat,step", "drive=seqN/drive:sequence,step",
    ]  # fmt: skip


def test_files_named_by_the_time_are_runs(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_tables(tmp_path / "csv", drive, response)
    for k, file in enumerate(sorted((tmp_path / "csv").iterdir())):
        file.rename(file.with_name(f"run_2026-11-28_12-{10 + k // 3}-{7 * k % 59:02d}.csv"))
    guess = preview(tmp_path / "csv").guess
    assert ":run,step,channel " in guess
    assert looked_at(tmp_path / "csv", guess, read_all(tmp_path / "csv"))[0].response.shape == (
        S, R, T, 2,
    )  # fmt: skip


def test_of_groups_with_two_numbers_behind_one_word_the_second_counts_repeats(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        for s, r in np.ndindex(S, R):
            opened[f"run_{s:02d}_{r:02d}/X"] = response[s, r, :, 0]
            opened[f"run_{s:02d}_{r:02d}/field_mT"] = drive[s]
    guess = preview(tmp_path / "a.h5").guess
    assert guess == (
        "response=run_N_N/X:sequence,repeat,step drive=run_N_N/field_mT:sequence,repeat,step "
        "field=auto,mT"
    )
    made = read_recording(imported(tmp_path / "a.h5", guess, tmp_path / "out"))
    assert made.response == pytest.approx(response[..., :1])


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("response=Run_N/X:run,step", "needs each one's drive, drive=NAME:run,step"),
        ("response=Run_N/X:run,step drive=Run_N/field:sequence,step", "needs each one's drive"),
        ("response=Run_N/X:repeat,step drive=Run_N/field:run,step", "axis of the response too"),
        ("response=Run_N/X:run,step drive=Run_N/field:run,step field=auto,mT only=repeat:9",
         "only=repeat:9: there are 4"),
    ],
)  # fmt: skip
def test_a_wrong_map_of_runs_says_what_is_missing(
    tmp_path: Path,
    drive: NDArray[np.float64],
    response: NDArray[np.float64],
    mapping: str,
    problem: str,
) -> None:
    write_runs(tmp_path / "runs.h5", drive, response, list(range(S * R)))
    with pytest.raises(InputError, match=problem):
        looked_at(tmp_path / "runs.h5", mapping, read_all(tmp_path / "runs.h5"))


def test_one_group_of_many_alike_can_still_be_mapped(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_runs(tmp_path / "runs.h5", drive, response, list(range(S * R)))
    made, _ = looked_at(
        tmp_path / "runs.h5", "response=Run_5/X:step", read_all(tmp_path / "runs.h5")
    )
    assert made.response[0, 0, :, 0] == pytest.approx(response[1, 1, :, 0])


def test_only_beyond_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("run,X\n1,0.5\n1,0.6\n2,0.7\n2,0.8\n")
    with pytest.raises(InputError, match="only=repeat:7: there are 2"):
        looked_at(
            tmp_path / "t.csv", "response=X repeat=run only=repeat:7", read_all(tmp_path / "t.csv")
        )


def test_a_folder_that_is_taken_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "note.txt").write_text("kept")
    with pytest.raises(InputError, match=r"holds note\.txt already"):
        imported(tmp_path / "missing.csv", "x=step", tmp_path / "out")


def test_an_import_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=np.random.default_rng(0).random((2, 3, 5)))
    events = import_measured(tmp_path / "a.npz", "y=sequence,repeat,step", tmp_path / "out")
    for event in events:
        if isinstance(event, Stage) and event.index == event.total:
            break
    events.close()
    assert not (tmp_path / "out").exists()


def test_arrays_that_count_runs_by_their_own_names_are_one(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    """Sequences had been suggested as channels; `X1`, `X2` are still."""
    flat: dict[str, Any] = {f"run_{k}": response[k // R, k % R, :, 0] for k in range(S * R)}
    fields = {f"field_{k}": drive[k // R] for k in range(S * R)}
    np.savez(tmp_path / "flat.npz", **flat, **fields)
    guess = preview(tmp_path / "flat.npz").guess
    assert guess == "response=run_N:run,step drive=field_N:run,step field=auto"
    made, _ = looked_at(tmp_path / "flat.npz", guess, read_all(tmp_path / "flat.npz"))
    assert made.response[..., 0] == pytest.approx(response[..., 0])
    sequences: dict[str, Any] = {f"seq{s}": response[s, :, :, 0] for s in range(S)}
    np.savez(tmp_path / "seq.npz", **sequences, drive=drive)
    assert preview(tmp_path / "seq.npz").guess.split()[:2] == [
        "response=seqN:sequence,repeat,step", "drive=drive:sequence,step",
    ]  # fmt: skip
    np.savez(tmp_path / "c.npz", X1=response[..., 0], X2=response[..., 1], drive=drive)
    assert preview(tmp_path / "c.npz").guess.startswith("response=X1+X2:sequence,repeat,step,chan")


def test_a_drive_that_comes_again_says_that_its_rows_are_runs(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    rows = [s for s in range(S) for _ in range(R)]
    np.savez(tmp_path / "a.npz", y=response[..., 0].reshape(S * R, T), u=drive[rows])
    assert preview(tmp_path / "a.npz").guess.startswith("response=y:run,step drive=u:run,step")


@pytest.mark.parametrize(
    ("word", "problem"),
    [("rate=300 band=40,100", "band= needs waveforms"), ("samples=5", "samples= needs an axis"),
     ("skip=2", "skip= needs an axis"), ("features=1f", "features= needs waveforms")],
)  # fmt: skip
@pytest.mark.parametrize("mapping", ["response=X:step", "response=X step=n"])
def test_a_word_for_waveforms_is_no_word_without_effect(
    tmp_path: Path, mapping: str, word: str, problem: str
) -> None:
    """A filter that was asked for had not been applied, and nothing said so."""
    rows = "".join(f"{n},{0.1 * n}\n" for n in range(20))
    (tmp_path / "t.csv").write_text(f"n,X\n{rows}")
    with pytest.raises(InputError, match=problem):
        looked_at(tmp_path / "t.csv", f"{mapping} {word}", read_all(tmp_path / "t.csv"))


def test_an_import_of_many_files_tells_how_far_it_is_and_stops_between_them(
    tmp_path: Path, drive: NDArray[np.float64], response: NDArray[np.float64]
) -> None:
    write_tables(tmp_path / "csv", drive, response)
    events = import_measured(tmp_path / "csv", preview(tmp_path / "csv").guess, tmp_path / "out")
    told = [e for e in events if isinstance(e, Progress)]
    assert [(e.done, e.total, e.unit) for e in told] == [
        (k + 1, S * R, "files") for k in range(S * R)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX's")
def test_ctrl_c_is_not_for_the_child_that_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file was told to crash its library when its reader had only heard Ctrl-C."""
    told = "import os, sys; sys.stderr.write(f'session {os.getsid(0)} '); sys.exit(3)"
    monkeypatch.setattr("app.foreign_files.START", told)
    (tmp_path / "a.h5").write_bytes(b"no such file")
    with pytest.raises(InputError, match="session") as caught:
        read_all(tmp_path / "a.h5")
    assert f"session {os.getsid(0)} " not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "guess"),
    [
        ("field_mT,V_uV", "drive=run_N/field_mT:run,step field=auto,mT"),
        ("H_Oe,harmonic_T", "drive=run_N/H_Oe:run,step field=auto,Oe"),
        ("drive,B1_T", "drive=run_N/drive:run,step field=auto"),
    ],
)
def test_a_drive_whose_name_ends_in_its_unit_is_one(
    head: str, guess: str, drive: NDArray[np.float64], tmp_path: Path
) -> None:
    """It had been suggested as a channel of the response."""
    for s in range(S):
        rows = np.column_stack([drive[s], drive[s] ** 2])
        np.savetxt(tmp_path / f"run_{s}.csv", rows, delimiter=",", header=head, comments="")
    looked = preview(tmp_path)
    assert looked.guess.endswith(guess)


def test_runs_named_by_a_decimal_or_with_and_without_zeros_are_all_there(tmp_path: Path) -> None:
    """`2.05` and `2.5`, `01` and `1` were one number, and one of the two runs was left out."""
    levels = ("2.5", "2.05", "2.0", "2.10", "2.1")
    for level in levels:
        table = np.c_[np.linspace(0.0, 1.0, T), np.full(T, float(level))]
        np.savetxt(tmp_path / f"H_{level}mT.csv", table, delimiter=",", header="u,V", comments="")
    whole = read_all(tmp_path)["H_NmT/V"].values
    assert sorted(whole[:, 0]) == sorted(map(float, levels))
    np.savez(tmp_path / "a.npz", run_01=np.zeros(T), run_1=np.ones(T), run_2=np.ones(T) * 2)
    assert read_all(tmp_path / "a.npz")["run_N"].values[:, 0].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("level", ["B_{:.1f}mT", "B_{:g}mT", "{:.1f}V", "2024-01-05_B{:g}"])
def test_runs_at_decimal_levels_are_repeats_of_their_own_level_only(
    tmp_path: Path, level: str
) -> None:
    """Four levels of two digits each, no grid, were one sequence: repeats of them all."""
    levels = (22.5, 25.0, 27.3, 30.0)
    for value in levels:
        for r in range(R):
            np.savetxt(tmp_path / f"{level.format(value)}_rep{r}.csv", np.full(T, value + r / 100))
    [found] = [one for one in read_all(tmp_path).values() if not one.part and not one.told]
    expected = np.array(levels)[:, None] + np.arange(R) / 100
    assert np.array_equal(found.values[:, :, 0, 0], expected)


@pytest.mark.parametrize("name", ["B{0}mT_f{1}Hz_rep{2}", "B2p{0}mT_{1}/{2}"])
def test_of_three_numbers_the_last_counts_repeats_and_the_others_sequences(
    tmp_path: Path, name: str
) -> None:
    """A second parameter had become the steps."""
    for field, frequency, r in itertools.product((0, 5), (37, 74, 111), range(R)):
        path = tmp_path / f"{name.format(field, frequency, r)}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"u,X\n0,{field}\n1,{frequency}\n0.5,{r}\n")
    [file] = [n for n, one in read_all(tmp_path).items() if not one.part and n.endswith("/X")]
    found = read_all(tmp_path)[file]
    assert found.dims == ("sequence", "repeat", "")
    rows = [[f, w, r] for f in (0, 5) for w in (37, 74, 111) for r in range(R)]
    assert np.array_equal(found.values, np.reshape(rows, (6, R, 3)))


@pytest.mark.parametrize("differ", ["units", "axes", "nothing there"])
def test_runs_of_another_kind_hide_no_others_and_are_told(tmp_path: Path, differ: str) -> None:
    """Of runs in V and in mV the first ones had vanished; so had all where two runs were empty."""
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as opened:
        for k in range(7):
            values = {"axes": np.full((T, 2), k), "nothing there": np.empty(0)}.get(differ)
            own = np.full(T, float(k)) if k < 4 or values is None else values
            data = opened.create_dataset(f"run_{k}/X", data=own)
            data.attrs["units"] = "mV" if k >= 4 and differ == "units" else "V"
    found = read_all(file)
    assert found["run_N/X"].values[:4, 0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert np.isnan(found["run_N/X"].values[4:]).all()
    assert not any(found[f"run_{k}/X"].part for k in (4, 5, 6))
    _, remarks = looked_at(file, "response=run_N/X:repeat,step", found)
    assert any("run_N/X is without run_4/X and 2 more: another unit" in text for text, _ in remarks)


def test_runs_with_gains_of_their_own_are_one_and_each_gain_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as opened:
        for k in range(6):
            opened[f"run_{k}/X"] = np.arange(float(T)) + k
            opened[f"run_{k}/X"].attrs["gain"] = 1.0 if k < 3 else 10.0
    found = read_all(file)
    assert found["run_N/X"].values[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    _, remarks = looked_at(file, "response=run_N/X:repeat,step", found)
    assert any("the file says gain = 1 or gain = 10 beside" in text for text, _ in remarks)


def test_a_run_without_its_field_or_response_shifts_no_other(tmp_path: Path) -> None:
    """With `X` of run 2 and `u` of run 5 missing, eight of each had stood side by side."""
    drives, file = np.random.default_rng(0).random((3, T)), tmp_path / "a.h5"
    with h5py.File(file, "w") as opened:
        for k in range(9):
            if k != 2:
                opened[f"run_{k}/X"] = drives[k % 3] + 10.0 * k
            if k != 5:
                opened[f"run_{k}/u"] = drives[k % 3]
    guess = preview(file).guess
    assert guess == "response=run_N/X:run,step drive=run_N/u:run,step"
    found = read_all(file)
    rest = found["run_N/X"].values - found["run_N/u"].values
    assert rest[:, 0] == pytest.approx(
        [0.0, 10.0, np.nan, 30.0, 40.0, np.nan, 60.0, 70.0, 80.0], nan_ok=True
    )
    made = read_recording(imported(file, guess, tmp_path / "made"))
    assert made.complete.sum() == 7
    assert "8 runs by drive: 3 sequences of 2 to 3 repeats; 1 run without a number" in str(
        made.meta
    )
    np.savez(tmp_path / "b.npz", X=np.zeros((8, T)), u=np.zeros((9, T)))
    with pytest.raises(InputError, match="response 8, drive 9 runs: nobody can tell"):
        imported(tmp_path / "b.npz", "response=X:run,step drive=u:run,step", tmp_path / "out")


def test_runs_named_by_a_field_of_either_sign_are_runs_and_no_channels(tmp_path: Path) -> None:
    """`H_-5mT` and `H_5mT` were two channels, and the map that was suggested was refused."""
    for level in (-10, -5, 5, 10):
        table = np.c_[np.linspace(0.0, 1.0, T) * level, np.full(T, float(level))]
        np.savetxt(tmp_path / f"H_{level}mT.csv", table, delimiter=",", header="u,V", comments="")
    guess = preview(tmp_path).guess
    assert guess == "response=H_NmT/V:run,step drive=H_NmT/u:run,step field=auto"
    made = read_recording(imported(tmp_path, guess, tmp_path / "made"))
    assert made.response[:, 0, 0, 0].tolist() == [-10.0, -5.0, 5.0, 10.0]
