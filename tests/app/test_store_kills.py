"""Recordings under kills: nothing complete is lost, nothing damaged believed, the status true."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import artefact_samples as samples
import h5py
import numpy as np
import pytest
import xarray as xr

from app import recording_reader
from app.journal import START, read_journal
from app.owner import SILENT_S, Owner
from app.store import RecordingWriter, read_recording
from instruments.processes import _ps_start, process_start
from models.errors import InputError

if TYPE_CHECKING:
    from app.journal import JournalContent
    from models.recording import Recording

POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL of POSIX")
HERE = Path(__file__).resolve().parent


WRITE = """
import sys
sys.path.insert(0, {here!r})
import artefact_samples as samples
from pathlib import Path
from typing import TYPE_CHECKING
from app.store import RecordingWriter
blank = samples.blank(lengths=(40, 30, 20), repeats=400)
writer = RecordingWriter(Path({out!r}), blank)
print("begun", flush=True)
position = 0
for r in range(400):
    for s in range(3):
        values = samples.response_of(s, r, int(blank.lengths[s]))
        writer.append(s, r, position, 0.5 * position, values)
        print(s, r, flush=True)
        position += 1
writer.finish("done")
"""


def killed(out: Path, delay_s: float, *, once_begun: bool) -> list[tuple[int, int]]:
    """Run a writer, SIGKILL it, return the repeats that it had reported."""
    code = WRITE.format(here=str(HERE), out=str(out))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]
    ) as child:
        assert child.stdout is not None
        if once_begun:
            assert child.stdout.readline() == "begun\n"
        time.sleep(delay_s)
        child.kill()
        lines = child.stdout.read().splitlines(keepends=True)
    reported = [line.split() for line in lines if line.endswith("\n") and " " in line]
    return [(int(s), int(r)) for s, r in reported]


def check_status(recording: Recording) -> None:
    """A killed run is interrupted, unless the kill came behind its last repeat."""
    assert recording.status in ("interrupted", "done")
    assert recording.status == "interrupted" or recording.complete.all()


def check_after_kill(out: Path, reported: list[tuple[int, int]]) -> None:
    """Nothing reported is lost or wrong; it opens everywhere; it goes on."""
    recording = read_recording(out)
    check_status(recording)
    assert all(recording.complete[s, r] for s, r in reported)
    for s, r in np.argwhere(recording.complete):
        expected = samples.response_of(int(s), int(r), int(recording.lengths[s]))
        assert np.array_equal(recording.response[s, r, : len(expected)], expected)
    with xr.open_dataset(out / "recording.nc") as dataset:
        order, response = dataset["order"].values, dataset["response"].values
    with h5py.File(out / "recording.nc") as file:
        assert np.array_equal(file["order"][...], order)
    for s, r in reported:
        assert order[s, r] >= 0
        assert np.array_equal(response[s, r], recording.response[s, r], equal_nan=True)
    if recording.complete.all():
        return
    writer, so_far = RecordingWriter.resume(out)
    s, r = (int(i) for i in np.argwhere(~so_far.complete)[0])
    position = int(so_far.order.max()) + 1
    writer.append(s, r, position, 0.0, samples.response_of(s, r, int(so_far.lengths[s])))
    writer.finish("stopped")
    assert int(read_recording(out).complete.sum()) == int(so_far.complete.sum()) + 1


@POSIX
def test_kill_9_loses_no_completed_repeat(tmp_path: Path) -> None:
    rng = random.Random(1)
    for attempt in range(8):
        out = tmp_path / str(attempt)
        reported = killed(out, rng.uniform(0, 0.12), once_begun=True)
        if len(reported) < 1200:
            check_after_kill(out, reported)


@POSIX
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_kill_9_loses_nothing_in_200_runs(tmp_path: Path) -> None:
    rng = random.Random(2)
    checked = 0
    for attempt in range(1000):  # on a fast machine some runs end before their kill
        out = tmp_path / str(attempt)
        reported = killed(out, rng.uniform(0, 0.06), once_begun=True)
        if len(reported) < 1200:
            check_after_kill(out, reported)
            checked += 1
        shutil.rmtree(out)
        if checked == 200:
            return
    pytest.fail(f"only {checked} of 200 runs were killed before their end")


@POSIX
def test_kill_9_while_it_is_created_leaves_a_recording_or_a_clear_error(tmp_path: Path) -> None:
    rng = random.Random(3)
    for attempt in range(5):
        out = tmp_path / str(attempt)
        killed(out, rng.uniform(0.1, 0.6), once_begun=False)
        if (out / "journal.bin").exists():
            check_status(read_recording(out))
        elif not (out / "recording.nc").exists():
            with pytest.raises(InputError, match=str(out)):
                read_recording(out)


def test_a_torn_tail_costs_only_itself(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    (out / "recording.nc").unlink()  # which shows the repeat that is cut off here
    journal = out / "journal.bin"
    whole = journal.read_bytes()
    full_count = int(read_recording(out).complete.sum())
    for cut in range(1, 60, 7):
        journal.write_bytes(whole[:-cut])
        assert int(read_recording(out).complete.sum()) == full_count - 1
    journal.write_bytes(whole + b"\0" * 500)  # what a power cut may leave
    assert int(read_recording(out).complete.sum()) == full_count


def test_a_repeat_that_only_the_open_file_shows_is_said_and_not_lost_in_silence(
    tmp_path: Path,
) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    journal.write_bytes(journal.read_bytes()[:-3])
    with pytest.raises(
        InputError, match=r"shows 1 repeats that it doesn't hold; restore"
    ) as caught:
        read_recording(out)
    assert "move recording.nc away" in str(caught.value)
    (out / "recording.nc").rename(tmp_path / "away.nc")
    assert int(read_recording(out).complete.sum()) == 4
    writer, so_far = RecordingWriter.resume(out)
    assert int(so_far.complete.sum()) == 4
    writer.finish("stopped")
    assert read_recording(out).status == "stopped"


def test_a_writer_that_is_always_a_repeat_ahead_is_not_called_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeat comes between each look at the journal and the next one at recording.nc."""
    writer = RecordingWriter(tmp_path / "r", samples.blank(lengths=(4,), repeats=9))

    def read_and_fall_behind(path: Path) -> JournalContent:
        content, r = read_journal(path), len(writer.recording.order[writer.recording.complete])
        writer.append(0, r, r, 0.5 * r, samples.response_of(0, r, 4))
        return content

    monkeypatch.setattr(recording_reader, "read_journal", read_and_fall_behind)
    assert int(read_recording(tmp_path / "r").complete.sum()) == 1  # as the second reading found it
    writer.finish("stopped")


def interrupted(tmp_path: Path, count: int = 5) -> Path:
    """A run whose process is gone."""
    out = tmp_path / "r"
    writer = RecordingWriter(out, samples.blank())
    samples.append_all(writer, until=count)
    writer._close()
    return out


def test_an_abandoned_run_of_this_process_is_interrupted(tmp_path: Path) -> None:
    assert read_recording(interrupted(tmp_path)).status == "interrupted"


def test_every_flipped_bit_of_a_journal_is_noticed(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    whole = journal.read_bytes()
    rng = random.Random(4)
    for _ in range(400):
        at, bit = rng.randrange(len(whole)), rng.randrange(8)
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        with pytest.raises(InputError, match=r"journal\.bin"):
            read_recording(out)


def test_a_journal_cut_into_its_header_is_an_error(tmp_path: Path) -> None:
    out = interrupted(tmp_path)
    journal = out / "journal.bin"
    whole = journal.read_bytes()
    for length in (0, 5, START, START + 30):
        journal.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"journal\.bin"):
            read_recording(out)
    assert read_journal_is_unchanged(journal, whole[:length])


def read_journal_is_unchanged(path: Path, content: bytes) -> bool:
    """A reader never changes an original."""
    return path.read_bytes() == content


def test_an_owner_is_this_very_process() -> None:
    here = Owner.here()
    assert here.alive(1e9)
    assert not Owner(here.pid, "earlier", here.host).alive(0.0)
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert process_start(child.pid) is None


@POSIX
@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps: apt-get install procps")
def test_a_process_began_at_one_time_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `ps`, as on macOS, which tells it by the asker's clock and in its language."""
    here = _ps_start(os.getpid())
    assert here is not None
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert _ps_start(os.getpid()) == here


def test_an_owner_on_another_host_of_this_process_s_number_lives_by_its_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r"
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    writer = RecordingWriter(out, samples.blank())
    monkeypatch.undo()
    monkeypatch.setattr(recording_reader, "OPEN_HERE", set())  # of this process of this host
    assert read_recording(out).status == "running"
    os.utime(out / "journal.bin", (0, 0))
    assert read_recording(out).status == "interrupted"
    writer.finish("stopped")


def test_a_run_of_another_host_needs_no_two_clocks_that_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose clock was two minutes behind showed a run that goes on as interrupted."""
    out, now_s = tmp_path / "r", [1000.0]
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    writer = RecordingWriter(out, samples.blank())
    monkeypatch.undo()
    monkeypatch.setattr(recording_reader, "OPEN_HERE", set())
    monkeypatch.setattr(recording_reader.time, "monotonic", lambda: now_s[0])
    for beat_s in (time.time() - 300.0, time.time() + 300.0):  # of a clock behind, of one ahead
        os.utime(out / "journal.bin", (beat_s, beat_s))
        read_recording(out)
        now_s[0] += 1.0
        os.utime(out / "journal.bin", (beat_s + 1.0, beat_s + 1.0))
        assert read_recording(out).status == "running"
        now_s[0] += SILENT_S + 1.0
        assert read_recording(out).status == "interrupted"
    monkeypatch.undo()
    writer.finish("stopped")


def test_an_owner_on_another_host_lives_by_its_heartbeat(tmp_path: Path) -> None:
    other = Owner(1, "x", "elsewhere")
    assert other.alive(10.0)
    assert not other.alive(1000.0)
    out = interrupted(tmp_path)
    assert read_journal(out / "journal.bin").owner == Owner.here()
