"""Fuzzed artefacts: damage or forgery is one clear error or the original, never a wrong value.

A crash of a library, a hang or a warning fails these tests, too.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from fuzz_damage import Folder, damage
from fuzz_forgeries import records_of
from fuzz_kinds import KINDS, Kind
from fuzz_limits import limited_memory

from app.deployment_store import finished_values
from app.library.library import Library
from app.netcdf import SEAL
from app.report.network import read_deployment
from app.store import RecordingWriter, sequences_from
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES, FULL_CASES = 200, 10_000
RESUMED, FULL_RESUMED = 80, 2000
TWENTY_MINUTES = pytest.mark.timeout(1200)
FORGED = 0.4  # the share of cases whose digests all fit
LONGEST_S = 2.0  # of work a case; one that waits for ever ends by the time-out of the test
LONGEST_WORDS = 3000
ADVICE = (
    "restore it from a copy", "make it again", "record again", "use the version that wrote it",
    "no such file", "holds no ",
)  # fmt: skip


def other_readers(kind: Kind, folder: Path) -> list[Callable[[], Any]]:
    """Whatever else of the app reads such a folder."""
    readers: list[Callable[[], Any]] = [lambda: Library(folder.parent).find(folder)]
    if "recording" in kind.name:
        readers.append(lambda: sequences_from(folder))
    if kind.name == "deployment":
        readers += [lambda: finished_values(folder), lambda: read_deployment(folder)]
    return readers


def check_words(fault: InputError, folder: Path) -> None:
    """One error that names the place and says what to do."""
    words = str(fault)
    assert type(fault) is InputError
    assert str(folder) in words
    assert any(advice in words for advice in ADVICE), words
    assert len(words) < LONGEST_WORDS
    words.encode("utf-8")


def judged(kind: Kind, folder: Folder, original: Any, forged: bool) -> str:
    """Read a damaged folder with everything; how it ended."""
    before = folder.digest()
    for other in other_readers(kind, folder.work):
        try:
            other()
        except InputError as fault:
            check_words(fault, folder.work)
    try:
        value = kind.read(folder.work)
    except InputError as fault:
        check_words(fault, folder.work)
        outcome = "refused"
    else:
        outcome = "the original"
        if value != original and not forged and is_part(kind, folder, value):
            outcome = "what is left of it"
        elif value != original:
            assert forged, "a wrong value was accepted"
            assert value == kind.said(folder.work), "another value than the file's"
            outcome = "as forged"
    assert folder.digest() == before, "a reader changed the original"
    return outcome


def is_part(kind: Kind, folder: Folder, value: Any) -> bool:
    """Whether a running recording lacks its journal's last records, and nothing can tell.

    A remark that stands last can be cut off like that. For repeats it takes two damages: the
    journal cut, and the open file beside it, which shows what is missing, gone or changed, too.
    """
    if kind.name != "running recording" or not (folder.work / "journal.bin").is_file():
        return False
    damaged = [f for f in folder.files if not folder.is_as_it_was(f)]
    left = records_of((folder.work / "journal.bin").read_bytes())
    whole = records_of(folder.content("journal.bin"))
    is_cut = left == whole[: len(left)] and value == kind.said(folder.work)
    return is_cut and (len(damaged) == 2 or {kind for kind, _ in whole[len(left) :]} == {ord("N")})


def fuzz(kind: Kind, tmp_path: Path, cases: int, seed: int) -> Counter[str]:
    """Many cases on one kind; returns how they ended."""
    kind.make(tmp_path / "original")
    folder = Folder(tmp_path / "original", tmp_path / "work")
    for other in KINDS:
        place = tmp_path / "strangers" / other.name
        place.parent.mkdir(exist_ok=True)
        other.make(place)
        folder.strangers += [p.read_bytes() for p in place.rglob("*") if p.is_file()]
    if "recording" in kind.name:  # a whole one in its place is another recording, no damage
        folder.strangers = [content for content in folder.strangers if SEAL not in content]
    original = kind.read(folder.work)
    assert original == kind.said(folder.work)
    outcomes: Counter[str] = Counter()
    slowest_s = 0.0
    for case in range(cases):
        rng = random.Random(f"{kind.name} {seed} {case}")
        folder.restore()
        forged = rng.random() < FORGED
        words = "forged" if forged else damage(folder, rng)
        if forged:
            kind.forge(folder.work, rng)
        began_s = time.process_time()
        try:
            outcomes[judged(kind, folder, original, forged)] += 1
        except Exception as fault:
            fault.add_note(f"{kind.name}, seed {seed}, case {case}: {words}")
            raise
        slowest_s = max(slowest_s, time.process_time() - began_s)
    assert slowest_s < LONGEST_S
    print(f"{kind.name}: {cases} cases: {dict(outcomes)}, at most {slowest_s:.2f} s of work")  # noqa: T201
    return outcomes


def is_two_damages(words: str) -> bool:
    """Whether two files were damaged: then the journal may have been cut unnoticed."""
    return ";" in words


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_fuzzed_artefact_is_one_clear_error_or_the_original(kind: Kind, tmp_path: Path) -> None:
    with limited_memory():
        outcomes = fuzz(kind, tmp_path, CASES, seed=1)
    assert outcomes["refused"] > CASES // 2


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_ten_thousand_fuzzed_artefacts(kind: Kind, tmp_path: Path) -> None:
    with limited_memory():
        outcomes = fuzz(kind, tmp_path, FULL_CASES, seed=2)
    assert outcomes.total() == FULL_CASES


@pytest.mark.parametrize(
    "cases", [RESUMED, pytest.param(FULL_RESUMED, marks=[pytest.mark.full, TWENTY_MINUTES])]
)
@pytest.mark.parametrize("kind", KINDS[:2], ids=lambda kind: kind.name)
def test_a_fuzzed_run_is_resumed_as_it_was_or_not_at_all(
    kind: Kind, cases: int, tmp_path: Path
) -> None:
    kind.make(tmp_path / "original")
    folder = Folder(tmp_path / "original", tmp_path / "work")
    original = kind.read(folder.work)
    resumed = 0
    for case in range(cases):
        rng = random.Random(f"resume {case}")
        folder.restore()
        words = damage(folder, rng)
        before = folder.digest()
        try:
            writer, _ = RecordingWriter.resume(folder.work)
        except InputError as fault:
            check_words(fault, folder.work)
            assert folder.digest() == before, words
            continue
        except TwinrigError as fault:
            if "a folder stands where this file belongs" not in str(fault):
                raise
            continue
        resumed += 1
        writer.finish("stopped" if kind.name == "running recording" else "done")
        again = kind.read(folder.work)
        assert again[0]["families"] == original[0]["families"]
        assert again[1] == original[1] or is_two_damages(words), words
    assert 0 < resumed < cases
