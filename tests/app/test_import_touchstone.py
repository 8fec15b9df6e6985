"""Touchstone files, as an analyser writes them: one a step, or by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.importing.preview import preview
from app.importing.reading import read_all
from app.operations.import_measured import import_measured
from app.store import read_recording
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

RI = """! of an analyser
# MHz S RI R 50
100 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8  ! S11 S21 S12 S22
200 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8
! noise
50 4 0.6 10 0.9
"""


def of(file: Path, text: str) -> dict[str, np.ndarray]:
    """The arrays of a file with this text."""
    file.write_text(text)
    return {name: one.values for name, one in read_all(file).items()}


def test_a_two_port_in_its_order_without_its_noise(tmp_path: Path) -> None:
    found = of(tmp_path / "a.s2p", RI)
    assert sorted(found) == sorted(
        ["freq", *(f"S{k}.{part}" for k in (11, 12, 21, 22) for part in ("real", "imag"))]
    )
    assert found["freq"].tolist() == [100, 200]
    assert read_all(tmp_path / "a.s2p")["freq"].unit == "MHz"
    assert (found["S21.real"].tolist(), found["S21.imag"].tolist()) == ([0.3, 1.3], [0.4, 1.4])
    assert (found["S12.real"].tolist(), found["S22.imag"].tolist()) == ([0.5, 1.5], [0.8, 1.8])


@pytest.mark.parametrize(
    ("option", "pair"),
    [("# GHz S MA R 50", "2 90"), ("#", "2 90"), ("# ghz s db r 50", "6.020599913 90"),
     ("# R 50 RI GHz", "0 2")],
)  # fmt: skip
def test_magnitude_angle_and_decibels_are_complex_numbers(
    tmp_path: Path, option: str, pair: str
) -> None:
    found = of(tmp_path / "a.s1p", f"{option}\n5 {pair}\n6 {pair}\n")
    assert found["S11.real"] == pytest.approx([0, 0], abs=1e-9)
    assert found["S11.imag"] == pytest.approx([2, 2])
    assert read_all(tmp_path / "a.s1p")["freq"].unit == "GHz"


def test_three_ports_run_on_over_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 18 numbers, and a frequency of 3 ports takes 19"):
        of(tmp_path / "b.s3p", f"5 {'1 0 ' * 8}\n 1\n")
    rows = [" ".join(f"{10 * i + j} 0" for j in (1, 2, 3)) for i in (1, 2, 3)]
    found = of(tmp_path / "a.s3p", "# GHz S RI R 50\n5 " + "\n".join(rows) + "\n")
    assert [found[f"S{k}.real"].item() for k in (11, 12, 23, 31)] == [11, 12, 23, 31]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RI.replace("0.8", ""), "line 3 has 8 numbers, that of a two-port has 9"),
        (RI.replace("1.8", "x"), "line 4: .* is no row of numbers"),
        (RI.replace("# MHz", "# parsec"), "'parsec' of its option line"),
        (f"[Version] 2.0\n{RI}", r"line 1: '\[Version\] 2.0' is of version 2: save it as version"),
        ("# MHz S RI R 50\n", "it has 0 numbers"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "a.s2p").write_text(text)
    with pytest.raises(InputError, match=fault):
        read_all(tmp_path / "a.s2p")


def test_a_folder_of_them_is_steps_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    fields = (0.0, 10.0, 18.4, 10.0)
    for scan in range(2):
        for k, b in enumerate(fields):
            rows = "\n".join(f"{f} {b + f} {scan + 0.25}" for f in (5, 6))
            file = tmp_path / "in" / f"scan{scan}_step{k:03d}_{b:g}mT.s1p"
            file.write_text(f"# GHz S RI R 50\n{rows}\n")
    guess = preview(tmp_path / "in").guess
    name = "scanN_stepN_NmT"
    assert guess == (
        f"response={name}/S11.real+{name}/S11.imag:repeat,step,channel "
        f"drive={name}/field_mT:repeat,step field=auto,mT"
    )
    list(import_measured(tmp_path / "in", guess, tmp_path / "out"))
    made = read_recording(tmp_path / "out")
    assert made.channels == ("S11.real_5GHz", "S11.real_6GHz", "S11.imag_5GHz", "S11.imag_6GHz")
    assert made.response[0, 1].tolist() == [[b + 5, b + 6, 1.25, 1.25] for b in fields]
    assert made.drive[0] == pytest.approx(np.array(fields) / 18.4)
