"""The window's screen goes away while a magnet is energised, or while a fit needs no bench."""

from __future__ import annotations

import subprocess
import threading

import pytest
from xvfb_person import missing, person

from app.gui.job import JobSpec
from app.gui.start import end_safe
from app.store import read_recording

LACKING = missing()


@pytest.mark.skipif(bool(LACKING), reason=LACKING)
@pytest.mark.timeout(300)
def test_a_screen_that_is_lost_stops_the_run_and_is_no_success(tmp_path) -> None:
    with person(tmp_path, "--bench", "virtual", "--theme", "light") as one:
        one.wait("the bench", lambda seen: seen.get("connected"))
        one.keys("ctrl+3")
        one.click(one.look()["primary"])
        one.wait("a run", lambda seen: seen["job"] and float(seen["strip"]["current"]))
        find = ["xdotool", "search", "--onlyvisible", "--name", "Twinrig, "]
        found = subprocess.run(find, env=one._env, check=True, capture_output=True, text=True)
        one._do("windowkill", found.stdout.split()[0])  # its connection breaks, as with the server
        assert one.process.wait(60) == 1
        assert "twinrig: the window's screen is gone" in one.errors.read_text()
        (recording,) = one.library.iterdir()
    assert read_recording(recording).status == "stopped"


def test_a_job_without_a_bench_does_not_outlive_the_window(make_window) -> None:
    window = make_window(connected=False)
    window.open_page("twin")
    ended = threading.Event()

    def fit(stop_asked):
        while not stop_asked():
            ended.wait(0.01)
            yield None
        ended.set()

    assert window.run(JobSpec("twin", "Fit", "twin-x", fit, hardware=False))
    try:
        end_safe(window)
        assert not window.job._thread.is_alive()
    finally:
        window.job.stop()
        window.job.wait(10.0)
