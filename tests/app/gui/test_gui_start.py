from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
import weakref
from importlib.resources import files
from pathlib import Path

import pytest
from fit_device import record_device
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QApplication
from window_disk import disk_of_the_window

from app.config import load_settings, settings_path
from app.gui import main, settings_keeper, start
from app.gui.actions import PAGES
from app.gui.record_design import Design
from app.gui.theme import DARK, Theme
from app.gui.widgets.plot_menu import save_plot
from app.gui.window import WITHIN, Window
from app.store import read_recording, write_recording
from instruments.bench_file import read_bench


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, qapp):
    monkeypatch.setenv("TWINRIG_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("TWINRIG_LIBRARY", str(tmp_path / "library"))
    yield
    for widget in qapp.topLevelWidgets():
        if isinstance(widget, Window):
            widget.deleteLater()
    qapp.processEvents()


class Visitor:
    """Acts on the window that `main` opened, step by step, from within its event loop."""

    last: Visitor  # holds its timer, which would be gone with it

    def __init__(self, *steps) -> None:
        Visitor.last = self
        self.steps = list(steps)
        self.timer = QTimer()
        self.timer.setInterval(20)
        self.timer.timeout.connect(self.act)
        self.timer.start()

    def act(self) -> None:
        windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, Window)]
        windows = [w for w in windows if not w._closed]
        if windows and windows[-1].pages and self.steps and self.steps[0](windows[-1]) is not False:
            self.steps.pop(0)
        if not self.steps:
            self.timer.stop()


def shut(window: Window) -> None:
    """Close once: `close` says False while a bench is still being closed."""
    window.close()


def test_smoke_starts_says_how_long_it_took_and_quits(capsys) -> None:
    assert main(["--smoke"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["event"] == "usable"
    assert 0 < told["framed"] <= told["seconds"] <= told["complete"] < 60


def test_first_start_on_a_small_screen_shows_the_whole_window_with_stop() -> None:
    seen = []

    def look(window: Window) -> None:
        seen.append((window.size(), window.screen().availableSize(), window.isMaximized()))
        shut(window)

    Visitor(look)
    assert main([]) == 0
    [(size, room, maximized)] = seen
    assert room.width() < 1440  # Qt's offscreen screen: 800 × 800
    assert size.width() <= room.width()
    assert size.height() <= room.height()
    assert maximized


LOADED = """
import sys
from app.gui import main, start
from app.gui.leaving import leave

HEAVY = {"torch", "pyqtgraph", "pyvisa", "h5py", "scipy", "xarray", "matplotlib"}

def note(seconds, name, began_s):
    seconds[name] = 0.0
    print(name, *sorted(HEAVY & set(sys.modules)))

start._note = note
leave(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("arguments", "at_last"), [([], "complete"), (["--bench", "virtual"], "complete pyqtgraph")]
)
def test_what_answers_first_waits_for_no_library_that_it_does_not_need(
    arguments: list[str], at_last: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "--smoke", *arguments],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, check=True, timeout=280,
    )  # fmt: skip
    assert done.stdout.splitlines()[:3] == ["framed", "usable", at_last]


def test_no_page_is_opened_only_once_a_heavy_library_is_loaded() -> None:
    """The Twin page stood 0.2 s for SciPy's FFT, of which it wanted one number."""
    words = (
        "import importlib, pkgutil, sys\n"
        "import app.gui.pages as pages\n"
        "for one in pkgutil.iter_modules(pages.__path__):\n"
        "    importlib.import_module(f'app.gui.pages.{one.name}')\n"
        "heavy = {'torch', 'h5py', 'scipy', 'xarray', 'matplotlib'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_a_wrong_bench_file_is_exit_2_without_a_window(tmp_path, capsys) -> None:
    bench = tmp_path / "rig.toml"
    bench.write_text("nme = 'x'\n")
    assert main(["--bench", str(bench)]) == 2
    assert "did you mean 'name'" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="screens have names on Linux")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--bnech", "virtual"], "did you mean '--bench'?"),
        (["--theme", "drak"], "did you mean 'dark'?"),
        (["--library"], "argument --library: expected one argument"),
        (["--bench", "virtual", "monitor"], "unrecognized arguments: monitor"),
    ],
)
def test_a_wrong_option_is_told_with_the_nearest_one(words, told, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["twinrig", *words])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith("twinrig: ")
    assert told in said
    assert "usage: twinrig [-h] [--bench BENCH]" in said


def test_without_a_screen_it_says_so_in_place_of_an_abort(monkeypatch, capsys) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 1
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in capsys.readouterr().err


def test_another_bench_is_opened_once_this_one_has_closed(tmp_path) -> None:
    bench = tmp_path / "rig.toml"
    text = files("resources").joinpath("virtual-nanoring.toml").read_text("utf-8")
    bench.write_text(text.replace('name = "virtual nanoring array"', 'name = "the other rig"'))
    names: list[str] = []
    visitor = Visitor(
        lambda w: w.session.bench is not None,
        lambda w: names.append(w.session.spec.name),
        lambda w: w.open_bench(bench),
        lambda w: w.session.spec.name == "the other rig" and w.session.bench is not None,
        lambda w: names.append(w.session.spec.name),
        shut,
    )
    assert main(["--bench", "virtual"]) == 0
    assert visitor.steps == []
    assert names == ["virtual nanoring array", "the other rig"]


def test_a_window_that_gave_way_is_let_go_and_the_theme_that_was_asked_for_stays() -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps({"theme": "light"}))
    gone: list[weakref.ref[Window]] = []
    themes: list[str] = []

    def go_on(window: Window) -> None:
        gone.append(weakref.ref(window))
        themes.append(window.theme.mode)
        window.open_bench(Path("virtual" if len(gone) % 2 else "virtual-leaky-integrator"))

    connected = [lambda w: w.session.bench is not None, lambda w: w.page().whole]
    visitor = Visitor(*connected, go_on, *connected, go_on, *connected, shut)
    assert main(["--bench", "virtual-leaky-integrator", "--theme", "dark"]) == 0
    assert visitor.steps == []
    gc.collect()
    assert gone[0]() is None
    assert themes == ["dark", "dark"]


def test_a_built_in_rig_comes_back_and_the_virtual_rig_is_another_one() -> None:
    visitor = Visitor(lambda w: w.session.bench is not None, shut)
    assert main(["--bench", "virtual-leaky-integrator"]) == 0
    names: list[str] = []
    again = Visitor(
        lambda w: w.session.bench is not None,
        lambda w: names.append(w.session.spec.name),
        lambda w: w.use_virtual(),
        lambda w: w.session.spec.name != names[0] and w.session.bench is not None,
        lambda w: names.append(w.session.spec.name),
        shut,
    )
    assert main([]) == 0
    assert visitor.steps == again.steps == []
    assert names == [read_bench(n).name for n in ("virtual-leaky-integrator", "virtual")]
    assert load_settings(settings_path())[0].bench == "virtual"


def test_a_file_that_is_no_bench_is_told_and_this_bench_stays_open(tmp_path) -> None:
    bench, closing = tmp_path / "rig.toml", list[bool]()
    bench.write_bytes(b"\xff\xfen\0a\0m\0e\0")
    visitor = Visitor(
        lambda w: w.session.bench is not None,
        lambda w: w.open_bench(bench),
        lambda w: any("save it as UTF-8" in line for line in w.log),
        lambda w: closing.append(w.closing),
        shut,
    )
    assert main(["--bench", "virtual"]) == 0
    assert visitor.steps == []
    assert closing == [False]


def test_a_served_rig_is_opened_as_the_bench_and_ends_with_the_window(tmp_path) -> None:
    rigs, headings = [], []

    def serve(window: Window) -> None:
        window.open_page("serve")
        window.pages["serve"].press()
        rigs.append(window.rig)

    visitor = Visitor(
        lambda w: w.session.bench is not None,
        serve,
        lambda w: w.rig.ready,
        lambda w: w.pages["serve"].open_button.click(),
        lambda w: w.bench_file.endswith("served.toml") and w.session.bench is not None,
        lambda w: rigs.append(w.rig),
        lambda w: w.open_page("serve"),
        lambda w: headings.append(w.pages["serve"].heading.text()),
        lambda w: w.pages["serve"].press(),  # its own bench is on it
        lambda w: headings.append(w.log[-1]),
        shut,
    )
    assert main(["--bench", "virtual"]) == 0
    assert visitor.steps == []
    assert rigs[0] is rigs[1]
    assert headings[0] == "Serving nanoring"
    assert "open another bench first" in headings[1]
    assert (tmp_path / "served.toml").is_file()
    QApplication.processEvents()
    assert not rigs[0].running
    assert not rigs[0].problem


def test_a_library_that_is_a_file_is_refused_before_the_window(tmp_path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("no folder")
    assert main(["--library", str(tmp_path / "notes.txt")]) == 2
    assert "notes.txt: is a file; name a folder" in capsys.readouterr().err


def test_a_share_that_hangs_holds_back_no_window(tmp_path, monkeypatch) -> None:
    """Half a minute without a window, while its server is away."""
    back, look = threading.Event(), start.file_at

    def hangs(path: str) -> bool:
        if path.endswith("on-a-share"):
            assert threading.current_thread() is not threading.main_thread()
            back.wait(60)
        return look(path)

    monkeypatch.setattr(start, "file_at", hangs)
    monkeypatch.setattr(start, "SOON_S", 0.1)
    Visitor(shut)
    assert main(["--bench", "virtual", "--library", str(tmp_path / "on-a-share")]) == 0
    assert not back.is_set()
    back.set()


def test_bench_page_theme_and_forms_come_back_at_the_next_start() -> None:
    visitor = Visitor(
        lambda w: w.pages["record"].steps.setValue(77),
        lambda w: w.set_theme("dark"),
        lambda w: w.open_page("log"),
        shut,
    )
    assert main(["--bench", "virtual"]) == 0
    settings, note = load_settings(settings_path())
    assert (note, settings.theme, settings.forms["record"]["steps"]) == ("", "dark", 77)
    seen: list[object] = []
    again = Visitor(
        lambda w: w.session.bench is not None,
        lambda w: seen.extend([w.session.spec.name, w.page().key, w.theme.mode]),
        lambda w: w.open_page("record"),
        lambda w: seen.append(w.pages["record"].steps.value()),
        shut,
    )
    assert main([]) == 0
    assert visitor.steps == again.steps == []
    assert seen == [read_bench("virtual").name, "log", "dark", 77]


@pytest.mark.parametrize(("mode", "dark"), [("system", True), ("light", False)])
def test_the_look_of_the_system_changes_with_it_while_the_window_is_open(
    mode: str, dark: bool, monkeypatch
) -> None:
    hints, own, night = QApplication.styleHints(), Theme._is_dark, [True]
    themes: list[Theme] = []

    def evening(window: Window) -> None:
        monkeypatch.setattr(
            Theme, "_is_dark", lambda t, app: night[0] if t.mode == "system" else own(t, app)
        )
        hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
        themes.append(window.theme)
        shut(window)

    Visitor(evening)
    assert main(["--bench", "virtual", "--theme", mode]) == 0
    assert (themes[0].tokens is DARK) is dark
    night[0] = False
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert (themes[0].tokens is DARK) is dark  # that window is gone


def test_the_queue_is_kept_while_the_window_is_open(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings_keeper, "KEPT_EVERY_MS", 20)
    kept = []

    def fill(window: Window) -> None:
        window.open_page("record")
        window.pages["record"].queue.queue.add(Design(seed=77), None)

    def is_kept(window: Window) -> bool:
        queue = load_settings(settings_path())[0].forms.get("record", {}).get("queue", [])
        kept[:] = [one["design"]["seed"] for one in queue]
        return kept == [77]

    _visitor = Visitor(fill, is_kept, shut)
    assert main(["--bench", "virtual"]) == 0
    assert kept == [77]  # before it was closed: a night ends by a power cut, too


NO_WINDOW = (" in load_settings", " in SettingsKeeper.keep ", " in read < /gui/start.py:")
"""Before there is one, and behind it."""


def test_the_windows_thread_waits_for_no_disk(tmp_path, monkeypatch) -> None:
    """Library, settings and bench file may all be on a share: pages, forms, a change of bench."""
    monkeypatch.setattr(settings_keeper, "KEPT_EVERY_MS", 20)
    write_recording(tmp_path / "library" / "rec-a", record_device(4, 2, seed=1, steps=12))
    (tmp_path / "library" / "bench").mkdir()
    bench, plot = tmp_path / "library" / "bench" / "rig.toml", tmp_path / "plot.csv"
    bench.write_text(files("resources").joinpath("virtual-nanoring.toml").read_text("utf-8"))
    open_each = [
        lambda w, key=key: w.open_page(key)
        for key in (*(key for key, _ in PAGES), *WITHIN, "log", "settings")
    ]

    def fill(window: Window) -> None:
        window.pages["serve"].rows.bench.setText(str(bench))
        window.pages["bench_draft"].fields.file.setText(str(bench))
        window.pages["twin"].choose(tmp_path / "library" / "rec-a" / "recording.nc")
        window.open_page("record")
        save_plot(window.pages["record"].plots.response, plot)

    def change(window: Window) -> None:
        edit = window.pages["bench"].edit
        edit.choose("magnet.x")
        edit.rows["max_current_A"].entry.setText("10.5 A")
        edit.write_button.click()

    visitor = Visitor(
        lambda w: w.session.bench is not None and w.page().whole,
        *open_each,
        fill,
        lambda w: "exists" in w.pages["serve"].form.primary.cost and plot.exists(),
        change,
        lambda w: read_bench(bench).magnets["x"].limits.max_current_A == 10.5,
        lambda w: w.session.spec.magnets["x"].limits.max_current_A == 10.5,
        shut,
    )
    with disk_of_the_window(tmp_path) as touched:
        assert main(["--bench", str(bench)]) == 0
    assert visitor.steps == []
    found = [one for one in touched if not any(where in one for where in NO_WINDOW)]
    assert not found, "\n".join(found)


def test_broken_settings_are_said_in_the_window_and_put_aside() -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text("{ cut sho")
    said: list[str] = []
    Visitor(lambda w: said.extend(w.log), shut)
    assert main(["--bench", "virtual"]) == 0
    assert any("default settings" in words for words in said)
    assert settings_path().with_name("window.json.broken").read_text() == "{ cut sho"
    assert load_settings(settings_path())[1] == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_recording_ends_safely_with_exit_3(tmp_path, name: str) -> None:
    seen: dict[str, object] = {}

    def press(window: Window) -> bool | None:
        page = window.pages["record"]
        if window.session.bench is None or not page.form.primary.isEnabled():
            return False
        page.set_form_values({"count": 4, "steps": 100, "repeats": 50})
        page.press()
        return None

    def kill(window: Window) -> bool | None:
        if window.pages["record"].live.done == 0:
            return False
        bench = window.session.bench
        close = bench.close

        def tell_and_close() -> None:
            bench.stop.clear()
            seen["state"] = bench.state()["x"]
            close()

        bench.close = tell_and_close
        seen["path"] = window.pages["record"].recorded
        signal.raise_signal(getattr(signal, name))
        return None

    Visitor(press, kill)
    assert main(["--bench", "virtual"]) == 3
    assert not seen["state"].output_on
    assert seen["state"].setpoint_A == pytest.approx(0.0, abs=1e-3)
    recording = read_recording(seen["path"])
    assert recording.status == "stopped"
    assert recording.complete.sum() > 0


def test_the_first_start_offers_the_virtual_rig_and_connects_nothing(tmp_path) -> None:
    seen: list[object] = []
    visitor = Visitor(
        lambda w: w.page() is w.pages["welcome"],
        lambda w: seen.extend([w.session.bench, w.top.pill.state.words]),
        lambda w: w.pages["welcome"].virtual.click(),
        lambda w: w.session.bench is not None,
        lambda w: seen.append(w.page() is w.pages["record"]),
        shut,
    )
    assert main([]) == 0
    assert visitor.steps == []
    assert seen == [None, "No bench", True]
    assert load_settings(settings_path())[0].bench == "virtual"


def test_a_last_bench_that_is_gone_is_told_and_never_stops_the_start(tmp_path) -> None:
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps({"bench": str(tmp_path / "away.toml")}))
    said: list[str] = []
    visitor = Visitor(
        lambda w: w.page() is w.pages["welcome"],
        lambda w: said.extend(w.log),
        shut,
    )
    assert main([]) == 0
    assert visitor.steps == []
    assert any("last bench can't be opened" in words for words in said)
    assert json.loads(settings_path().read_text())["bench"] == str(tmp_path / "away.toml")


def test_pictures_are_of_the_virtual_rig_and_of_a_library_of_their_own(
    tmp_path, monkeypatch
) -> None:
    text = (files("resources") / "virtual-nanoring.toml").read_text("utf-8")
    real = text.replace(text[text.index("[virtual]") : text.index("[magnet.x]")], "")
    (tmp_path / "real.toml").write_text(
        re.sub("::virtual-([a-z])[a-z0-9-]+::", r"::nowhere-\1.invalid::", real)
    )
    assert read_bench(tmp_path / "real.toml").virtual is None
    settings_path().parent.mkdir(parents=True)
    settings_path().write_text(json.dumps({"bench": str(tmp_path / "real.toml")}))
    monkeypatch.setattr("app.gui.screenshots.Tour.start", lambda _: None)
    seen = []

    def look(window: Window) -> None:
        seen.append((window.session.spec.virtual is not None, window.session.library.folder))

    Visitor(look, shut)
    assert main(["--screenshot", str(tmp_path / "pictures")]) == 0
    assert seen == [(True, tmp_path / "pictures" / "library")]
