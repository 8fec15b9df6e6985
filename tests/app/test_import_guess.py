"""import without a map: the map to begin with gives the very numbers that were measured.

Each file holds the same repeats of a leaky integrator, as another laboratory writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from app.importing.preview import preview
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.recording import Recording

Array = np.ndarray
S, R, T = 6, 5, 40


def measured(sequences: int = S, steps: int = T) -> tuple[Array, Array]:
    """Responses `(S, R, T, 2)` and fields `(S, T)` in mT."""
    rng = np.random.default_rng(1)
    field = np.repeat(rng.uniform(2.2, 3.4, (sequences, steps // 2)), 2, axis=1)
    level, made = np.zeros((sequences, R)), []
    for now in ((field - 2.2) / 1.2).T:
        level = 0.8 * level + 0.2 * now[:, None] + 0.02 * rng.standard_normal(level.shape)
        noise = 0.005 * rng.standard_normal((*level.shape, 2))
        made.append(np.stack([2 * level + 0.5, -(level**2) - 0.3], axis=-1) + noise)
    return np.stack(made, axis=2), field


X, FIELD = measured()


def as_guessed(file: Path) -> Recording:
    """The recording of the map that is shown."""
    out = file.parent / "made"
    list(import_measured(file, preview(file).guess, out))
    return read_recording(out)


def is_true(made: Recording, response: Array, field_mT: Array) -> bool:
    """Whether a recording holds these numbers in this order, and these fields."""
    window = made.window
    field_T = window.low_T + made.drive * (window.high_T - window.low_T)
    return (
        made.response.shape == response.shape
        and np.allclose(made.response, response, rtol=1e-6)
        and np.allclose(field_T, 1e-3 * field_mT, rtol=1e-6)
    )


@pytest.mark.parametrize(
    ("order", "drive_turned"),
    [
        ((0, 1, 2, 3), False), ((1, 2, 0, 3), True), ((3, 2, 1, 0), True), ((2, 1, 0, 3), False),
        ((2, 0, 1, 3), True), ((0, 3, 1, 2), False),
    ],
)  # fmt: skip
def test_arrays_in_any_order_of_axes(
    tmp_path: Path, order: tuple[int, ...], drive_turned: bool
) -> None:
    field = FIELD.T if drive_turned else FIELD
    np.savez(tmp_path / "a.npz", V=X.transpose(order), field_mT=field)
    assert is_true(as_guessed(tmp_path / "a.npz"), X, FIELD)


def test_a_flat_spectrum_has_channels_and_no_repeats(tmp_path: Path) -> None:
    flat = X[..., :1] * np.linspace(1.0, 1.02, 60)
    np.savez(tmp_path / "a.npz", V=flat, field_mT=FIELD)
    assert is_true(as_guessed(tmp_path / "a.npz"), flat, FIELD)


def test_as_many_sequences_as_steps_are_told_apart_by_memory(tmp_path: Path) -> None:
    response, field = measured(T, T)
    np.savez(tmp_path / "a.npz", V=response.transpose(2, 1, 0, 3), field_mT=field.T)
    assert is_true(as_guessed(tmp_path / "a.npz"), response, field)


def test_matlabs_steps_before_repeats_and_axes_that_a_file_names(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"V": X[..., 0].transpose(2, 1, 0), "B_mT": FIELD.T})
    assert is_true(as_guessed(tmp_path / "a.mat"), X[..., :1], FIELD)


@pytest.mark.parametrize("axes", [(0, 2, 1, 3), (0, 1, 2, 3), (0, 1, 3, 2)])
def test_one_drive_is_one_sequence(tmp_path: Path, axes: tuple[int, ...]) -> None:
    np.savez(tmp_path / "a.npz", V=X[:1].transpose(axes)[0], field_mT=FIELD[0])
    made = as_guessed(tmp_path / "a.npz")
    assert is_true(made, X[:1], FIELD[:1])


@pytest.mark.parametrize("turned", [False, True])
def test_repeats_of_an_unknown_drive_as_rows_or_columns(tmp_path: Path, turned: bool) -> None:
    rows = X[0, :, :, 0]
    np.savetxt(tmp_path / "a.txt", rows.T if turned else rows, fmt="%.9e")
    assert np.allclose(as_guessed(tmp_path / "a.txt").response[0, :, :, 0], rows, rtol=1e-6)


@pytest.mark.parametrize(
    "names", ["response_{s}/field_mT_{s}", "y_{s}/H_mT_{s}", "v{s}/field_mT_seq{s}"]
)
def test_arrays_with_the_numbers_of_their_drives_are_sequences(tmp_path: Path, names: str) -> None:
    response, drive = names.split("/")
    arrays: dict[str, Any] = {response.format(s=s): X[s] for s in range(S)}
    np.savez(tmp_path / "a.npz", **arrays, **{drive.format(s=s): FIELD[s] for s in range(S)})
    made = as_guessed(tmp_path / "a.npz")
    assert np.array_equal(made.response, X)
    assert np.allclose(np.ptp(made.drive, axis=0), np.ptp(FIELD, axis=0) / np.ptp(FIELD))


def long_table(
    file: Path, head: str, row: Callable[[int, int, int], list[Any]], sequences: int = S
) -> Path:
    """A row a step."""
    rows = [row(s, r, t) for s in range(sequences) for r in range(R) for t in range(T)]
    file.write_text("\n".join([head, *(",".join(f"{v:.10g}" for v in one) for one in rows)]))
    return file


@pytest.mark.parametrize(
    "head",
    [
        "sequence,repeat,step,time (s),B (mT),X (V),Y (V)",
        "index,seq,rep,timestamp,field_mT,X,Y",
        "Pattern No.,Trial #,Pulse #,elapsed,B_set(mT),X,Y",
        "Sequenz,Durchlauf,Puls Nr.,Zeit (s),Feld (mT),X (V),Y (V)",
        "pattern_id,iteration,step_index,time_s,mu0H (mT),X,Y",
        "Muster,Wdh. Nr.,Schritt,Uhrzeit,Feld / mT,X,Y",
    ],
)
def test_columns_that_count_or_tell_the_time_are_no_channels(tmp_path: Path, head: str) -> None:
    places = {"index": 0} if head.startswith("index") else {}

    def row(s: int, r: int, t: int) -> list[Any]:
        count = (s * R + r) * T + t
        first = [count, s, r] if places else [s + 1, r + 1, t + 1]
        return [*first, 0.1 * count, FIELD[s, t], *X[s, r, t]]

    made = as_guessed(long_table(tmp_path / "a.csv", head, row))
    assert made.channels == ("X", "Y")
    assert is_true(made, X, FIELD)
    notes = preview(tmp_path / "a.csv").notes
    assert any(note.startswith("columns that the map leaves out: ") for note in notes)


def test_of_two_fields_the_one_that_was_set_is_the_drive(tmp_path: Path) -> None:
    def row(s: int, r: int, t: int) -> list[Any]:
        return [s, r, t, FIELD[s, t] + 0.01 * r, FIELD[s, t], *X[s, r, t]]

    file = long_table(tmp_path / "a.csv", "seq,rep,step,B_meas (mT),B_set (mT),X,Y", row)
    assert is_true(as_guessed(file), X, FIELD)
    assert preview(file).notes == ("columns that the map leaves out: B_meas",)


def test_what_is_alike_in_all_repeats_is_the_drive_whatever_it_is_called(tmp_path: Path) -> None:
    def row(s: int, r: int, t: int) -> list[Any]:
        return [s, r, t, FIELD[s, t], 300 + 0.01 * r, X[s, r, t, 0]]

    file = long_table(tmp_path / "a.csv", "seq,rep,step,Strom (A),T (K),V (mV)", row)
    assert "drive=Strom field=auto" in preview(file).guess
    assert as_guessed(file).channels == ("T", "V")


@pytest.mark.parametrize("head", ["H{r} (mT),V{r} (V)", "Field (mT),Voltage (V)", "B_{r}_mT,U_{r}"])
def test_fields_and_voltages_side_by_side_are_runs(tmp_path: Path, head: str) -> None:
    heads = ",".join(head.format(r=r + 1) for r in range(R))
    rows = [[v for r in range(R) for v in (FIELD[0, t], X[0, r, t, 0])] for t in range(T)]
    text = "\n".join([heads, *(",".join(f"{v:.10g}" for v in row) for row in rows)])
    (tmp_path / "a.csv").write_text(text)
    assert is_true(as_guessed(tmp_path / "a.csv"), X[:1, ..., :1], FIELD[:1])


def test_columns_of_several_channels_a_repeat(tmp_path: Path) -> None:
    heads = ",".join(f"rep{r}_X,rep{r}_Y" for r in range(R))
    rows = [[FIELD[0, t], *X[0, :, t].ravel()] for t in range(T)]
    text = "\n".join([f"B (mT),{heads}", *(",".join(f"{v:.10g}" for v in row) for row in rows)])
    (tmp_path / "a.csv").write_text(text)
    assert is_true(as_guessed(tmp_path / "a.csv"), X[:1], FIELD[:1])


def test_what_a_guess_can_not_know_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", V=X, current_A=FIELD)
    assert preview(tmp_path / "a.npz").notes == (
        "'current_A' (6 × 40) has the size of a drive: if it is one, add "
        "drive=current_A:sequence,step field=auto",
    )
    waves = np.repeat(X[..., 0], 50, axis=2)
    np.savez(tmp_path / "b.npz", V=waves, field=FIELD)
    assert "write `time` for `step` there, samples=50" in preview(tmp_path / "b.npz").notes[0]
    rows = [f"{FIELD[0, t]},{','.join(map(str, X[0, :, t, 0]))}" for t in range(T)]
    (tmp_path / "c.csv").write_text("\n".join(["B (mT),V1,V2,V3,V4,V5", *rows]))
    [said] = preview(tmp_path / "c.csv").notes
    assert said.startswith("the 5 channels differ by")
    assert "write :step,repeat behind the response" in said
    rows = [f"{t},{FIELD[0, t]},{X[0, r, t, 0]}" for r in range(R) for t in range(T)]
    (tmp_path / "d.csv").write_text("\n".join(["t,B (mT),V", *rows]))
    assert "'t' begins anew 4 times" in preview(tmp_path / "d.csv").notes[1]


def test_runs_of_a_table_in_any_order_are_sequences_and_repeats_by_their_drive(
    tmp_path: Path,
) -> None:
    """Numbered through, they were refused as repeats, and as sequences had one repeat each."""
    order = np.random.default_rng(0).permutation(S * R)

    def row(s: int, r: int, t: int) -> list[Any]:
        run = s * R + r
        own = divmod(int(order[run]), R)
        return [run, t, 1 + t % 2, FIELD[own[0], t], *X[(*own, t)]]

    file = long_table(tmp_path / "a.csv", "run,t,dwell,H (mT),X,Y", row)
    guess = preview(file).guess
    assert guess == "response=X+Y run=run step=t drive=H field=auto,mT holds=dwell"
    made = as_guessed(file)
    first = [int(np.flatnonzero(order // R == s).min()) for s in range(S)]
    sequences = np.argsort(first)
    assert np.allclose(np.sort(made.response, axis=1), np.sort(X[sequences], axis=1), rtol=1e-6)
    assert made.holds is not None
    assert set(made.holds[:, 0]) == {1}
    for words, said in (
        ("response=X run=run step=t", "so say drive=COLUMN; without a drive say repeat=run"),
        ("response=X run=run repeat=run drive=H", "leave those out"),
        (
            "response=X repeat=run step=t drive=H field=auto,mT",
            "Of runs in any order say run for repeat",
        ),
    ):
        with pytest.raises(InputError, match=said):
            list(import_measured(file, words, tmp_path / "refused"))


def test_texts_that_say_which_run_a_row_is_of_count(tmp_path: Path) -> None:
    """They were left out, and all repeats stood as one of a thousand steps."""
    rows = [
        f"{'CAB'[s]}{s},rep{r + 8},{t},{FIELD[s, t]:.10g},{X[s, r, t, 0]:.10g}"
        for s in range(3) for r in range(R) for t in range(T)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("\n".join(["pattern,rep,step,B (mT),V", *rows]))
    order = [1, 2, 0]  # A1, B2, C0
    assert is_true(as_guessed(tmp_path / "a.csv"), X[order, ..., :1], FIELD[order])
    rows[7] = rows[7].replace("C0", "")
    (tmp_path / "b.csv").write_text("\n".join(["pattern,rep,step,B (mT),V", *rows]))
    words = "response=V sequence=pattern repeat=rep step=step drive=B field=auto,mT"
    with pytest.raises(InputError, match="column 'pattern' has 1 rows without a number"):
        list(import_measured(tmp_path / "b.csv", words, tmp_path / "refused"))


def test_a_current_beside_the_field_that_it_makes_is_no_channel(tmp_path: Path) -> None:
    def row(s: int, r: int, t: int) -> list[Any]:
        return [s, r, t, FIELD[s, t] / 0.4, FIELD[s, t], *X[s, r, t]]

    file = long_table(tmp_path / "a.csv", "seq,rep,step,I (A),B (mT),X,Y", row)
    assert is_true(as_guessed(file), X, FIELD)
    assert preview(file).notes == ("columns that the map leaves out: I",)


def test_a_table_without_names_has_a_step_a_row_and_its_drive_is_no_repeat(tmp_path: Path) -> None:
    """Its field had become the first step of each repeat."""
    np.savetxt(tmp_path / "a.dat", np.c_[FIELD[0] + 1.0, X[0, :, :, 0].T], fmt="%.9e")
    seen = preview(tmp_path / "a.dat")
    assert seen.guess == "response=values:step,repeat"
    assert "its columns have no names" in seen.notes[0]
    said = as_guessed(tmp_path / "a.dat").meta["remarks"]
    assert any("repeat 0, counted from 0, lies far from all others" in text for text in said)


AXES = {"s": "sequence", "r": "repeat", "t": "step", "c": "channel"}


def in_axes(order: str, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Responses and drives of 6 sequences of 30 steps and two channels, in this order of axes."""
    rng = np.random.default_rng(0)
    drive = rng.random((6, 30))
    noise = 0.1 * rng.standard_normal((6, repeats, 30, 2))
    response = drive[:, None, :, None] * [1.0, -2.0] + noise
    turned = response.transpose(["srtc".index(axis) for axis in order])
    return turned, drive if order.index("s") < order.index("t") else drive.T


@pytest.mark.parametrize("order", ["srtc", "strc", "rstc", "tcrs"])
def test_matlab_7_3_gets_the_map_that_its_arrays_have_in_matlab(tmp_path: Path, order: str) -> None:
    """It keeps axes in reverse: repeats and channels were not to change places by that."""
    turned, driven = in_axes(order, repeats=4)
    np.savez(tmp_path / "a.npz", AMR=turned, H=driven)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        for name, values in (("AMR", turned), ("H", driven)):
            file[name] = values.T
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    seen = preview(tmp_path / "a.mat")
    assert [info.shape for info in seen.arrays] == [turned.shape, driven.shape]
    assert seen.guess == preview(tmp_path / "a.npz").guess
    if order != "tcrs":  # of which a guess by sizes takes the two at the ends for repeats
        assert f"AMR:{','.join(AXES[axis] for axis in order)} " in seen.guess


@pytest.mark.parametrize("order", ["srtc", "strc", "rstc"])
def test_as_many_repeats_as_steps_are_told_apart_by_their_numbers(
    tmp_path: Path, order: str
) -> None:
    """A hundred repeats of a hundred steps were taken for each other where repeats stood first."""
    turned, driven = in_axes(order, repeats=30)
    np.savez(tmp_path / "a.npz", response=turned, drive=driven)
    asked = ",".join(AXES[axis] for axis in order)
    assert preview(tmp_path / "a.npz").guess.startswith(f"response=response:{asked} ")
