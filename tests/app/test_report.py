"""The report: whatever a folder holds is on one page that opens without a network."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_disk import small_disk

from app.artefacts import now_iso
from app.checked_json import with_checksum
from app.operations.events import Result
from app.operations.export import export
from app.operations.fit import fit
from app.operations.import_measured import import_measured
from app.operations.report import report
from app.operations.simulate import simulate
from app.operations.train import train
from app.recording_marks import add_mark
from app.report import setup
from app.report.figures import log_scale, misfit_figure, new_figure, noise_figure, repeats_figure
from app.report.network import Measured, _baselines, _networks, against_baselines, headline
from app.report.page import Page
from app.report.run import find_artefacts
from app.report.twin import coverage_words, error_words, spread_over_signal
from app.report.twin_repeats import by_family
from app.report.validation import add_validation, coverage_figure
from app.store import load_network, load_twin, write_recording
from models.errors import InputError, TwinrigError
from models.recording import BY_STEP, Recording
from models.sequence import DriveWindow, Reset, make_sequences
from training.verdict import AT_FLOOR, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.operations.events import Event

REPEATS, STEPS = 8, 40
TASK = "mackey-glass:h=5,train=700,validation=200,test=200"


def leaky_recording(count: int, seed: int, name: str) -> Recording:
    """Repeats of a noisy leaky integrator, two channels."""
    rng = np.random.default_rng(seed)
    families = ("steps", "smooth", "sines", "mixed")
    sequences = [make_sequences(families[i % 4], 1, STEPS, seed + i)[0] for i in range(count)]
    drive = np.array([s.drive for s in sequences])
    state = np.zeros((count, REPEATS))
    response = np.empty((count, REPEATS, STEPS, 2))
    for t in range(STEPS):
        noise = 0.05 * rng.standard_normal(state.shape)
        state = 0.7 * state + 0.5 * drive[:, None, t] + noise
        white = 0.02 * rng.standard_normal((count, REPEATS, 2))
        response[:, :, t] = np.stack([state, state**2], axis=-1) + white
    order = rng.permutation(count * REPEATS).reshape(count, REPEATS)
    return Recording(
        response, drive, np.full(count, STEPS), tuple(s.family for s in sequences), order,
        (order * 1.5).astype(np.float64), ("X", "Y"), ("V", "V"),
        DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004),
        meta={"id": name, "created": now_iso(), "seed": seed, "sample": "no. 7"},
    )  # fmt: skip


def last(events: Iterable[Event]) -> dict[str, Any]:
    *_, end = events
    assert isinstance(end, Result)
    return end.values


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two recordings, a stochastic twin and a network."""
    run = tmp_path_factory.mktemp("run")
    write_recording(run / "recording", leaky_recording(12, 1, "rec-fit"))
    write_recording(run / "held-out", leaky_recording(8, 2, "rec-held-out"))
    last(fit([run / "recording"], run / "twin", iterations=40, seed=3))
    last(train(TASK, [run / "twin"], [2, 2], run / "network", iterations=3, seed=4))
    return run


class References(HTMLParser):
    """Everything that a page would load, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href")
        ]


def test_one_page_reports_recordings_twin_and_network(run_folder: Path) -> None:
    values = last(report(run_folder))
    page = Path(values["report"])
    text = page.read_text("utf-8")
    assert page == run_folder / "report" / "report.html"
    assert values["path"] == values["report"]
    for words in (
        "no. 7",
        "rec-held-out",
        "8 sequences × 8 repeats of held-out",
        "half-split floor",
        "Coverage",
    ):
        assert words in text
    for command in ("twinrig record", "twinrig fit", "twinrig train --task " + TASK):
        assert command in text
    assert "<dt>CRPS</dt><dd>Continuous ranked probability score" in text
    assert "<dt>Majority class</dt>" not in text  # no task of classes is in it
    assert set(values["errors"]) >= {"mean", "spread", "autocovariance", "crps"}
    linked = References()
    linked.feed(text)
    files = [page.parent / ref for ref in linked.found if not ref.startswith("#")]
    assert run_folder / "twin" / "twin.json" in [file.resolve() for file in files]
    assert all(file.is_file() for file in files)
    pictures = {p.name for p in page.parent.glob("*.png")}
    drawn = ("repeats", "noise", "where", "coverage", "noise-checks")
    assert pictures == {f"{name}-twin.png" for name in drawn}
    assert "at the floor" in values["verdict"][-1]


def test_the_page_loads_nothing_and_runs_nothing(run_folder: Path, tmp_path: Path) -> None:
    page = Path(last(report(run_folder, tmp_path / "page"))["report"])
    text = page.read_text("utf-8")
    references = References()
    references.feed(text)
    assert "script" not in references.tags
    assert all(ref.startswith("#") or not re.match(r"https?:", ref) for ref in references.found)
    assert "url(http" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_twins_of_one_name_keep_their_figures_apart(run_folder: Path, tmp_path: Path) -> None:
    """Each round of a refinement has a `twin`: the second one's pictures took the first one's."""
    shutil.copytree(run_folder / "held-out", tmp_path / "run" / "held-out")
    for number in (1, 2):
        shutil.copytree(run_folder / "twin", tmp_path / "run" / f"round-{number}" / "twin")
    values = last(report(tmp_path / "run"))
    page = Path(values["report"])
    text = page.read_text("utf-8")
    for number in (1, 2):
        said = [one for one in values["verdict"] if one.startswith(f"Twin round-{number}/twin: ")]
        assert len(said) == 1  # "Twin: not yet at the floor" stood there twice
        assert f"<h2>Twin round-{number}/twin (stochastic)</h2>" in text
        assert f"<td>round-{number}/twin</td>" in text
        for drawn in ("repeats", "noise", "where", "coverage", "noise-checks"):
            assert (page.parent / f"{drawn}-round-{number}-twin.png").is_file()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_figures_of_like_or_long_names_are_files_of_their_own(tmp_path: Path) -> None:
    """`a/b` and `a-b`, and names that a disk has no room for: one was lost, or the whole page."""
    page = Page("names")
    for name in ("twin-a/b", "twin-a-b", "Twin-A-B", "x" * 300, "x" * 301, "é" * 200):
        drawn = new_figure(1.0)
        drawn.subplots().plot([0.0, 1.0])
        page.figure(name, drawn, "a line")
    page.write(tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 6
    assert {"twin-a-b.png", "twin-a-b-2.png", "Twin-A-B-3.png"} <= set(page.figures)
    ids = re.findall(r'\bid="([^"]+)"', page.html())
    assert len(ids) == len(set(ids))


def test_a_folder_s_name_breaks_no_figure() -> None:
    """A browser drops `url(#repeats-twin (2)…)`: curves left their axes; a quote ended the id."""
    page, drawn = Page("<b>"), new_figure(3.0)
    drawn.subplots().plot([0.0, 1.0])
    page.figure('repeats-my "twin" (2) <b>', drawn, "both <i>")
    text = page.html()
    names = re.findall(r'\bid="([^"]*)"', text)
    assert names
    assert all(re.fullmatch(r"[\w.-]+", name) for name in names)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(names)
    read = References()
    read.feed(text)
    assert not read.tags & {"b", "i"}


def test_a_dollar_in_a_name_is_no_formula(tmp_path: Path) -> None:
    r"""A family `a$_$b` ended the report in an error of the program; `$run$` lost its dollars."""
    page, drawn = Page("names"), new_figure(3.0)
    axes = drawn.subplots()
    axes.plot([0.0, 1.0], label=r"$\no$")
    axes.set_title("a$_$b")
    axes.set_xlabel("$run$")
    axes.legend()
    page.figure("names", drawn, "names")
    assert all(f">{words}<" in page.html() for words in (r"$\no$", "a$_$b", "$run$"))
    page.write(tmp_path)


def test_a_second_report_stands_beside_the_first(run_folder: Path) -> None:
    first, second = (Path(last(report(run_folder))["report"]) for _ in range(2))
    assert first != second
    assert first.exists()
    with pytest.raises(InputError, match="nothing is ever overwritten"):
        last(report(run_folder, second.parent))


def test_in_a_library_that_can_not_be_written_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague's runs on a read-only share: the report's folder is chosen by `--out`."""
    run, elsewhere = tmp_path / "theirs" / "rec", tmp_path / "mine"
    write_recording(run, leaky_recording(2, 6, "rec-one"))
    make = Path.mkdir

    def refused(self: Path, *args: Any, **how: Any) -> None:
        if run in self.parents:
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        make(self, *args, **how)

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(
        TwinrigError, match=r"Read-only file system.*twinrig report .*rec --out FOLDER"
    ):
        last(report(run))
    assert Path(last(report(run, elsewhere))["report"]).is_file()


def test_a_read_only_run_is_refused_before_its_page_is_made(tmp_path: Path) -> None:
    with small_disk(tmp_path / "share") as share:
        write_recording(share.path / "rec", leaky_recording(2, 6, "rec-one"))
        share.read_only()
        with pytest.raises(TwinrigError, match=r"Read-only file system.*--out FOLDER"):
            next(report(share.path / "rec"))


def test_a_single_recording_is_reported_too(run_folder: Path, tmp_path: Path) -> None:
    values = last(report(run_folder / "held-out", tmp_path / "page"))
    assert "nothing has been fitted yet" in Path(values["report"]).read_text("utf-8")


def test_how_a_recording_was_measured_is_told_once_for_those_measured_alike(tmp_path: Path) -> None:
    """A supplement needs it, and the page told of neither rig nor field nor instrument."""
    one = leaky_recording(2, 6, "rec-one")
    meta = {"bench": "rig 7", "interleave": True, "limits": {"x": {"tesla_per_ampere": 4e-4,
            "max_current_A": 11.0, "max_ramp_A_per_s": 2000.0, "max_field_T": None}}}  # fmt: skip
    made = {
        "identities": {"lockin": "Stanford,SR830,s/n1"},
        "settings": {"lockin": {"harmonic": 2, "time_constant_s": 0.01, "channels": ["X", "Y"]}},
    }
    one = replace(one, meta=one.meta | meta, **made)
    write_recording(tmp_path / "run" / "a", one)
    write_recording(tmp_path / "run" / "b", replace(one, meta=one.meta | {"id": "rec-b"}))
    other = replace(one, settings={"lockin": {"harmonic": 1}}, meta=one.meta | {"id": "rec-c"})
    write_recording(tmp_path / "run" / "c", other)
    simulated = replace(one, meta=one.meta | {"id": "rec-d", "simulated": True})
    write_recording(tmp_path / "run" / "d", simulated)
    list(export(tmp_path / "run" / "a", tmp_path / "a.npz"))
    list(import_measured(tmp_path / "a.npz", "exported", tmp_path / "run" / "e"))
    np.savez(tmp_path / "b.npz", response=one.response, drive=one.drive)
    words = "response:sequence,repeat,step,channel drive=drive:sequence,step"
    list(import_measured(tmp_path / "b.npz", words, tmp_path / "run" / "f"))  # nobody knows how
    page = Path(last(report(tmp_path / "run", tmp_path / "page"))["report"]).read_text("utf-8")
    told = page[page.index("How it was measured") : page.index("Repeat it")]
    assert re.findall(r"<p>([^<]+)</p>", told) == ["a, b, e:", "c:"]
    for words in (
        "rig 7", "amplitude 2.2 to 3.4 mT, hold 0 s", "4 mT, hold 0 s", "X (V), Y (V)",
        "tesla_per_ampere = 0.0004 · max_current_A = 11 · max_ramp_A_per_s = 2000<",
        "Stanford,SR830,s/n1 · harmonic = 2 · time_constant_s = 0.01 · channels = X, Y",
        "at random over all sequences",
    ):  # fmt: skip
        assert words in told


def test_the_nodes_of_a_deployment_tell_how_it_was_measured(tmp_path: Path) -> None:
    nodes = replace(leaky_recording(2, 5, "rec-nodes"), identities={"lockin": "SR830,s/n1"})
    write_recording(tmp_path / "deployment" / "nodes", nodes)
    page = Page("p", run=tmp_path)
    setup.section(page, [], [tmp_path / "deployment"])
    assert "<p>deployment:</p>" in page.html()
    assert "SR830,s/n1" in page.html()


def test_repeats_marked_bad_are_not_in_the_figures_of_a_recording(tmp_path: Path) -> None:
    """They are left out of every fit and score; the page counted them, and their spread."""
    recording = leaky_recording(4, 6, "rec-marked")
    wild = int(recording.order[1, 2])
    spoilt = recording.response.copy()
    spoilt[1, 2] += 50.0
    write_recording(tmp_path / "marked", replace(recording, response=spoilt))
    add_mark(tmp_path / "marked", bad=[wild])
    text = Path(last(report(tmp_path / "marked", tmp_path / "page"))["report"]).read_text("utf-8")
    good = np.delete(recording.response, 2, axis=1)
    rest = [recording.response[0], *(recording.response[s] for s in (2, 3)), good[1]]
    spread = np.mean([r.std(axis=0, ddof=1) for r in rest], axis=(0, 1))
    signal = np.stack([r.mean(axis=0) for r in rest]).std(axis=(0, 1))
    assert "<td>31 of 32</td>" in text
    assert f"<td>{100 * np.mean(spread / signal):.1f} %</td>" in text


def test_a_recording_of_single_repeats_has_no_spread_to_tell(tmp_path: Path) -> None:
    recording = leaky_recording(4, 6, "rec-single")
    known = Recording(
        recording.response[:, :1], recording.drive, recording.lengths, recording.families,
        np.arange(4)[:, None], np.arange(4.0)[:, None], recording.channels, recording.units,
        recording.window, recording.reset, status="done",
    )  # fmt: skip
    write_recording(tmp_path / "single", known)
    text = Path(last(report(tmp_path / "single", tmp_path / "page"))["report"]).read_text("utf-8")
    assert "<td>—</td>" in text
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)


def test_a_twin_is_said_to_be_scored_on_what_was_recorded(run_folder: Path, tmp_path: Path) -> None:
    """A run that was stopped counted whole, and sequences without a repeat were drawn.

    The one repeat of a third sequence was counted, too, which no score takes.
    """
    shutil.copytree(run_folder / "twin", tmp_path / "twin")
    whole, done = leaky_recording(8, 2, "rec-stopped"), np.zeros((8, REPEATS), dtype=bool)
    done[1:3], done[3, 0] = True, True
    part = replace(
        whole,
        response=np.where(done[:, :, None, None], whole.response, np.nan),
        order=np.where(done, np.cumsum(done).reshape(done.shape) - 1, -1),
        start_s=np.where(done, whole.start_s, np.nan),
        status="stopped",
    )
    write_recording(tmp_path / "held-out", part)
    text = Path(last(report(tmp_path))["report"]).read_text("utf-8")
    assert "Scored on 2 sequences × 8 repeats of held-out that no gradient has seen." in text
    assert "6 held-out sequences with fewer repeats are left out." in text
    assert re.findall(r"sequence \d, \w+", text) == [
        "sequence 2, smooth", "sequence 3, sines", "sequence 4, mixed"
    ]  # fmt: skip


@pytest.fixture
def with_twin(run_folder: Path, tmp_path: Path) -> None:
    """A folder with a twin, and eight sequences that no fit has seen, to put others beside."""
    for name in ("twin", "held-out"):
        shutil.copytree(run_folder / name, tmp_path / name)


@pytest.mark.usefixtures("with_twin")
def test_a_twin_is_never_scored_on_what_it_has_simulated(tmp_path: Path) -> None:
    """With more repeats than the device has, its own samples said that it was at the floor."""
    last(simulate(tmp_path / "twin", make_sequences("mixed", 6, STEPS, 5), 32, tmp_path / "again"))
    text = Path(last(report(tmp_path))["report"]).read_text("utf-8")
    assert "Scored on 8 sequences × 8 repeats of held-out that no gradient has seen." in text


def test_a_twin_of_simulated_repeats_is_scored_on_those_that_were_held_out(tmp_path: Path) -> None:
    made = leaky_recording(12, 1, "rec-simulated")
    write_recording(tmp_path / "recording", replace(made, meta={**made.meta, "simulated": True}))
    last(fit([tmp_path / "recording"], tmp_path / "twin", iterations=20, seed=3))
    text = Path(last(report(tmp_path))["report"]).read_text("utf-8")
    assert "Scored on 2 sequences × 8 repeats of recording that no gradient has seen." in text


@pytest.mark.usefixtures("with_twin")
def test_what_was_stopped_early_scores_no_twin_where_more_was_measured(tmp_path: Path) -> None:
    """It was taken by the repeats that it was planned to have."""
    two = [leaky_recording(8, seed, "rec-stopped") for seed in (5, 6)]
    order = np.full((8, 2 * REPEATS), -1)
    order[:, :4] = np.arange(32).reshape(8, 4)
    response = np.concatenate([one.response for one in two], axis=1)
    response[:, 4:] = np.nan
    start_s = np.where(order < 0, np.nan, order)
    stopped = replace(two[0], response=response, order=order, start_s=start_s, status="stopped",
                      **{name: np.empty((0, 0, 0)) for name in BY_STEP})  # fmt: skip
    write_recording(tmp_path / "a-stopped", stopped)
    text = Path(last(report(tmp_path))["report"]).read_text("utf-8")
    assert "Scored on 8 sequences × 8 repeats of held-out that no gradient has seen." in text


@pytest.mark.usefixtures("with_twin")
def test_one_recording_that_can_not_score_a_twin_takes_no_page_and_no_score_away(
    tmp_path: Path,
) -> None:
    """One overload mark refused the whole report, a dead channel made the twin `not scored yet`."""
    overloaded, dead = (leaky_recording(16, seed, f"rec-{seed}") for seed in (5, 6))
    overloaded.response[0, 0, 3, 0] = 9.9e37
    dead.response[..., 1] = 0.5
    write_recording(tmp_path / "a-overloaded", overloaded)
    write_recording(tmp_path / "b-dead", dead)
    text = Path(last(report(tmp_path))["report"]).read_text("utf-8")
    assert "Scored on 8 sequences × 8 repeats of held-out that no gradient has seen." in text


def test_the_page_says_what_speaks_against_the_scores(run_folder: Path, tmp_path: Path) -> None:
    """`evaluate` did, and the page of the same scores was silent about halves and settings."""
    text = Path(last(report(run_folder, tmp_path / "page"))["report"]).read_text("utf-8")
    assert "Scored with halves of 4 of 8 held-out repeats" in text
    assert "8 held-out sequences are few" in text


def test_a_twin_by_itself_says_of_how_many_repeats_its_scores_are(
    run_folder: Path, tmp_path: Path
) -> None:
    """They stood with intervals, and without a word of what was held out."""
    page = Path(last(report(run_folder / "twin", tmp_path / "page"))["report"]).read_text("utf-8")
    held_out = load_twin(run_folder / "twin").meta["held_out"]
    count = len(held_out["test"])
    assert f"what was held out: {count} sequences × {REPEATS} repeats." in page
    assert "halves of 4 of 8 held-out repeats" in page


def test_the_headline_on_a_mean_without_noise_is_of_the_scores_below_it(tmp_path: Path) -> None:
    """Scored on the page, a twin that its fit could not score was `not scored yet` at its head."""
    whole = leaky_recording(12, 1, "rec-fit")
    single = Recording(
        whole.response[:, :1], whole.drive, whole.lengths, whole.families, np.arange(12)[:, None],
        np.arange(12.0)[:, None], whole.channels, whole.units, whole.window, whole.reset,
        meta=whole.meta,
    )  # fmt: skip
    write_recording(tmp_path / "recording", single)
    write_recording(tmp_path / "held-out", leaky_recording(8, 2, "rec-held-out"))
    last(fit([tmp_path / "recording"], tmp_path / "twin", iterations=20, deterministic=True))
    (said,) = last(report(tmp_path))["verdict"]
    text = Path(tmp_path / "report" / "report.html").read_text("utf-8")
    (ratio,) = re.findall(r"<td>mean</td><td>[\d.]+</td><td>[\d.]+</td><td>([\d.]+)</td>", text)
    assert float(ratio) > AT_FLOOR
    assert said == "Twin without noise: not yet at the floor: mean is off."


def test_of_one_sequence_no_intervals_are_promised(tmp_path: Path) -> None:
    one = leaky_recording(1, 1, "rec-one")
    two = leaky_recording(1, 1, "rec-one")
    order = np.arange(2 * REPEATS)[None]
    response = np.concatenate([one.response, two.response[:, ::-1] + 1e-3], axis=1)
    more = replace(one, response=response, order=order, start_s=order.astype(float),
                   **{name: np.empty((0, 0, 0)) for name in BY_STEP})  # fmt: skip
    write_recording(tmp_path / "recording", more)
    last(fit([tmp_path / "recording"], tmp_path / "twin", iterations=20))
    text = Path(last(report(tmp_path / "twin", tmp_path / "page"))["report"]).read_text("utf-8")
    assert "Errors over their half-split floor, by part; the dotted line" in text


def test_what_is_hidden_is_no_artefact(run_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(run_folder / "twin", tmp_path / "twin")
    for left in ("twin/.so-far.old", ".Trash-1000/files/twin-2"):
        shutil.copytree(run_folder / "twin", tmp_path / left)
    assert find_artefacts(tmp_path).twins == (tmp_path / "twin",)


@pytest.mark.skipif(os.name != "posix", reason="names of Windows and macOS are text")
def test_a_folder_whose_name_is_no_text_is_reported(tmp_path: Path) -> None:
    place = tmp_path / b"f\xfcr".decode("utf-8", "surrogateescape")
    try:
        place.mkdir()
    except OSError:
        pytest.skip("this file system takes text only")
    write_recording(place / "rec", leaky_recording(4, 6, "rec-1"))
    page = Path(last(report(place, tmp_path / "page"))["report"])
    assert 'href="../f%FCr/rec/recording.nc"' in page.read_text("utf-8")


def test_an_empty_folder_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recording\.nc"):
        find_artefacts(tmp_path)
    (tmp_path / "report.html").touch()  # as of a learning curve
    with pytest.raises(InputError, match=r"its own page is there: .*report\.html"):
        find_artefacts(tmp_path)


def test_a_file_that_is_no_artefact_is_refused_not_reported_as_all_that_lies_around_it(
    tmp_path: Path,
) -> None:
    """A list of notes among the runs was answered by the report of every run, after minutes."""
    write_recording(tmp_path / "rec", leaky_recording(2, 6, "rec-one"))
    (tmp_path / "notes.txt").write_text("mind the gap")
    with pytest.raises(InputError, match=r"notes\.txt: a file beside no artefact"):
        find_artefacts(tmp_path / "notes.txt")
    assert find_artefacts(tmp_path / "rec" / "recording.nc").run == tmp_path / "rec"


def test_node_runs_of_a_deployment_are_no_recordings(run_folder: Path, tmp_path: Path) -> None:
    deployment = tmp_path / "deployment"
    write_recording(deployment / "nodes", leaky_recording(2, 5, "rec-nodes"))
    (deployment / "deployment.json").write_text("{}")
    found = find_artefacts(tmp_path)
    assert found.deployments == (deployment,)
    assert found.recordings == ()


def measured(label: str, predicted: float, value: float) -> Measured:
    body = {
        "metric": "nmse", "measured": value, "predicted": {"value": predicted},
        "baselines": {"AR-1": 0.42, "AR-18": 0.0046},
    }  # fmt: skip
    return Measured(Path(label), label, body, np.zeros(3), np.zeros(3))


def test_a_deployment_without_its_result_says_how_it_goes_on(tmp_path: Path) -> None:
    """Its nodes looked like a recording of an own, with a command that records them."""
    made = leaky_recording(2, 6, "dep-begun")
    write_recording(tmp_path / "dep's" / "nodes", replace(made, status="interrupted"))
    with pytest.raises(InputError, match=r"no result yet \(deploy, 16 of 16 runs\)") as told:
        find_artefacts(tmp_path / "dep's")
    assert f"twinrig deploy --bench B.toml --resume '{tmp_path}/dep'" in str(told.value)
    write_recording(tmp_path / "recording", made)
    assert find_artefacts(tmp_path).recordings == (tmp_path / "recording",)


def test_a_learning_curve_without_its_result_says_how_it_goes_on(tmp_path: Path) -> None:
    """It was said to be none of the artefacts that have a report."""
    grid = {"sequences": [4, 8], "repeats": [2], "iterations": 20, "seeds": 3, "target": 1.5}
    head = {"kind": "learning-curve", "schema": 1, "grid": grid, "points": [{}], "needed": {}}
    (tmp_path / "curve").mkdir()
    (tmp_path / "curve" / "learning-curve.json").write_text(json.dumps(with_checksum(head)))
    goes_on = f"twinrig learning-curve --resume {tmp_path / 'curve'}"
    with pytest.raises(InputError, match=r"no result yet \(learning curve, 1 point") as told:
        find_artefacts(tmp_path / "curve")
    assert str(told.value).endswith(goes_on)


def test_a_network_of_a_twin_without_noise_has_no_interval(run_folder: Path) -> None:
    network = load_network(run_folder / "network")
    quiet = replace(network, meta={**network.meta, "deterministic": True})
    page = Page("page")
    _networks(page, [(run_folder / "noisy", network), (run_folder / "quiet", quiet)], "")
    noisy, silent = (row for row in page.html().split("<tr>") if "→" in row)
    assert "none: its twin has no noise" in silent
    assert " … " in noisy
    assert " … " not in silent


def test_a_lost_baseline_is_said() -> None:
    assert against_baselines(measured("noise-aware", 0.005, 0.006)) == "beats AR-1; loses to AR-18"


def test_a_tie_is_neither_won_nor_lost() -> None:
    run = measured("noise-aware", 0.005, 0.0046)
    assert against_baselines(run) == "beats AR-1; is level with AR-18"
    others = [measured("deterministic twin", 0.001, 0.0046), measured("untrained", 0.03, 0.0046)]
    _, second, third = headline([run, *others])
    assert second.endswith("(× 4.60): level on the device.")
    assert third.endswith("training made it no better.")


def test_without_a_noise_aware_network_none_is_said_to_have_gained() -> None:
    first, second = headline(
        [measured("untrained", 0.03, 0.03), measured("deterministic twin", 0.001, 0.06)]
    )
    assert first.startswith("The untrained network keeps its score")
    assert "the untrained network wins by a factor of 2.0 on the device" in second


def test_a_score_far_below_one_in_ten_thousand_keeps_its_digits() -> None:
    """It read 0.0003 → 0.0003 (× 0.98), and a baseline that wins by a factor of 500 0.0000."""
    tiny = measured("noise-aware", 0.00032099, 0.00031549)
    (sentence,) = headline([tiny])
    assert "NMSE 0.000321 foreseen by the twin, 0.0003155 on the device (× 0.98)" in sentence
    page = Page("page")
    _baselines(page, {"metric": "nmse", "baselines": {"esn-72": 6.0954668e-07, "ar-18": 0.004775}})
    assert "<td>ESN-72</td><td>6.095e-07</td>" in page.html()
    assert "<th>NMSE</th>" in page.html()


def test_the_headline_says_what_was_gained_and_lost() -> None:
    runs = [
        measured("noise-aware", 0.005, 0.006),
        measured("deterministic twin", 0.001, 0.03),
        measured("untrained", 0.03, 0.036),
    ]
    first, second, third = headline(runs)
    assert "keeps its score" in first
    assert "× 1.20" in first
    assert "× 30.00" in second
    assert "gained a factor of 5.0" in second
    assert "better by a factor of 6.0" in third


def test_a_network_that_loses_on_the_way_is_said_to() -> None:
    (sentence,) = headline([measured("noise-aware", 0.005, 0.05)])
    assert "loses on the way" in sentence


def test_the_best_of_several_deployments_is_said_to_be_that() -> None:
    """Chosen by the score that it is praised for, it is a little too good."""
    runs = [measured("noise-aware", 0.005, 0.005), measured("noise-aware", 0.005, 0.007)]
    (sentence,) = headline(runs)
    assert sentence.startswith("The best of 2 noise-aware networks deployed keeps its score")


def test_ranks_beyond_a_perfect_twins_band_are_said() -> None:
    """The demo's figure had a curve at twice the band, and no word about it."""
    validation = {
        "verdict": {"reasons": []}, "families": {}, "where": {},
        "curves": {"rank_band": 0.05, "rank_level": np.linspace(0, 1, 4),
                   "rank_lines": {"level": [0, -0.1, -0.02, 0], "extent": [0, 0.04, 0, 0]}},
    }  # fmt: skip
    page = Page("page")
    add_validation(page, "twin", validation)
    assert "band: level by up to 0.100 (its band: 0.050)." in page.html()
    validation["curves"]["rank_lines"].pop("level")
    page = Page("page")
    add_validation(page, "twin", validation)
    assert "leave a perfect" not in page.html()


def test_verdicts_are_words() -> None:
    row = {"value": 1.0, "floor": 0.5, "ratio": 2.0, "excess": 0.8}
    assert error_words(row) == "above the floor"
    assert error_words({**row, "ratio": 1.1}) == "at the floor"
    assert "by chance" in error_words({**row, "low": 1.2, "high": 3.0})
    assert coverage_words({"value": 0.7, "expected": 0.891}) == "the twin's noise is too narrow"
    unsure = {"value": 0.86, "expected": 0.891, "low": 0.83, "high": 0.88}
    assert coverage_words(unsure) == "the twin's noise is too narrow, perhaps by chance"
    words = verdict({"mean": row}, {"value": 0.9, "expected": 0.891}).words
    assert words == "Not yet at the floor: mean is off."


@pytest.mark.parametrize(("most", "extends"), [(1.4, "neither"), (4.8, "max")])
def test_the_colours_of_a_pit_say_what_they_are_and_where_they_end(
    most: float, extends: str
) -> None:
    """A density of 4.8 had the colour, and the number, of 2."""
    part = {"label": "1–4", "coverage": {"value": 0.8, "low": 0.7, "high": 0.9}, "pit": [0.6, most]}
    figure = coverage_figure({"step": [part, {**part, "label": "5–8"}]})
    (bar,) = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bar._colorbar.extend == extends
    assert bar.get_ylabel() == "density"


def test_the_pit_has_the_band_of_a_perfect_twin_where_it_is_known() -> None:
    level = np.linspace(0.5, 0.0, 20)
    told = {f"autocorrelation_{k}": level for k in ("real", "twin", "low", "high")}
    told["pit"] = np.ones(20)
    band = {"pit_low": np.full(20, 0.9), "pit_high": np.full(20, 1.1)}
    names = [
        noise_figure(details).axes[1].get_legend_handles_labels()[1]
        for details in (told, told | band)
    ]
    assert set(names[1]) - set(names[0]) == {"… 90 % of its bars"}


def test_nodes_of_the_misfit_figure_have_the_numbers_that_words_give_them() -> None:
    """Layer 2, node 1 stood as 24: bars were counted from 0, through all layers."""
    (axes,) = misfit_figure([("noise-aware", (24, 24), np.ones(48))]).axes
    told = dict(zip(axes.get_xticks(), (t.get_text() for t in axes.get_xticklabels()), strict=True))
    assert told == {0: "1", 4: "5", 9: "10", 14: "15", 19: "20",
                    24: "1", 28: "5", 33: "10", 38: "15", 43: "20"}  # fmt: skip


@pytest.mark.parametrize("values", [(1.0, 1.05, 0.97), (0.02, 10.0), (3e-7, 0.4), (2.0, 2.0)])
def test_a_logarithmic_axis_has_numbers_that_can_be_read(values: tuple[float, ...]) -> None:
    """Of a narrow range one tick was left, of a spectrum thirty lay over each other."""
    figure = new_figure(2.0)
    axes = figure.subplots()
    axes.plot(values, values, "o")
    log_scale(axes, "x", values)
    figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = [text for tick, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
             if low <= tick <= high and text.get_text()]  # fmt: skip
    assert 2 <= len(shown) <= 12
    boxes = [text.get_window_extent() for text in shown]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_sequences_are_shown_by_family() -> None:
    assert by_family(["mixed", "mixed", "steps", "mixed", "sines", "steps"]) == [0, 1, 2, 4]


def test_a_response_of_microvolts_is_drawn_in_microvolts() -> None:
    """Its rows read 0.000100 V, 1e−5 V and 7.5 below one another."""
    drive = np.linspace(0, 1, 5)
    real = np.array([[1e-6, np.nan, 8e-5, 2e-5, 0.0]])
    cases = [("a", drive, real, np.empty((0, 5))), ("b", drive, real / 10, real / 20)]
    figure = repeats_figure(cases, "X", lambda share: 3e-3 * share, "V")
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["field (mT)", "X (µV)"] * 2
    assert np.nanmax(figure.axes[1].lines[0].get_ydata()) == pytest.approx(80)
    assert np.nanmax(figure.axes[3].lines[-1].get_ydata()) == pytest.approx(4)


def test_spread_over_signal_is_that_of_the_repeats() -> None:
    rng = np.random.default_rng(0)
    recording = leaky_recording(4, 1, "rec")
    signal = np.sin(np.arange(STEPS) / 3)[None, None, :, None]
    noise = 0.1 * rng.standard_normal(recording.response.shape)
    known = Recording(
        signal + noise, recording.drive, recording.lengths, recording.families, recording.order,
        recording.start_s, recording.channels, recording.units, recording.window, recording.reset,
    )  # fmt: skip
    assert spread_over_signal(known) == pytest.approx(0.1 / signal.std(), rel=0.1)
