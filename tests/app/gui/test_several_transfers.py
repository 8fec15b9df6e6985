"""What may follow a deployment, pressed for a network over two devices on a bench of each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from apart import apart

from app.store import load_network, read_recording
from instruments.limits import UnsafeError

if TYPE_CHECKING:
    from pathlib import Path

LEAKY = "virtual-leaky-integrator"
NAMES = ("virtual nanoring array", "virtual leaky integrator")
TINY = (
    "pieces=6 repeats=4 scoring=2 scoring_repeats=4 fit_iterations=12 train_iterations=6 steps=320"
)
WAIT_MS, SOON_MS = 240_000, 20_000
BY_HAND = "x COULD NOT BE MADE SAFE within 10 s: switch the supply off at its front panel"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A library with recordings, twins and the network of two rings, a leaky, two rings."""
    folder = tmp_path_factory.mktemp("two") / "library"
    apart("make_two_devices", folder)
    return folder


@pytest.fixture
def page(make_window, qtbot, made):
    window = make_window(page="deploy")
    folder = window.session.library.folder
    shutil.copytree(made, folder)
    window.open_page("deploy", folder / "net")
    shown = window.pages["deploy"]
    shown.set_form_values({"more": TINY, "rounds": 1, "passes": 3})
    qtbot.waitUntil(lambda: shown.network is not None, timeout=WAIT_MS)
    qtbot.waitUntil(shown.form.primary.isEnabled, timeout=WAIT_MS)
    assert shown.rows.further == (LEAKY,)
    return shown


class Seen:
    """What strip and Monitor heard of the window's bench, and what the log said, while it ran."""

    def __init__(self, window) -> None:
        self.steps: list[int] = []
        show = window.top.show_step
        window.top.show_step = lambda *step: self.steps.append(len(step[2])) or show(*step)


def pressed(page, qtbot, verb: str) -> Path:
    """The new network, once it is the one that is chosen; both benches are safe behind it."""
    window, before = page.shell, page.path
    seen = Seen(window)
    page.plots.verdict.buttons[verb].click()
    assert window.job is not None
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.path != before, timeout=WAIT_MS)  # looked at beside the window
    qtbot.waitUntil(lambda: page.network is not None, timeout=WAIT_MS)
    assert seen.steps  # those of the window's own bench, also where no node is told
    assert not any(s.output_on for s in page.session.bench.state().values())
    assert page.session.others == []
    assert any(f"{NAMES[1]}: connected for this run" in words for words in window.log)
    return page.path


@pytest.mark.timeout(300)
def test_recalibrate_runs_a_stretch_on_both(page, qtbot) -> None:
    made = pressed(page, qtbot, "recalibrate")
    assert page.plots.verdict.heading.text().startswith("Recalibrated")
    runs = [read_recording(made / "run" / name) for name in ("nodes", "nodes-2")]
    assert [one.meta["layer_numbers"] for one in runs] == [[0, 2], [1]]
    assert all(one.complete.all() for one in runs)
    assert load_network(made).meta["hardware_runs"] == 5


@pytest.mark.full
@pytest.mark.timeout(300)
def test_refine_records_both_and_fits_both_twins(page, qtbot) -> None:
    button = page.plots.verdict.buttons["refine"]
    assert button.toolTip().split(" · ")[-1] == f"{2 * (6 * 4 + 2 * 4)} runs"
    made = pressed(page, qtbot, "refine")
    assert page.plots.verdict.heading.text().startswith("Refined")
    assert "64 hardware runs" in page.plots.verdict.text.text()
    row = load_network(made).meta["refined"]["rounds"]["round 1"]
    assert set(row["twin_errors"]) == set(NAMES)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    assert page.rows.further == (LEAKY,)  # what it became is of the same devices


@pytest.mark.timeout(300)
def test_polish_goes_from_bench_to_bench(page, qtbot) -> None:
    assert page.plots.verdict.buttons["polish"].toolTip().endswith(" · 15 runs")
    made = pressed(page, qtbot, "polish")
    assert page.plots.verdict.heading.text().startswith("Polished")
    first, second = (read_recording(made / name) for name in ("runs", "runs-2"))
    assert (len(first.order), len(second.order)) == (12, 3)
    assert first.complete.all()
    assert second.complete.all()


@pytest.mark.timeout(300)
def test_a_polish_stopped_on_the_other_bench_goes_on_there(page, qtbot) -> None:
    window = page.shell
    page.plots.verdict.buttons["polish"].click()
    job = window.job
    walked = f"{NAMES[0]}: "
    qtbot.waitUntil(
        lambda: window.job is None or any(walked in words for words in window.log), timeout=WAIT_MS
    )
    assert window.job is job, "\n".join(window.log)
    window.stop()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.plots.verdict.heading.text() == "Stopped while polishing"
    assert page.session.others == []
    qtbot.waitUntil(lambda: bool(page.rows.unfinished), timeout=WAIT_MS)
    page.rows.which.setCurrentIndex(1)
    page.show_cost()
    qtbot.waitUntil(lambda: page.form.primary.text().startswith("Go on with"), timeout=WAIT_MS)
    qtbot.waitUntil(page.form.primary.isEnabled, timeout=WAIT_MS)
    page.form.primary.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.plots.verdict.heading.text().startswith("Polished"), "\n".join(window.log)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stopped", [True, False])
def test_another_bench_that_can_t_be_made_safe_stays_in_view_and_is_tried_until_it_is(
    page, qtbot, monkeypatch, stopped
) -> None:
    monkeypatch.setattr("app.gui.link.TRY_AGAIN_S", 0.01)
    window, session = page.shell, page.session
    page.form.primary.click()
    told: list[str] = []
    window.link.unsafe.connect(told.append)
    qtbot.waitUntil(lambda: bool(session.others) or window.job is None, timeout=WAIT_MS)
    (other,) = session.others

    def refuse() -> list[str]:
        other.tell("x: not safe yet, trying again (no reply)")
        raise UnsafeError(BY_HAND)

    with monkeypatch.context() as broken:
        broken.setattr(other, "make_safe", refuse)
        qtbot.waitUntil(lambda: other.state()["x"].output_on, timeout=WAIT_MS)
        if stopped:
            window.stop()
        qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: BY_HAND in window.bar._words.text(), timeout=SOON_MS)
        assert "goes on trying" in window.bar._words.text()
        qtbot.waitUntil(lambda: window.top.cells["current"].text != "—", timeout=SOON_MS)
        assert (window.top.pill.state.level, window.top.pill.state.words) == ("fault", "NOT SAFE")
        assert f"{NAMES[1]}: x: not safe yet, trying again (no reply)" in told
        assert session.others == [other]
        assert other.identities()  # still connected
        assert not any(s.output_on for s in session.bench.state().values())
        polish = page.plots.verdict.buttons["polish"]
        qtbot.waitUntil(polish.isEnabled, timeout=SOON_MS)  # once pre-flight is known again
        polish.click()
        assert window.job is None
        assert "not safe yet" in window.toasts.shown[-1].text
    qtbot.waitUntil(lambda: not window.bar.isVisible(), timeout=SOON_MS)
    assert session.others == []
    assert session.unsafe == ""
    qtbot.waitUntil(lambda: window.top.pill.state.words == "Within limits", timeout=SOON_MS)
