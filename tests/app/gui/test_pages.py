"""The main path of every page on the real virtual rig, with tiny settings."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest
from window_disk import disk_of_the_window

from app.gui.words import BEING_READ
from app.library.library import Library

if TYPE_CHECKING:
    from app.library.folders import Artefact

WAIT_MS = 240_000
TINY = {"count": 8, "steps": 40, "repeats": 8}


def run(window, qtbot, key: str, values: dict) -> None:
    page = window.pages[key]
    page.set_form_values(values)
    page.show_cost()
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.form.primary.click()
    assert window.job is not None, page.form.primary.cost
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)


@pytest.fixture
def no_disk_in_the_window(window):
    """Its own thread waits for no disk: what a page needs from one is read beside it."""
    with disk_of_the_window(window.session.library.folder) as touched:
        yield
    assert not touched, "\n".join(touched)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("no_disk_in_the_window")
def test_record_fit_train_deploy_by_pressing_buttons(window, qtbot) -> None:
    record = window.pages["record"]
    run(window, qtbot, "record", TINY)
    assert record.live.done == 64
    assert record.heading.text() == "Recorded mixed:8x40@0"
    record.next_button.click()
    assert len(record.plots.response.mean_line.getData()[0]) == 40
    assert record.fit_button.isVisible()

    record.fit_button.click()
    twin = window.pages["twin"]
    assert window.page() is twin
    chosen = [record.recorded.parent.name]
    qtbot.waitUntil(lambda: [p.name for p in twin.chosen] == chosen, timeout=WAIT_MS)
    run(window, qtbot, "twin", {"iterations": 30, "hidden": 8})
    assert twin.twin is not None, "\n".join(window.log)
    rows = {r.name: r for r in twin.plots.errors.rows}
    assert {"Mean", "Spread", "Autocovariance", "CRPS", "90 % coverage"} <= set(rows)
    assert twin.live.real is not None

    twin.train_button.click()
    network = window.pages["network"]
    qtbot.waitUntil(lambda: network.twin.currentData() == twin.twin.parent, timeout=WAIT_MS)
    run(window, qtbot, "network", {"iterations": 5, "layers": "2, 2"})
    assert network.network is not None, "\n".join(window.log)
    words = {r.name: r.word for r in network.plots.table.rows}
    assert words["AR-18"] == "beats it"
    assert "loses to" in network.plots.verdict.text()

    network.deploy_button.click()
    deploy = window.pages["deploy"]
    wanted = network.network.parent
    qtbot.waitUntil(lambda: deploy.choice.currentData() == wanted, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "at most" in deploy.plots.verdict.text.text(), timeout=WAIT_MS)
    run(window, qtbot, "deploy", {})
    assert deploy.deployed is not None, "\n".join(window.log)
    assert len(deploy.plots.grid.misfit) == 4
    heading = deploy.plots.verdict.heading.text()
    measured, predicted = deploy.live.result["measured"], deploy.live.result["predicted"]
    assert ("Transferred" in heading) == (measured <= predicted["high"])
    assert deploy.live.scores[-1][1] == pytest.approx(measured, rel=1e-6)
    assert not any(s.output_on for s in window.session.bench.state().values())

    window.open_page("library")
    library = window.pages["library"]
    qtbot.waitUntil(lambda: len(library.rows) == 4, timeout=WAIT_MS)
    kinds = sorted(row.artefact.kind for row in library.rows)
    assert kinds == ["dep", "net", "rec", "twin"]


SCRIPT = """
    import sys
    import time
    from PyQt6.QtWidgets import QApplication
    from app.gui.leaving import leave
    from app.gui.theme import Theme
    from app.gui.window import Window
    from app.library.library import Library
    from app.session import Session
    from instruments.bench_file import read_bench
    from pathlib import Path

    def main():
        app = QApplication([])
        theme = Theme("dark")
        theme.apply(app)
        window = Window(Session(read_bench("virtual"), Library(Path(sys.argv[1]))), theme)
        window.gone.connect(app.quit)
        window.show()
        window.link.connect_bench()

        def until(done):
            while not done():
                app.processEvents()
                time.sleep(0.005)

        until(lambda: window.session.bench is not None and "channel.Y" in window.top.cells)
        record = window.pages["record"]
        record.set_form_values({"count": 8, "steps": 20, "repeats": 8})
        record.press()
        until(lambda: window.job is None)
        window.open_page("twin", record.recorded)
        twin = window.pages["twin"]
        twin.set_form_values({"iterations": 3, "hidden": 4, "latent": 2})
        until(lambda: twin.chosen)
        twin.press()
        until(lambda: window.job is None)
        assert twin.twin is not None, window.log
        print("torch" in sys.modules)
        window.shut_down()
        app.exec()
        window.link.wait(10)
        leave(0)

    if __name__ == "__main__":
        main()
"""


@pytest.mark.timeout(300)
def test_the_window_never_imports_torch_even_to_fit(tmp_path) -> None:
    script = tmp_path / "fit_through_the_window.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "library")],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_what_a_slow_library_may_hold_is_not_called_missing(
    make_window, qtbot, monkeypatch
) -> None:
    """For a minute, on a share, "fit a twin first" beside a hundred of them."""
    back, read = threading.Event(), Library.artefacts

    def slow(library: Library, *kind: str) -> list[Artefact]:
        back.wait(60)
        return read(library, *kind)

    monkeypatch.setattr(Library, "artefacts", slow)
    window = make_window(connected=False, page="network")
    seen = {}
    for key in ("network", "twin", "deploy", "library"):
        window.open_page(key)
        page = window.pages[key]
        page.show_cost()
        seen[key] = page.form.primary
        assert seen[key].cost == BEING_READ, key
    assert window.pages["twin"].recordings.empty.text() == "The library is being read …"
    qtbot.waitUntil(
        lambda: window.pages["library"].subheading.text().startswith("looking into its folders")
    )
    back.set()
    qtbot.waitUntil(
        lambda: all(one.cost != BEING_READ for one in seen.values()),
        timeout=WAIT_MS,
    )
    assert window.pages["twin"].recordings.empty.text().startswith("None yet")
