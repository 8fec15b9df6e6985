"""A report of files written by hand that their readers accept: a page, or one clear error."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest
from fuzz_kinds import KINDS, Kind

from app.operations.events import Result
from app.operations.report import report
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

ACCEPTED, FULL_ACCEPTED = 3, 150
TRIES = 40  # for each that is accepted
REPORTED = [kind for kind in KINDS if kind.name != "running recording"]


def accepts(kind: Kind, folder: Path) -> bool:
    """Whether its own reader takes it."""
    try:
        kind.read(folder)
    except InputError:
        return False
    return True


def report_forged(tmp_path: Path, wanted: int, seed: int) -> int:
    """Report so many accepted forgeries; returns how many became a page."""
    original, work = tmp_path / "original", tmp_path / "work"
    original.mkdir()
    for kind in REPORTED:
        kind.make(original / kind.name)
    accepted = pages = 0
    for case in range(wanted * TRIES):
        rng = random.Random(f"report {seed} {case}")
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(original, work)
        kind = rng.choice(REPORTED)
        kind.forge(work / kind.name, rng)
        if not accepts(kind, work / kind.name):
            continue
        accepted += 1
        try:
            pages += isinstance(list(report(work))[-1], Result)
        except InputError:
            pass  # two artefacts that don't fit together
        except Exception as fault:
            fault.add_note(f"{kind.name}, seed {seed}, case {case}")
            raise
        if accepted == wanted:
            break
    assert accepted == wanted
    print(f"{accepted} reports of forged files: {pages} pages, the others one error")  # noqa: T201
    return pages


def test_a_report_of_forged_files_is_a_page_or_one_error(tmp_path: Path) -> None:
    assert report_forged(tmp_path, ACCEPTED, seed=1) > 0


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_many_reports_of_forged_files(tmp_path: Path) -> None:
    assert report_forged(tmp_path, FULL_ACCEPTED, seed=2) > FULL_ACCEPTED // 2
