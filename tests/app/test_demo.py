"""The demo: the whole thread on the virtual rig, stopped and gone on with, in small."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.operations.demo import demo
from app.operations.demo_stages import (
    HELD_OUT_SEED,
    MOSTLY_MIXED,
    QUICK,
    Events,
    Pace,
    Size,
    Step,
    groups_of,
    of_all_families,
    stages,
)
from app.operations.events import Event, Note, Progress, Result, Stage
from app.store import load_network, load_twin, read_recording
from models.errors import InputError
from models.sequence import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALL = Size(
    fit_sequences=8,
    fit_repeats=4,
    steps=24,
    held_out_sequences=4,
    held_out_repeats=8,
    fit_iterations=5,
    train_iterations=2,
    layers=(2, 2),
    task="mackey-glass:h=5,train=500,validation=150,test=60,washout=20",
)
STAGES = 11


def run_until(events: Iterable[Event], wanted: type[Event], stage: int) -> None:
    """Pull events until one of a kind comes in a stage."""
    here = 0
    for event in events:
        here = event.index if isinstance(event, Stage) else here
        if here == stage and isinstance(event, wanted):
            return
    raise AssertionError(f"no {wanted.__name__} in stage {stage}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A demo that was stopped in the first recording and in a fit, and went on to its end."""
    out = tmp_path_factory.mktemp("demo") / "out"
    for stage in (1, 3):
        events = demo(out, size=SMALL, seed=5, resume=stage > 1)
        run_until(events, Event, stage) if stage == 3 else run_until(events, Progress, stage)
        events.close()
    assert read_recording(out / "recording").status == "done"
    *rest, end = demo(out, resume=True)
    assert isinstance(end, Result)
    said = [event.text for event in rest if isinstance(event, Note)]
    assert "recording is there already" in said
    numbers = [(event.index, event.total) for event in rest if isinstance(event, Stage)]
    assert numbers == [(n, STAGES) for n in range(1, STAGES + 1)]
    return out, end.values


def test_the_result_says_what_was_measured(finished: tuple[Path, dict[str, Any]]) -> None:
    out, values = finished
    assert values["path"] == str(out)
    assert Path(values["report"]).is_file()
    assert set(values["errors"]) >= {"mean", "spread", "autocovariance", "crps"}
    assert values["coverage"]["expected"] == pytest.approx(0.891)
    assert values["measured"] > 0
    assert (values["task"], values["metric"]) == ("mackey-glass", "nmse")  # a figure of what
    assert set(values["predicted"]) == {"value", "low", "high"}
    assert "ar-18" in {name.lower() for name in values["baselines"]}
    assert values["deterministic"]["measured"] > 0
    assert values["untrained"]["measured"] > 0


def test_every_artefact_is_there_and_whole(finished: tuple[Path, dict[str, Any]]) -> None:
    out, _ = finished
    assert read_recording(out / "recording").complete.all()
    assert not load_twin(out / "twin").deterministic
    assert load_twin(out / "twin-deterministic").deterministic
    assert load_network(out / "network-untrained").meta["iterations"] == 0
    assert load_network(out / "network").meta["seed"] == 5


def test_the_report_tells_the_three_networks_apart(finished: tuple[Path, dict[str, Any]]) -> None:
    text = Path(finished[1]["report"]).read_text("utf-8")
    for words in ("noise-aware", "deterministic twin", "untrained", "Forecast on the device"):
        assert words in text
    assert "twinrig demo" in text


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        next(demo(tmp_path, size=SMALL))
    with pytest.raises(InputError, match="no demo was begun there"):
        next(demo(tmp_path, size=SMALL, resume=True))


def test_quick_says_that_it_makes_no_promise(tmp_path: Path) -> None:
    events = demo(tmp_path / "out", quick=True)
    first = next(events)
    events.close()
    assert isinstance(first, Note)
    assert "no promise of quality" in first.text


def test_the_time_left_follows_the_pace_of_this_machine() -> None:
    def nothing(_out: Path, _resume: bool) -> Events:
        yield from ()

    one, two = (Step(word, Path(word), Path(word), 10.0, nothing) for word in "ab")
    pace = Pace()
    at_first = pace.left_s([[one], [two]])
    assert pace.left_s([[one, two]]) == pytest.approx(at_first - 10.0)  # at once
    pace.ran([one], 30.0)
    assert pace.left_s([[two]]) == pytest.approx(3 * (at_first - 10.0))


def test_what_is_made_for_comparison_runs_beside_what_it_is_compared_with(tmp_path: Path) -> None:
    bench: Any = None
    groups = groups_of(stages(tmp_path, QUICK, 0, bench))
    together = [[step.folder.name for step in group] for group in groups if len(group) > 1]
    assert together == [["twin", "twin-deterministic"], ["network", "network-deterministic"]]
    trained = [group[0].folder.name for group in groups]
    assert trained.index("network-untrained") < trained.index("network")


def test_all_three_networks_have_the_same_baselines(finished: tuple[Path, dict[str, Any]]) -> None:
    out, values = finished
    aware, plain, untrained = (
        load_network(out / f"network{name}") for name in ("", "-deterministic", "-untrained")
    )
    assert aware.baselines == values["baselines"]
    assert plain.baselines == aware.baselines
    assert aware.baselines == untrained.baselines | {
        "untrained network": untrained.predicted["value"]
    }


def test_held_out_sequences_are_of_every_family_and_unseen() -> None:
    unseen = of_all_families(QUICK.held_out_sequences, QUICK.steps, HELD_OUT_SEED)
    assert {sequence.family for sequence in unseen} == set(FAMILIES)
    assert len(unseen) == QUICK.held_out_sequences
    fitted = of_all_families(QUICK.fit_sequences, QUICK.steps, 0, MOSTLY_MIXED)
    seen = {sequence.drive.tobytes() for sequence in fitted}
    assert not any(sequence.drive.tobytes() in seen for sequence in unseen)
