"""What a watchdog leaves behind: a log for people, and a report for each magnet's next connect.

Both are in the user's state folder. A log that can't be written never keeps a magnet energised:
the watchdog goes on without it.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec

LOG_NAME = "watchdog.log"
MOST_LOG_BYTES = 2**20
STATES = ("safe", "trying", "gave up")


@dataclass(frozen=True)
class Report:
    """What became of one magnet after its program had ended, or given up, without making it safe.

    Attributes
    ----------
    magnet, resource
        Which supply.
    state
        `safe`, `trying` or `gave up`.
    words
        What was found and done, or why not yet.
    program
        The program, with its process number.
    ended, when
        When it let go, and when this was written; local time.
    watchdog
        Process number of the watchdog.
    """

    magnet: str
    resource: str
    state: str
    words: str
    program: str
    ended: str
    when: str
    watchdog: int

    def __str__(self) -> str:
        """The sentence for people."""
        before = f"{self.program} left {self.magnet} energised at {self.ended}: "
        if self.state == "safe":
            return f"{before}the watchdog made it safe at {self.when} ({self.words})"
        if self.state == "trying":
            return (
                f"{before}the watchdog (process {self.watchdog}) was still trying to bring it to "
                f"zero at {self.when} ({self.words})"
            )
        return (
            f"{before}the watchdog GAVE UP at {self.when}, current may be flowing: look at "
            f"{self.resource} ({self.words})"
        )


def now() -> str:
    """Local time as people write it."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


def state_folder() -> Path:
    """Where log and reports are."""
    return Path(platformdirs.user_state_dir("twinrig", appauthor=False)) / "watchdog"


def log_path() -> Path:
    """The log of all of this user's watchdogs."""
    return state_folder() / LOG_NAME


def write_log(words: str) -> bool:
    """Append one line with time and process; False where the disk doesn't take it."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            if path.stat().st_size > MOST_LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{now()} [{os.getpid()}] {' '.join(words.splitlines())}\n")
    except OSError:
        return False
    return True


def write_report(report: Report) -> None:
    """Replace the magnet's report; nothing happens where the disk doesn't take it."""
    path = _path(report.resource)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(asdict(report)), encoding="utf-8")
        new.replace(path)


def read_reports(spec: BenchSpec) -> list[Report]:
    """The reports about a bench's magnets since each was last energised; an unreadable one: none.

    The report is a courtesy beside the log: one that was cut must not keep a bench from connecting.
    """
    reports = []
    for magnet in spec.magnets.values():
        with suppress(OSError, ValueError, TypeError, KeyError):
            value = json.loads(_path(magnet.resource).read_text(encoding="utf-8"))
            report = Report(**value)
            if report.state in STATES and report.resource == magnet.resource:
                reports.append(report)
    return reports


def forget_reports(spec: BenchSpec) -> None:
    """Remove the reports of a bench's magnets: they are energised anew."""
    for magnet in spec.magnets.values():
        with suppress(OSError):
            _path(magnet.resource).unlink(missing_ok=True)


def _path(resource: str) -> Path:
    name = "".join(c if c.isalnum() or c in ".-" else "_" for c in resource.lower())
    return state_folder() / f"{name}.json"
