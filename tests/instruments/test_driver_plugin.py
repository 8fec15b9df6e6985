"""A driver of another package: it joins by its entry point, with nothing of ours changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from served import served

from app.store import read_recording
from instruments.drivers import BUILT_IN, GROUP, _entry_points, lacking

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = """
import numpy as np

class MyMeter:
    kind, driver, KEYS = "readout", "my-meter", ("gain",)
    channels, units = ("V",), ("V",)

    def __init__(self, name, session, options):
        self.name, self.resource, self.identity = name, session.resource_name, ""
        self._session, self._gain = session, options.get("gain", 1.0)

    @staticmethod
    def terminator(resource): return "\\n"

    @staticmethod
    def options(table): return {"gain": table.number("gain", 1.0, above=0.0)}

    def identify(self):
        self.identity = self._session.query("*IDN?")
        return self.identity

    def settings(self): return {"gain": self._gain}

    def prepare(self): self._session.write("OUTX 1")

    def read(self):
        return np.array(self._session.numbers("SNAP? 1,2", 2))[:1] / self._gain

    def monitor(self): return self.read()

    def faults(self): return ()

    def errors(self): return ()

    def close(self): self._session.close()
"""


def run(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(package)}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        capture_output=True, text=True, timeout=100, env=environment, check=False,
    )  # fmt: skip


def installed(folder: Path, value: str) -> Path:
    """A package as pip leaves it: a module, and its metadata with the entry point."""
    about = folder / "my_package-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "my_package.py").write_text(DRIVER)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[twinrig.drivers]\nmy-meter = {value}\n")
    return folder


def bench(folder: Path, text: str) -> Path:
    """The rig's bench file, its lock-in driven by the other package."""
    ours = text.replace('driver = "sr830"', 'driver = "my-meter"\ngain = 2.0')
    path = folder / "bench.toml"
    path.write_text(ours.replace('channels = ["X", "Y"]\n', ""))
    return path


def test_a_driver_of_another_package_records(tmp_path: Path) -> None:
    package = installed(tmp_path / "site", "my_package:MyMeter")
    with served() as rig:
        file, out = bench(tmp_path, rig.text), tmp_path / "recording"
        record = ("record", "--bench", str(file), "--sequences", "steps:1x4", "--repeats", "2")
        done = run(package, *record, "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["status"] == "done"
    recording = read_recording(out)
    assert recording.channels == ("V",)
    assert recording.settings["lockin"] == {"gain": 2.0}


def test_a_folder_that_is_not_ours_to_look_into_keeps_nobody_from_starting(tmp_path, monkeypatch):
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(type(tmp_path), "is_file", forbidden)
    assert all(point.group == GROUP for point in _entry_points())


def test_one_that_does_not_load_is_told_where_a_bench_asks_for_it(tmp_path: Path) -> None:
    package = installed(tmp_path / "site", "my_package:Mymeter")
    with served() as rig:
        done = run(package, "bench", "check", str(bench(tmp_path, rig.text)))
    assert done.returncode == 2
    assert "my_package:Mymeter can't be loaded" in done.stderr


def test_one_that_lacks_a_method_is_told_before_anything_is_connected(tmp_path: Path) -> None:
    package = installed(tmp_path / "site", "my_package:MyMeter")
    half = DRIVER.replace("def faults", "def fault").replace("def close", "def end")
    (package / "my_package.py").write_text(half)
    with served() as rig:
        done = run(package, "bench", "check", str(bench(tmp_path, rig.text)))
    assert done.returncode == 2
    assert "my_package:MyMeter lacks close, faults: see instruments/protocols.py" in done.stderr


def test_no_driver_of_ours_lacks_a_method() -> None:
    lacks = {one.driver: lacking(one, kind) for kind, ours in BUILT_IN.items() for one in ours}
    assert not any(lacks.values()), lacks
    assert lacking(BUILT_IN["readout"][0], "magnet")[:2] == ["measured_A", "output"]
