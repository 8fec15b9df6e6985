"""A comparison table on two benches that was stopped, gone on with by pressing: on to its end."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from test_network_page import begun, pressed

from app.gui.table_asks import TableAsk
from app.gui.table_benches import benches_missing
from app.operations.compare_networks import read_table
from app.operations.compare_networks_plan import Plan
from app.store import read_recording
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 400_000
SEEDS = ("noise-aware-seed0", "noise-aware-seed1")
DEPLOYED = tuple(f"{name}-deployed" for name in SEEDS)
RINGS, LEAKY = "virtual nanoring array", "virtual leaky integrator"


def bench_text(word: str) -> str:
    """The bench file of a built-in rig."""
    return importlib.resources.files("resources").joinpath(f"{word}.toml").read_text("utf-8")


@pytest.fixture
def leaky(tmp_path) -> Path:
    """Bench file of the other device, so slow that a node's run there takes a second."""
    file, text = tmp_path / "leaky.toml", bench_text("virtual-leaky-integrator")
    file.write_text(text.replace("accelerate = inf", "accelerate = 3"))
    return file


@pytest.fixture
def page(two_devices_page, leaky):
    """The Network page that asks for a table of two seeds, each deployed on both benches."""
    made = two_devices_page
    made.set_form_values({"kind": "table", "workers": "1", "seeds": 2})
    made.rows.kinds.choose(["noise-aware"])
    made.rows.measure.choose(True)
    made.show_cost()
    made.rows.benches.setText(str(leaky))
    made.show_cost()
    return made


def stopped(page, qtbot) -> Path:
    """Stop, pressed; the table's folder, once both benches are safe."""
    window = page.shell
    window.top.stop_button.click()
    qtbot.waitUntil(lambda: window.job is None, timeout=WAIT_MS)
    assert page.heading.text().startswith("Stopped"), "\n".join(window.log)
    safe(window)
    return page.run.folder


def stopped_while_the_other_bench_plays(page, qtbot, monkeypatch) -> Path:
    """Of two deployments the first is done, and of the second the nodes of the first layer."""
    monkeypatch.setattr(TableAsk, "_in_pool", lambda _: False)  # as real rigs: one after another
    begun(page, qtbot)
    window = page.shell
    qtbot.waitUntil(
        lambda: window.job is None or (
            DEPLOYED[0] in page.run.trials.trials and other_plays(page.session)
        ), timeout=WAIT_MS,
    )  # fmt: skip
    assert window.job is not None, "\n".join(window.log)
    folder = stopped(page, qtbot)
    counts = [int(read_recording(folder / "trials" / DEPLOYED[1] / name).complete.sum())
              for name in ("nodes", "nodes-2")]  # fmt: skip
    assert counts == [2, 0]
    return folder


def other_plays(session) -> bool:
    return bool(session.others) and session.others[0].state()["x"].output_on


def restarted(page, make_window, qtbot):
    """The Network page of a new window on the same library."""
    page.shell.shut_down()
    qtbot.waitUntil(lambda: page.shell._closed, timeout=WAIT_MS)
    window = make_window()
    window.open_page("network")
    return window.pages["network"]


def asked_to_go_on(page, qtbot, folder: Path) -> None:
    """The form says Go on with the table."""
    page.set_form_values({"kind": "begun"})
    qtbot.waitUntil(lambda: page.rows.which.choose(folder), timeout=WAIT_MS)
    page.show_cost()
    assert page.form.primary.text() == f"Go on with {folder.name}"


def kept(folder: Path, names) -> dict[str, tuple[int, bytes]]:
    """Every file of these trials, their attempts and results: when it was written, and what."""
    files = [file for name in names for file in (folder / "trials" / name).rglob("*")]
    files += [folder / part for name in names
              for part in (f"attempts/{name}.jsonl", f"results/{name}.json")]  # fmt: skip
    return {str(f): (f.stat().st_mtime_ns, f.read_bytes()) for f in files if f.is_file()}


def safe(window) -> None:
    """No bench but the window's is connected, and that one rests."""
    assert window.session.others == []
    states = window.session.bench.state().values()
    assert not any(state.output_on for state in states)
    assert all(abs(state.current_A) < 1e-3 for state in states)
    assert window.session.unsafe == ""


def energised(window) -> bool:
    """Whether any bench was told to drive a current, by what went over the wire."""
    sent = [message.text for message in window.session.wire.latest(20_000)]
    return any(t == "OUTP ON" or (t.startswith("CURR ") and float(t[5:])) for t in sent)


def whole(page, folder: Path) -> None:
    """The table has every score foreseen and measured, on disk and on the page."""
    assert page.heading.text().startswith("Compared"), "\n".join(page.shell.log)
    body = json.loads((folder / "networks-table.json").read_text())
    assert body["status"] == "done"
    assert set(body["results"]) == {*SEEDS, *DEPLOYED}
    assert all(one["status"] == "done" for one in body["results"].values())
    row = read_table(folder).rows[0]
    assert (len(row.predicted), len(row.measured), row.runs) == (2, 2, 5)
    assert (folder / "report.html").is_file()
    shown = page.several["table"]
    assert shown.isVisible()
    assert "is needed" not in shown.sentences.text()
    assert len([dot for dot in shown.table.rows[0].dots if dot.kind == "measured"]) == 2
    safe(page.shell)


@pytest.mark.timeout(600)
def test_a_table_stopped_on_the_other_bench_goes_on_there(page, qtbot, monkeypatch) -> None:
    folder = stopped_while_the_other_bench_plays(page, qtbot, monkeypatch)
    before = kept(folder, (*SEEDS, DEPLOYED[0]))
    nodes = read_recording(folder / "trials" / DEPLOYED[1] / "nodes")
    asked_to_go_on(page, qtbot, folder)
    assert page.form.primary.cost == "3 of 4 trials done · on 2 benches"
    pressed(page, qtbot)
    whole(page, folder)
    assert kept(folder, (*SEEDS, DEPLOYED[0])) == before
    again = read_recording(folder / "trials" / DEPLOYED[1] / "nodes")
    had = nodes.order >= 0
    assert (again.start_s[had] == nodes.start_s[had]).all()
    assert (again.response[had] == nodes.response[had]).all()


@pytest.mark.timeout(600)
def test_a_table_of_a_pool_goes_on_in_a_new_window(page, make_window, qtbot) -> None:
    begun(page, qtbot)
    window = page.shell
    ended = page.run.trials.trials
    qtbot.waitUntil(
        lambda: window.job is None or (SEEDS[0] in ended and ended[SEEDS[0]].status == "done"),
        timeout=WAIT_MS,
    )
    assert window.job is not None, "\n".join(window.log)
    folder = stopped(page, qtbot)
    before = kept(folder, SEEDS[:1])
    left = [n for n in (*SEEDS, *DEPLOYED) if not (folder / "results" / f"{n}.json").is_file()]
    assert left
    again = restarted(page, make_window, qtbot)
    asked_to_go_on(again, qtbot, folder)
    pressed(again, qtbot)
    whole(again, folder)
    assert kept(folder, SEEDS[:1]) == before
    assert again.shell.toasts.shown == []


@pytest.mark.timeout(600)
def test_a_bench_that_is_gone_or_another_is_said_and_nothing_is_energised(
    page, make_window, qtbot, monkeypatch, leaky
) -> None:
    folder = stopped_while_the_other_bench_plays(page, qtbot, monkeypatch)
    before, text = kept(folder, (*SEEDS, DEPLOYED[0])), leaky.read_text()
    nodes = folder / "trials" / DEPLOYED[1]
    runs = kept(folder, DEPLOYED[1:])
    again = restarted(page, make_window, qtbot)
    window = again.shell

    leaky.unlink()
    asked_to_go_on(again, qtbot, folder)
    assert again.form.primary.cost.startswith(f"bench leaky.toml is gone: put back {leaky}")
    assert not again.form.primary.isEnabled()
    again.press()
    assert window.job is None

    for name in ("virtual spin-vortex ice", LEAKY):
        leaky.write_text(bench_text("virtual-spin-vortex-ice").replace(
            'name = "virtual spin-vortex ice"', f'name = "{name}"'))  # fmt: skip
        assert read_bench(leaky).name == name
        again.show_cost()
        pressed(again, qtbot)
        assert again.heading.text().startswith("Failed")
        if name == LEAKY:  # seen before anything is trained or connected
            assert "tesla_per_ampere was 0.0004, now 0.003" in window.log[-1]
        else:
            assert f"no bench of it is given (the nearest is {name!r}, but" in window.log[-1]
            shown = again.several["table"].sentences.text().splitlines()[-1]
            assert shown.startswith("Failed: a bench of each device is needed")  # no long path
            assert f"the nearest is {name!r}" in shown
        safe(window)
    assert not energised(window)
    assert json.loads((folder / "networks-table.json").read_text())["results"].keys() == {
        *SEEDS, DEPLOYED[0],
    }  # fmt: skip
    assert {k: v for k, v in kept(folder, DEPLOYED[1:]).items() if str(nodes) in k} == {
        k: v for k, v in runs.items() if str(nodes) in k
    }

    leaky.write_text(text)
    again.show_cost()
    pressed(again, qtbot)
    whole(again, folder)
    assert energised(window)
    assert kept(folder, (*SEEDS, DEPLOYED[0])) == before


def test_the_window_has_to_have_one_of_the_benches_of_a_table_on_rigs(leaky, tmp_path) -> None:
    twins = tuple(str(tmp_path / f"twin-{n}") for n in ("rings", "leaky"))
    plan = Plan("mackey-glass", twins, (), (2, 1), bench=("virtual", str(leaky)), in_pool=False)
    rings, ice = read_bench("virtual"), read_bench("virtual-spin-vortex-ice")
    assert benches_missing(plan, rings) == benches_missing(plan, read_bench(leaky)) == ""
    said = f"{ice.name} is none of its benches: open {RINGS} or {LEAKY} on the Bench page"
    assert benches_missing(plan, ice).startswith(said)
    assert benches_missing(replace(plan, in_pool=True), ice) == ""  # its trials have their own
    assert benches_missing(replace(plan, bench=("virtual",)), ice) == ""  # compared once connected
    leaky.write_text("name = 3")
    assert "leaky.toml: " in benches_missing(plan, rings)
