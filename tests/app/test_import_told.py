"""Drives that stand in names of files and groups, or in attributes; a file that is one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from app.importing.numbers import drives_in, numbers_of
from app.importing.preview import preview
from app.importing.reading import read_all
from app.operations.import_measured import import_measured, looked_at
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from models.recording import Recording

FREQUENCIES = (5.0, 5.5, 6.0, 6.5)
FIELDS = (-22.5, 0.0, 5.0, 100.0)  # by letters 100 stands before 5
R = 3
STEPPED = (0.0, 10.0, 18.4, 10.0)


def spectrum(field: float, repeat: int) -> list[float]:
    """Numbers that tell the field, the repeat and the frequency that they belong to."""
    return [field + 1000.0 * repeat + 0.125 * k for k in range(len(FREQUENCIES))]


def table(file: Path, rows: Iterable[Iterable[float]], head: str = "freq (GHz),S21 (dB)") -> None:
    """A CSV."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(f"{value:.12g}" for value in row) for row in rows]
    file.write_text("\n".join([head] * bool(head) + lines))


def spectra(folder: Path, name: str, fields: Iterable[float] = FIELDS) -> Path:
    """A file for each field of each repeat; `name` has `r`, `b`, and `k`, the step's number."""
    for r in range(R):
        for k, b in enumerate(fields):
            table(
                folder / name.format(r=r + 1, b=b, k=k + 8),
                zip(FREQUENCIES, spectrum(b, r), strict=True),
            )
    return folder


def as_guessed(file: Path, out: Path, *more: str) -> Recording:
    """The recording that the map to begin with makes."""
    list(import_measured(file, " ".join([preview(file).guess, *more]), out))
    return read_recording(out)


def expected(fields: Iterable[float]) -> list[Any]:
    """`(1, R, T, C)`."""
    return [[[spectrum(b, r) for b in fields] for r in range(R)]]


def fields_T(made: Recording) -> np.ndarray:
    """`(S, T)`."""
    window = made.window
    return np.asarray(window.low_T + made.drive * (window.high_T - window.low_T))


@pytest.mark.parametrize(
    "name",
    [
        "rep{r:02d}/B_{b:+g}mT.csv", "B_{b:g}mT_rep{r}.csv", "scan{r}/{b:g} mT.csv",
        "2026-12-01 run {r}/H={b:g}mT.csv", "chip7_B{b:+g}mT_rep{r}.csv",
        "rep_{r}_B_{b:.1f}_mT.csv", "B{b:+g}mT/rep{r:02d}.csv", "B{b:g}mT/rep{r:02d}.csv",
        "FMR-{b:g}mT-rep{r}.csv", "rep{r} ({b:g} mT).csv", "B_{b:g}mT_{r:03d}.csv",
    ],
)  # fmt: skip
def test_a_file_is_a_step_whose_drive_its_name_tells(tmp_path: Path, name: str) -> None:
    """The frequencies had become a channel, and the steps; the drive was lost."""
    spectra(tmp_path / "in", name)
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response.tolist() == expected(FIELDS)
    assert fields_T(made) == pytest.approx(1e-3 * np.array([FIELDS]), abs=1e-15)
    assert (made.window.low_T, made.window.high_T) == (-0.0225, 0.1)
    assert made.channels == tuple(f"S21_{f:g}GHz" for f in FREQUENCIES)
    assert set(made.units) == {"dB"}
    assert any("told by the names of files" in text for text in made.meta["remarks"])


@pytest.mark.parametrize("head", ["freq_GHz,S21", "Freq.GHz,S21", "f_ghz,S21", "rf (GHz),S21"])
def test_a_unit_in_the_name_of_a_column_tells_frequencies(tmp_path: Path, head: str) -> None:
    """They had been a channel, and each file a run."""
    for r in range(R):
        for b in FIELDS:
            rows = zip(FREQUENCIES, spectrum(b, r), strict=True)
            table(tmp_path / "in" / f"rep{r}" / f"B_{b:+g}mT.csv", rows, head)
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response.tolist() == expected(FIELDS)
    assert made.channels == tuple(f"S21_{f:g}GHz" for f in FREQUENCIES)


def test_a_frequency_that_stands_still_is_no_axis(tmp_path: Path) -> None:
    """A lock-in's, in each row of a run that is told apart by its time."""
    for r in range(R):
        for b in FIELDS:
            rows = [(0.1 * t, 37.0, 1000 * r + b + t) for t in range(5)]
            table(tmp_path / "in" / f"B_{b:+g}mT_rep{r}.csv", rows, "time (s),f_Hz,X (V)")
    seen = preview(tmp_path / "in")
    assert ":sequence,repeat,step" in seen.guess
    assert any("is one run, its 5 rows are steps" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("unit", "tesla"), [("mT", 1e-3), ("Oe", 1e-4), ("T", 1.0), ("kOe", 0.1), ("G", 1e-4)]
)
def test_the_unit_in_a_name_is_that_of_the_window(tmp_path: Path, unit: str, tesla: float) -> None:
    spectra(tmp_path / "in", f"rep{{r}}/H_{{b:g}}{unit}.csv")
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert (made.window.low_T, made.window.high_T) == pytest.approx((-22.5 * tesla, 100 * tesla))


def test_amperes_are_a_drive_whose_field_is_not_known(tmp_path: Path) -> None:
    spectra(tmp_path / "in", "rep{r}/I_{b:g}A.csv")
    assert any("'A' is no unit of a field" in note for note in preview(tmp_path / "in").notes)
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    low, high = min(FIELDS), max(FIELDS)
    assert made.drive[0] == pytest.approx((np.array(FIELDS) - low) / (high - low))


@pytest.mark.parametrize("name", ["scan{r}_step{k:03d}_{b:g}mT.csv", "rep{r}/{k}_B_{b:g}mT.csv"])
def test_steps_stand_in_the_order_of_their_numbers(tmp_path: Path, name: str) -> None:
    """From 8 to 11; one field comes twice."""
    spectra(tmp_path / "in", name, STEPPED)
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response.tolist() == expected(STEPPED)
    assert fields_T(made) == pytest.approx(1e-3 * np.array([STEPPED]))


def test_steps_stand_in_falling_order_where_the_map_says_so(tmp_path: Path) -> None:
    spectra(tmp_path / "in", "rep{r}/B_{b:g}mT.csv")
    made = as_guessed(tmp_path / "in", tmp_path / "out", "order=falling")
    assert made.response.tolist() == expected(FIELDS[::-1])
    assert fields_T(made) == pytest.approx(1e-3 * np.array([FIELDS[::-1]]), abs=1e-15)
    spectra(tmp_path / "numbered", "scan{r}_step{k}_{b:g}mT.csv", STEPPED)
    with pytest.raises(InputError, match="order=falling is for steps that stand in the order of"):
        as_guessed(tmp_path / "numbered", tmp_path / "no", "order=falling")
    with pytest.raises(InputError, match="order=up: known: falling"):
        as_guessed(tmp_path / "in", tmp_path / "no", "order=up")


def test_sequences_repeats_and_steps_are_told_by_numbers(tmp_path: Path) -> None:
    """Of three numbers the last had counted repeats."""
    for s, fields in enumerate(([0, 5, 10], [10, 0, 5])):
        for r in range(R):
            for k, b in enumerate(fields):
                name = tmp_path / "in" / f"seq{s}" / f"rep{r}" / f"step{k}_{b}mT.csv"
                table(name, zip(FREQUENCIES, spectrum(b + 0.5 * s, r), strict=True))
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response.shape == (2, R, 3, len(FREQUENCIES))
    assert made.response[1, 2, :, 0].tolist() == [2010.5, 2000.5, 2005.5]
    assert fields_T(made) == pytest.approx(np.array([[0, 0.005, 0.01], [0.01, 0, 0.005]]))


def test_real_and_imaginary_parts_are_channels_side_by_side(tmp_path: Path) -> None:
    for r in range(R):
        for b in FIELDS:
            rows = [(1e9 * f, y, -y) for f, y in zip(FREQUENCIES, spectrum(b, r), strict=True)]
            table(tmp_path / "in" / f"r{r}_{b:g}mT.csv", rows, "Freq (Hz),S21 re,S21 im")
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    half = len(FREQUENCIES)
    assert made.response[..., :half].tolist() == expected(FIELDS)
    assert (made.response[..., half:] == -made.response[..., :half]).all()
    assert made.channels[half - 1 : half + 1] == ("S21_re_6.5GHz", "S21_im_5GHz")


@pytest.mark.parametrize("named", [True, False])
def test_tables_without_names_are_spectra_where_they_begin_with_hertz(
    tmp_path: Path, named: bool
) -> None:
    scale = 1e9 if named else 1.0
    for r in range(R):
        for b in FIELDS:
            rows = [(scale * f, y) for f, y in zip(FREQUENCIES, spectrum(b, r), strict=True)]
            table(tmp_path / "in" / f"rep{r}_{b:g}mT.csv", rows, "")
    seen = preview(tmp_path / "in")
    step = "response=repN_NmT/column_2:repeat,step,channel drive=repN_NmT/field_mT:repeat,step"
    if named:
        assert seen.guess == f"{step} field=auto,mT"
        assert as_guessed(tmp_path / "in", tmp_path / "out").response.tolist() == expected(FIELDS)
    else:  # 5 to 6.5 may be a time
        assert seen.guess.startswith("response=repN_NmT/column_2:repeat,sequence,step ")
        assert any(f"nothing tells whether a file is a run or a step; if it is a step: {step}" in n
                   for n in seen.notes)  # fmt: skip


def test_runs_take_the_drive_that_their_names_tell(tmp_path: Path) -> None:
    for b in (5, 10, 20):
        for r in range(R):
            rows = [(0.1 * t, b + 0.25 * t + 100 * r) for t in range(6)]
            table(tmp_path / "in" / f"H_{b}Oe_rep{r}.csv", rows, "time (s),V (V)")
    seen = preview(tmp_path / "in")
    assert seen.notes == (
        "a guess: each file or group 'H_NOe_repN' is one run, its 6 rows are steps; its drive "
        "'H_Oe' is told by the names of files or groups: 3 values, 5 to 20 Oe",
    )
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response[:, :, 0, 0].tolist() == [
        [b + 100 * r for r in range(R)] for b in (5, 10, 20)
    ]
    assert made.response[1, 2, :, 0].tolist() == [210 + 0.25 * t for t in range(6)]
    assert fields_T(made) == pytest.approx(1e-4 * np.array([[b] * 6 for b in (5, 10, 20)]))


def test_numbered_runs_of_one_drive_are_repeats(tmp_path: Path) -> None:
    """Of values that differ by less than 2 % of their range, too: they are nominal."""
    for k, b in enumerate((5, 100, 5, 6, 100, 6)):
        rows = [(0.1 * t, b + t + 1000 * k) for t in range(6)]
        table(tmp_path / "in" / f"run_{k:03d}_{b}mT.csv", rows, "time (s),V (V)")
    assert preview(tmp_path / "in").guess == (
        "response=run_N_NmT/V:run,step drive=run_N_NmT/field_mT:run field=auto,mT"
    )
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response[:, :, 0, 0].tolist() == [[5, 2005], [1100, 4100], [3006, 5006]]
    assert fields_T(made)[:, 5] == pytest.approx([0.005, 0.1, 0.006])


@pytest.mark.parametrize("of", ["group", "dataset", "text", "file", "scalar"])
def test_an_attribute_of_each_group_or_dataset_tells_the_drive(tmp_path: Path, of: str) -> None:
    def write(file: Path, group: str, field: float, repeat: int) -> None:
        file.parent.mkdir(exist_ok=True, parents=True)
        with h5py.File(file, "a") as opened:
            at = opened.require_group(group) if group else opened
            at.create_dataset("freq", data=FREQUENCIES)
            data = at.create_dataset("S21", data=spectrum(field, repeat))
            if of == "scalar":
                at.create_dataset("field", data=field).attrs["unit"] = "mT"
            elif of == "dataset":
                data.attrs["Field (mT)"] = field
            elif of == "text":
                at.attrs["B"] = f"{field:g} mT"
            else:
                at.attrs["field_mT"] = field

    for r in range(R):
        for k, b in enumerate(STEPPED):
            if of == "file":
                write(tmp_path / "in.h5" / f"rep{r}" / f"step{k}.h5", "", b, r)
            else:
                write(tmp_path / "in.h5", f"rep{r}/step_{k}", b, r)
    made = as_guessed(tmp_path / "in.h5", tmp_path / "out")
    assert made.response.tolist() == expected(STEPPED)
    assert fields_T(made) == pytest.approx(1e-3 * np.array([STEPPED]))
    told = [n for n, one in read_all(tmp_path / "in.h5").items() if one.told]
    assert bool(told) == (of != "scalar")
    assert made.channels == ("S21_5", "S21_5.5", "S21_6", "S21_6.5")


def test_datasets_that_are_steps_share_the_frequencies_beside_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["frequency"] = np.array(FREQUENCIES)
        file["frequency"].attrs["unit"] = "GHz"
        for r in range(R):
            for k, b in enumerate(STEPPED):
                data = file.create_dataset(f"rep{r}/step_{k}", data=spectrum(b, r))
                data.attrs["field_mT"] = b
    made = as_guessed(tmp_path / "a.h5", tmp_path / "out")
    assert made.response.tolist() == expected(STEPPED)
    assert made.channels == ("5GHz", "5.5GHz", "6GHz", "6.5GHz")


def test_an_attribute_hides_no_dataset_and_one_alone_is_none(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["field"], file["V"] = np.linspace(0, 1, 7), np.arange(7.0)
        file.attrs["field"] = 5.0
        file["V"].attrs["amplitude"] = 3.0
    found = read_all(tmp_path / "a.h5")
    assert sorted(found) == ["V", "field"]
    assert found["field"].values.shape == (7,)


def faults(folder: Path, *more: str) -> str:
    """What the import of a folder is refused for."""
    with pytest.raises(InputError) as caught:
        looked_at(folder, " ".join([preview(folder).guess, *more]), read_all(folder))
    return str(caught.value)


def remarks(folder: Path) -> tuple[Recording, list[str]]:
    """The recording of the map to begin with, and the warnings."""
    made, said = looked_at(folder, preview(folder).guess, read_all(folder))
    return made, [text for text, level in said if level == "warning"]


def test_a_missing_step_is_named_and_its_repeat_counts_as_not_recorded(tmp_path: Path) -> None:
    spectra(tmp_path, "rep{r}/B_{b:g}mT.csv")
    (tmp_path / "rep2" / "B_5mT.csv").unlink()
    made, said = remarks(tmp_path)
    assert made.complete.tolist() == [[True, False, True]]
    assert any(t.startswith("there is none of B_mT = 5 beside 'rep2/B_-22.5mT', as 'rep1/B_5mT' is")
               for t in said)  # fmt: skip
    (tmp_path / "rep1" / "B_0mT.csv").unlink()
    (tmp_path / "rep3" / "B_100mT.csv").unlink()
    said_of = faults(tmp_path)
    assert "3 problems" in said_of
    assert "B_mT = 100 beside 'rep3/B_-22.5mT', as 'rep1/B_100mT' is" in said_of


def test_all_faults_of_names_and_axes_are_told_at_once(tmp_path: Path) -> None:
    spectra(tmp_path, "rep{r}/B_{b:g}mT.csv")
    table(tmp_path / "rep1" / "B_5.0mT.csv", zip(FREQUENCIES, spectrum(5, 9), strict=True))
    shifted = [f + 0.1 for f in FREQUENCIES]
    table(tmp_path / "rep3" / "B_0mT.csv", zip(shifted, spectrum(0, 2), strict=True))
    table(tmp_path / "rep2" / "B_0mT.csv", zip(FREQUENCIES[:3], spectrum(0, 1)[:3], strict=True))
    said = faults(tmp_path)
    assert "'rep1/B_5mT' and 'rep1/B_5.0mT' are the same step by their names" in said
    assert (
        "'rep3/B_0mT' has other frequencies (4 from 5.1 to 6.6 GHz) than 'rep1/B_-22.5mT' (4 from "
        "5 to 6.5 GHz)"
    ) in said
    assert "'rep2/B_0mT' has other frequencies (3 from 5 to 6 GHz)" in said
    (tmp_path / "rep2" / "B_5mT.csv").unlink()
    table(tmp_path / "dark.csv", zip(FREQUENCIES, spectrum(0, 0), strict=True))
    said = faults(tmp_path)
    assert "5 problems" in said
    assert "there is none of B_mT = 5 beside 'rep2/B_-22.5mT', as 'rep1/B_5mT' is" in said
    assert "left out for their names, which are unlike 'repN/B_NmT' (N: a number): 'dark'" in said


def test_one_number_of_a_step_with_two_values_is_told(tmp_path: Path) -> None:
    spectra(tmp_path, "scan{r}_step{k}_{b:g}mT.csv", STEPPED)
    (tmp_path / "scan2_step9_10mT.csv").rename(tmp_path / "scan2_step9_12mT.csv")
    said = faults(tmp_path)
    assert "'scan2_step9_12mT' says field_mT = 12, 'scan1_step9_10mT' 10: repeats need one" in said
    table(tmp_path / "scan1_step9_15mT.csv", zip(FREQUENCIES, spectrum(15, 0), strict=True))
    said = faults(tmp_path)
    assert "'scan1_step9_10mT' and 'scan1_step9_15mT' are the same step by their names" in said


def test_a_group_without_its_attribute_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for r in range(R):
            for k, b in enumerate(STEPPED):
                group = file.create_group(f"rep{r}/step{k}")
                group["freq"], group["S21"] = FREQUENCIES, spectrum(b, r)
                if (r, k) != (2, 1):
                    group.attrs["field_mT"] = b
    assert "'rep2/step1' says no field_mT" in faults(tmp_path / "a.h5")


def test_files_whose_names_are_unlike_the_others_are_left_out_and_named(tmp_path: Path) -> None:
    spectra(tmp_path, "rep{r}/B_{b:g}mT.csv")
    table(tmp_path / "background.csv", zip(FREQUENCIES, spectrum(0, 0), strict=True))
    table(tmp_path / "rep1" / "B_5mT (2).csv", zip(FREQUENCIES, spectrum(0, 0), strict=True))
    made, said = remarks(tmp_path)
    assert made.response.tolist() == expected(FIELDS)
    words = "unlike 'repN/B_NmT' (N: a number): 'background', 'rep1/B_5mT_(2)'"
    assert any(words in text for text in said)
    assert any(words in text for text in preview(tmp_path).notes)


def test_names_without_a_number_have_no_map_to_begin_with(tmp_path: Path) -> None:
    """Frequencies and responses had been suggested as channels, all of one step."""
    for name in ("low", "mid", "high"):
        table(tmp_path / f"{name}.csv", zip(FREQUENCIES, spectrum(0, 0), strict=True))
    seen = preview(tmp_path)
    assert seen.guess == ""
    assert seen.notes == (
        "spectra whose names tell no number ('high', 'low', 'mid'): which step each is nobody can "
        "tell; write its value with its unit into each name, as in B_-5mT, or as an attribute "
        "field_mT",
    )


def test_a_hyphen_is_no_minus_where_nobody_can_tell(tmp_path: Path) -> None:
    for b in (5, 10, 15):
        table(tmp_path / f"B-{b}mT.csv", zip(FREQUENCIES, spectrum(b, 0), strict=True))
    seen = preview(tmp_path)
    assert "drive=" not in seen.guess
    assert seen.notes[0].startswith("'-10' in 'B-10mT' and 2 more: a minus, or something else?")
    for b in (5, 10, 15):
        (tmp_path / f"B-{b}mT.csv").rename(tmp_path / f"B_{b}mT.csv")
    table(tmp_path / "B_m5mT.csv", zip(FREQUENCIES, spectrum(-5, 0), strict=True))
    assert "'m5' in 'B_m5mT': a minus, or something else?" in faults(tmp_path)


@pytest.mark.parametrize(
    ("name", "drive", "value"),
    [
        ("rep1/B_-22.5mT", "B_mT", "-22.5"), ("s_18.4mT", "field_mT", "18.4"),
        ("H=+5 Oe", "H_Oe", "+5"), ("B_2,5mT", "B_mT", "2,5"), ("x_2p5mT", "field_mT", "2p5"),
        ("field_0.5", "field", "0.5"), ("I_3A", "drive_A", "3"), ("5T", "field_T", "5"),
        ("step1_0.5A", "drive_A", "0.5"),
    ],
)  # fmt: skip
def test_a_number_with_the_unit_of_a_field_tells_a_drive(name: str, drive: str, value: str) -> None:
    [number] = [one for one in numbers_of(name) if one.drive]
    assert (number.drive, number.text) == (drive, value)
    assert list(drives_in([name]).values()) == [(len(numbers_of(name)) - 1,)]


@pytest.mark.parametrize(
    "name",
    ["rep1", "field_3", "chip3A", "5GHz", "2026-12-01T12", "300K", "B-5mT", "B_m5mT", "3a", "5g",
     "H1", "T5", "run_5Tb", "1A", "chip_2A", "field3"],
)  # fmt: skip
def test_other_numbers_tell_none(name: str) -> None:
    assert not any(drives_in([name]).values())


def test_repeats_of_one_spectrum_are_no_steps(tmp_path: Path) -> None:
    for r in range(R):
        table(tmp_path / f"rep{r}.csv", zip(FREQUENCIES, spectrum(0, r), strict=True))
    assert "repN/S21:repeat,step" in preview(tmp_path).guess


def test_a_missing_dataset_is_named_by_itself(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["freq"] = FREQUENCIES
        for r in range(R):
            for k, b in enumerate(STEPPED):
                if (r, k) != (2, 1):
                    file.create_dataset(f"rep{r}/step_{k}", data=spectrum(b, r)).attrs["B_mT"] = b
    _, said = remarks(tmp_path / "a.h5")
    assert any("none of B_mT = 10 beside 'rep2/step_0', as 'rep0/step_1' is" in t for t in said)


def test_of_a_second_parameter_the_repeats_stay_repeats(tmp_path: Path) -> None:
    """Of `B_5mT_f37_rep1` the last number counts repeats; the drive moves along the others."""
    fields, powers = (0.0, 5.0), (10, 20, 30)
    for r in range(R):
        for b in fields:
            for p in powers:
                rows = zip(FREQUENCIES, spectrum(b + p, r), strict=True)
                table(tmp_path / "in" / f"B_{b:g}mT_P{p}dBm_rep{r}.csv", rows)
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    both = [(b, p) for b in fields for p in powers]
    assert made.response.tolist() == expected([b + p for b, p in both])
    assert fields_T(made) == pytest.approx(np.array([[1e-3 * b for b, _ in both]]))


def test_more_numbers_than_axes_are_told_and_nothing_is_guessed(tmp_path: Path) -> None:
    for s in range(2):
        for r in range(R):
            for b in (5, 10):
                rows = [(0.1 * t, b + t) for t in range(6)]
                table(tmp_path / f"seq{s}" / f"rep{r}" / f"B_{b}mT.csv", rows, "time (s),V (V)")
    seen = preview(tmp_path)
    assert seen.guess == ""
    assert seen.notes == (
        "of the names 'seqN/repN/B_NmT' 3 numbers count (seq, rep, B_mT): more than sequences, "
        "repeats and steps do; import a folder of fewer",
    )


def test_files_of_one_row_with_a_drive_of_the_same_sizes_have_a_map(tmp_path: Path) -> None:
    """The look for exchanged axes ended with a traceback."""
    for name in ("T.1Oe(ch.-5T", "T.1Oe(ch.5T", "T.0Oe(ch.0T", "T.0Oe(ch.5T"):
        (tmp_path / f"{name}.csv").write_text("u,V\n0.5,1\n")
    assert "drive=" in preview(tmp_path).guess


@pytest.mark.parametrize("name", ["seq{s}/rep{r}/step{k}_{b}mT.csv", "seq{s}/rep{r}/B_{b}mT.csv"])
def test_each_sequence_has_its_own_steps(tmp_path: Path, name: str) -> None:
    """Fields of one sequence had been gaps of another."""
    each = ((0, 5, 10), (1, 7), (2, 3, 4))
    for s, fields in enumerate(each):
        for r in range(R):
            for k, b in enumerate(fields):
                file = tmp_path / "in" / name.format(s=s, r=r, k=k + 10 * s, b=b)
                table(file, zip(FREQUENCIES, spectrum(b, r), strict=True))
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.lengths.tolist() == [3, 2, 3]
    assert made.complete.all()
    assert made.response[1, 2, :2, 0].tolist() == [2001, 2007]
    assert fields_T(made)[2] == pytest.approx([0.002, 0.003, 0.004])
    (tmp_path / "in" / name.format(s=1, r=2, k=11, b=7)).unlink()
    _, said = remarks(tmp_path / "in")
    assert any("beside 'seq1/rep2/" in text and ", as 'seq1/rep0/" in text for text in said)


def test_a_column_of_the_field_beside_frequencies_is_the_drive_of_its_file(tmp_path: Path) -> None:
    for r in range(R):
        for k, b in enumerate(STEPPED):
            rows = [(b, f, y) for f, y in zip(FREQUENCIES, spectrum(b, r), strict=True)]
            table(
                tmp_path / "in" / f"rep{r}" / f"step{k}.csv",
                rows,
                "Magnet (mT),freq (GHz),S21 (dB)",
            )
    assert "'Magnet' is told by their column 'Magnet'" in preview(tmp_path / "in").notes[0]
    made = as_guessed(tmp_path / "in", tmp_path / "out")
    assert made.response.tolist() == expected(STEPPED)
    assert fields_T(made) == pytest.approx(1e-3 * np.array([STEPPED]))
