"""Fuzzed bench files, sequence files and imports: one clear error, or just what the file says."""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fuzz_limits import limited_memory
from fuzz_texts import fuzzed_bench, fuzzed_map, fuzzed_sequences, write_measured

from app.operations.import_measured import import_measured
from app.store import read_recording, sequences_from, sha256_of
from instruments.bench_file import parse_bench, read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES, FULL_CASES = 150, 1000
LONGEST_S = 2.0  # of work a case
LONGEST_WORDS = 8000


def bench_case(tmp_path: Path, rng: random.Random) -> str:
    """Read a fuzzed bench file; a limit that is accepted is a number that can be kept."""
    path = tmp_path / "bench.toml"
    path.write_bytes(fuzzed_bench(rng))
    spec = read_bench(path)
    for magnet in spec.magnets.values():
        limits = magnet.limits
        for value in (limits.max_current_A, limits.max_ramp_A_per_s, limits.tesla_per_ampere):
            assert isinstance(value, float)
            assert math.isfinite(value)
        assert limits.max_current_A > 0
        assert limits.max_ramp_A_per_s > 0
    assert parse_bench(spec.text, spec.source) == spec
    return "accepted"


def sequence_case(tmp_path: Path, rng: random.Random) -> str:
    """Read a fuzzed sequence file; what is accepted is what stands in it."""
    path = tmp_path / "sequences.json"
    path.write_bytes(fuzzed_sequences(rng))
    sequences, window, _ = sequences_from(path)
    body = json.loads(path.read_bytes())
    for sequence, item in zip(sequences, body["sequences"], strict=True):
        drive = item if isinstance(item, list) else item["drive"]
        assert not any(isinstance(value, (bool, str)) for value in drive)
        assert sequence.drive.tolist() == drive
    assert (window is None) == (body.get("window") is None)
    return "accepted"


def import_case(tmp_path: Path, rng: random.Random) -> str:
    """Import a fuzzed file by a fuzzed map; what is imported can be read, the file is as it was."""
    path, mapping = write_measured(tmp_path, rng)
    mapping = mapping if rng.random() < 0.5 else fuzzed_map(rng)
    before, out = sha256_of(path), tmp_path / f"out{rng.randrange(2**60)}"
    try:
        for _ in import_measured(path, mapping, out):
            pass
        assert read_recording(out).complete.any()
    finally:
        assert sha256_of(path) == before
        path.unlink()
    return "accepted"


KINDS: dict[str, Callable[[Path, random.Random], str]] = {
    "bench": bench_case,
    "sequences": sequence_case,
    "import": import_case,
}


def fuzz(name: str, tmp_path: Path, cases: int, seed: int) -> Counter[str]:
    """Many cases of one kind; returns how they ended."""
    outcomes: Counter[str] = Counter()
    slowest_s = 0.0
    for case in range(cases):
        rng = random.Random(f"{name} {seed} {case}")
        began_s = time.process_time()
        try:
            outcomes[KINDS[name](tmp_path, rng)] += 1
        except InputError as fault:
            check_words(fault, tmp_path)
            outcomes["refused"] += 1
        except Exception as fault:
            fault.add_note(f"{name}, seed {seed}, case {case}")
            raise
        slowest_s = max(slowest_s, time.process_time() - began_s)
    assert slowest_s < LONGEST_S
    print(  # noqa: T201 (the README's figures)
        f"{name}: {cases} cases: {dict(outcomes)}, at most {slowest_s:.2f} s of work"
    )
    return outcomes


def check_words(fault: InputError, tmp_path: Path) -> None:
    """One error that names the file."""
    assert type(fault) is InputError
    assert str(tmp_path) in str(fault)
    assert len(str(fault)) < LONGEST_WORDS
    str(fault).encode("utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_a_fuzzed_text_is_one_clear_error_or_what_it_says(name: str, tmp_path: Path) -> None:
    with limited_memory():
        outcomes = fuzz(name, tmp_path, CASES, seed=1)
    assert outcomes["refused"] > CASES // 4
    assert outcomes["accepted"] > 0


@pytest.mark.full
@pytest.mark.parametrize("name", KINDS)
def test_a_thousand_fuzzed_texts(name: str, tmp_path: Path) -> None:
    with limited_memory():
        outcomes = fuzz(name, tmp_path, FULL_CASES, seed=2)
    assert outcomes.total() == FULL_CASES


def test_a_broken_netcdf_file_is_imported_or_refused_in_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py

    monkeypatch.setattr("app.foreign_files.LONGEST_S", 5.0)
    whole = tmp_path / "whole.nc"
    with h5py.File(whole, "w") as file:
        file["values"] = np.arange(12.0).reshape(3, 4)
    mapping = "values=repeat,step"
    list(import_measured(whole, mapping, tmp_path / "out"))
    assert read_recording(tmp_path / "out").response.shape == (1, 3, 4, 1)
    content, rng = whole.read_bytes(), random.Random(3)
    for case in range(4):
        broken, spoilt = tmp_path / f"broken{case}.nc", bytearray(content)
        for _ in range(40):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        broken.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"broken\d\.nc: "):
            list(import_measured(broken, mapping, tmp_path / f"out{case}"))


def test_a_hanging_hdf5_library_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.foreign_files.START", "import time; time.sleep(60)")
    monkeypatch.setattr("app.foreign_files.LONGEST_S", 0.5)
    path = tmp_path / "slow.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"slow\.nc: .*still busy after 0\.5 s"):
        list(import_measured(path, "values=step", tmp_path / "out"))


def test_a_crashing_hdf5_library_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.foreign_files.START", "import os; os.abort()")
    path = tmp_path / "crash.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"crash\.nc: .*its library crashed on it"):
        list(import_measured(path, "values=step", tmp_path / "out"))
