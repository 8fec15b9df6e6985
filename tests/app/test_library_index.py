"""What the Library reads of a folder: figures, lineage, notes, and damage said as such."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from artefact_samples import blank, full, network, response_of, twin

from app.artefacts import sha256_of
from app.gui.network_asks import Layout
from app.library import folders
from app.library.facts import facts_of
from app.library.folders import Artefact
from app.library.index import Index, ancestors, compared, descendants, lineage
from app.library.library import Library
from app.library.note import NOTE_FILE, read_note, write_note
from app.recording_marks import add_mark, left_out
from app.store import RecordingWriter, load_network, save_network, save_twin, write_recording
from app.train_request import TrainOptions
from app.words import day
from models.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["whole", "large"])
def _read_both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are read as small ones are, and looked into as those that are too large."""
    if request.param == "large":
        monkeypatch.setattr("app.library.recording.WHOLE_BYTES", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording, a twin of it, a network of that twin."""
    made = tmp_path / "library"
    recording = replace(full(), status="done")
    recording.meta["id"] = "rec-1"
    path = write_recording(made / "rec-folder", recording)
    one = twin()
    one.meta.update(
        id="twin-1",
        parents=[{"id": "rec-1", "path": str(path), "sha256": sha256_of(path), "sequences": 2}],
    )
    path = save_twin(made / "twin-folder", one)
    net = network()
    net.meta.update(
        id="net-1", parents=[{"id": "twin-1", "path": str(path), "sha256": sha256_of(path)}]
    )
    save_network(made / "net-folder", net)
    return made


def test_a_recording_that_a_twin_made_stands_under_it_and_says_so(folder: Path) -> None:
    made, at = replace(full(), status="done"), folder / "twin-folder" / "twin.json"
    parent = {"id": "twin-1", "path": str(at), "sha256": sha256_of(at)}
    made.meta.update(id="sim-1", simulated=True, parents=[parent])
    made.meta.pop("bench", None)
    write_recording(folder / "sim-folder", made)
    entries = Index(Library(folder)).read()
    assert (2, "sim-1") in [(depth, entry.id) for depth, entry in lineage(entries)]
    one = next(entry for entry in entries if entry.id == "sim-1")
    assert one.facts.title.endswith(", simulated")
    assert dict(one.facts.rows)["Bench"] == "none: a twin answered"


@pytest.mark.parametrize(
    ("metric", "words", "measured", "foreseen", "ridge"),
    [
        ("error-rate", "accuracy", "0.9", "0.92 (0.88 to 0.95)", "0.75"),
        ("balanced-error", "balanced accuracy", "0.9", "0.92 (0.88 to 0.95)", "0.75"),
        ("nmse", "NMSE", "0.1", "0.08 (0.05 to 0.12)", "0.25"),
    ],
)
def test_scores_are_shown_as_everywhere_else(
    tmp_path: Path, metric: str, words: str, measured: str, foreseen: str, ridge: str
) -> None:
    """An accuracy where the files keep an error: 10 % wrong had read as a score of 0.1."""
    known = {
        "measured": 0.1,
        "predicted": {"value": 0.08, "low": 0.05, "high": 0.12},
        "baselines": {"ridge": 0.25},
        "layers": [{"nodes": 4}],
        "meta": {},
    }
    deployed = Artefact(tmp_path, "dep", 0.0, {**known, "task": "digits", "metric": metric})
    facts = facts_of(deployed)
    rows = dict(facts.rows)
    assert facts.title == f"digits 4 measured {words} {measured}"
    assert (rows["Score"], rows["Measured"]) == (words, measured)
    assert (rows["Foreseen"], rows["Ridge"]) == (foreseen, ridge)
    task = {"name": "digits", "metric": metric}
    rows = dict(facts_of(Artefact(tmp_path, "net", 0.0, {**known, "task": task})).rows)
    assert (rows["Score"], rows["Foreseen on the device"]) == (words, foreseen)
    assert rows["Ridge"] == ridge


def test_baselines_are_named_as_on_the_pages_that_made_them(tmp_path: Path) -> None:
    names = {"ar-18": 0.0048, "esn-36 with 5 % state noise": 0.04, "persistence": 0.49}
    head = {"baselines": names, "task": "mackey-glass", "layers": [{"nodes": 4}], "meta": {}}
    rows = dict(facts_of(Artefact(tmp_path, "dep", 0.0, {**head, "measured": 0.1})).rows)
    assert {"AR-18", "ESN-36 (5 % noise)", "Persistence"} < set(rows)


def test_a_table_of_classifiers_shows_accuracies(tmp_path: Path) -> None:
    plan = {"task": "digits", "layers": [4], "options": {}, "seeds": 1, "seed": 0, "folds": 0,
            "iterations": 10, "kinds": [], "bench": ""}  # fmt: skip
    row = {"label": "untrained", "predicted": {"mean": 0.1}, "measured": {"mean": 0.2}}
    head = {"plan": plan, "metric": "error-rate", "rows": [row], "status": "done"}
    rows = dict(facts_of(Artefact(tmp_path, "tab", 0.0, head)).rows)
    assert (rows["Score"], rows["untrained"]) == ("accuracy", "0.9, on the device 0.8")


def test_a_refined_network_stands_under_the_one_it_was_and_its_parts_under_it(folder: Path) -> None:
    """It comes of a twin in its own folder, which stands under it: it stood under nothing."""
    entries = {entry.id: entry for entry in Index(Library(folder)).read()}
    inner = replace(entries["twin-1"], id="twin-2", made_from=("twin-1",), inside="net-2")
    refined = replace(entries["net-1"], id="net-2", made_from=("twin-2", "net-1"))
    assert [(depth, e.id) for depth, e in lineage([refined, inner, *entries.values()])] == [
        (0, "rec-1"), (1, "twin-1"), (2, "net-1"), (3, "net-2"), (4, "twin-2"),
    ]  # fmt: skip


def test_lineage_leads_from_recording_to_network(folder: Path) -> None:
    entries = Index(Library(folder)).read()
    assert [(depth, entry.id) for depth, entry in lineage(entries)] == [
        (0, "rec-1"),
        (1, "twin-1"),
        (2, "net-1"),
    ]
    by_id = {entry.id: entry for entry in entries}
    assert [e.id for e in ancestors(by_id["net-1"], entries)] == ["twin-1", "rec-1"]
    assert [e.id for e in descendants([by_id["rec-1"]], entries)] == ["twin-1", "net-1"]
    assert not any(entry.problem or entry.changed or entry.missing for entry in entries)


def test_what_was_made_from_several_is_counted_once_and_without_themselves(folder: Path) -> None:
    by_id = {entry.id: entry for entry in Index(Library(folder)).read()}
    both = [by_id["rec-1"], by_id["twin-1"]]
    assert [e.id for e in descendants(both, by_id.values())] == ["net-1"]
    assert descendants(by_id.values(), by_id.values()) == []


def test_a_head_that_did_not_change_is_parsed_once_by_whichever_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    parse = folders.read_head
    monkeypatch.setattr(
        folders, "read_head", lambda file, *kind: (read.append(file), parse(file, *kind))[1]
    )
    first = Library(folder).artefacts()
    assert sorted(file.name for file in read) == ["network.json", "twin.json"]
    assert Library(folder).artefacts() == first
    assert len(read) == 2
    shutil.rmtree(folder / "twin-folder")
    other = twin()
    other.meta["id"] = "twin-2"
    save_twin(folder / "twin-folder", other)
    assert {one.id for one in Library(folder).artefacts("twin")} == {"twin-2"}
    (folder / "twin-folder" / "twin.json").write_text("{}")
    for _ in range(2):  # a fault is looked at each time: the disk may have come back
        assert Library(folder).artefacts("twin")[0].broken
    assert len(read) == 5


def test_a_parent_that_is_gone_is_missing_and_one_that_was_exchanged_has_changed(
    folder: Path,
) -> None:
    shutil.rmtree(folder / "rec-folder")
    other = twin()
    other.meta.update(id="twin-1", parents=[{"id": "rec-1", "path": "", "sha256": ""}], more=1)
    shutil.rmtree(folder / "twin-folder")
    save_twin(folder / "twin-folder", other)
    by_id = {entry.id: entry for entry in Index(Library(folder)).read()}
    assert by_id["twin-1"].missing == ("rec-1",)
    assert by_id["net-1"].changed == ("twin-1",)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("rec-folder/recording.nc", "recording.nc"),
        ("twin-folder/weights.safetensors", "not the file that was written"),
        ("net-folder/network.json", "network.json can't be read"),
    ],
)
def test_a_broken_file_is_shown_as_such_and_the_others_as_before(
    folder: Path, file: str, part: str
) -> None:
    path = folder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b""
    path.write_bytes(content)
    entries = Index(Library(folder)).read()
    broken = [entry for entry in entries if entry.problem]
    assert [entry.artefact.path.name for entry in broken] == [file.partition("/")[0]]
    assert part in broken[0].problem
    assert len(entries) == 3


def test_a_folder_that_can_t_be_looked_into_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that another user made with umask 077: the whole library could not be shown."""
    (folder / "private").mkdir()
    ask = os.scandir

    def refuses(path: Any) -> Any:
        if os.path.basename(path) == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return ask(path)

    monkeypatch.setattr(os, "scandir", refuses)
    problems = {entry.artefact.path.name: entry.problem for entry in Index(Library(folder)).read()}
    assert set(problems) == {"rec-folder", "twin-folder", "net-folder", "private"}
    assert problems.pop("private").startswith("can't be read (Permission denied): check who may")
    assert not any(problems.values())
    assert [a.id for a in Library(folder).artefacts("twin")] == ["twin-1"]


def test_one_whose_content_is_listed_but_closed_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of rights 744: its names are told, and nothing about them."""
    (folder / "private" / "twin-3").mkdir(parents=True)
    ask = os.stat

    def refuses(path: Any, **options: Any) -> os.stat_result:
        if "private/" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return ask(path, **options)

    monkeypatch.setattr(os, "stat", refuses)
    problems = {entry.artefact.path.name: entry.problem for entry in Index(Library(folder)).read()}
    assert set(problems) == {"rec-folder", "twin-folder", "net-folder", "private"}
    assert problems["private"].startswith("can't be read (Permission denied): check who may")


def test_files_of_other_programs_hide_nothing(folder: Path) -> None:
    (folder / "theirs").mkdir()
    (folder / "theirs" / "header.json").write_text("{}")
    assert {entry.id for entry in Index(Library(folder)).read()} == {"rec-1", "twin-1", "net-1"}


@pytest.mark.usefixtures("_read_both_ways")
def test_a_run_that_was_killed_is_never_called_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recording.nc says that it runs, for as long as nobody seals it: the journal knows."""
    writer = RecordingWriter(tmp_path / "rec", blank())
    writer.append(0, 0, 0, 0.0, response_of(0, 0, 5))
    (entry,) = Index(Library(tmp_path)).read()
    assert entry.facts.status == "running"
    monkeypatch.setattr("app.recording_reader.OPEN_HERE", set())
    (entry,) = Index(Library(tmp_path)).read()
    assert entry.facts.status == "interrupted"
    assert dict(entry.facts.rows)["Goes on by"].startswith("twinrig record")
    writer.finish("stopped")


def test_a_large_recording_is_looked_into_without_hdf5(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which hangs for ever on some damaged files, and the window with it."""
    file = folder / "rec-folder" / "recording.nc"
    whole = Index(Library(folder)).read()
    data = bytearray(file.read_bytes())
    data[8:96] = bytes(88)  # HDF5's own words, which the arrays don't need
    file.write_bytes(data)
    monkeypatch.setattr("app.library.recording.WHOLE_BYTES", 0)
    (one,) = (e for e in Index(Library(folder)).read() if e.kind == "rec")
    assert one.facts.rows == next(e for e in whole if e.kind == "rec").facts.rows
    assert one.facts.thumb is not None
    assert len(one.facts.thumb.traces) == 4


def test_a_file_that_is_away_is_told(folder: Path) -> None:
    (folder / "net-folder" / "forecast.safetensors").unlink()
    by_id = {entry.id: entry for entry in Index(Library(folder)).read()}
    assert "forecast.safetensors is missing" in by_id["net-1"].problem


def test_notes_stand_beside_and_change_nothing(folder: Path) -> None:
    before = {path: sha256_of(path) for path in folder.glob("*/*")}
    for name in ("rec-folder", "twin-folder", "net-folder"):
        write_note(folder / name, "  second cool-down, ½ the field\n")
    assert {path: sha256_of(path) for path in before} == before
    load_network(folder / "net-folder")
    entries = Index(Library(folder)).read()
    assert {entry.note for entry in entries} == {"second cool-down, ½ the field"}
    assert not any(entry.problem for entry in entries)
    assert all("cool-down" in entry.words for entry in entries)
    write_note(folder / "rec-folder", "")
    assert read_note(folder / "rec-folder") == ""


def test_a_note_of_a_novel_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="at most 65536"):
        write_note(folder / "rec-folder", "x" * 70_000)
    assert not (folder / "rec-folder" / NOTE_FILE).exists()


def test_what_has_not_changed_is_not_read_again(folder: Path) -> None:
    index = Index(Library(folder))
    first = {entry.id: entry.facts for entry in index.read()}
    again = {entry.id: entry.facts for entry in index.read()}
    assert all(again[name] is facts for name, facts in first.items())
    write_note(folder / "twin-folder", "new")
    third = {entry.id: entry for entry in index.read()}
    assert third["twin-1"].note == "new"
    assert third["rec-1"].facts is first["rec-1"]


def test_facts_say_what_it_takes_to_run_it_again(folder: Path) -> None:
    by_id = {entry.id: entry for entry in Index(Library(folder)).read()}
    assert by_id["rec-1"].facts.form == {
        "family": "steps", "steps": 5, "count": 2, "repeats": 4, "seed": 1, "holds": 1,
        "interleave": True, "reference": 0, "stop_at": 0, "sample": "", "operator": "",
    }  # fmt: skip
    assert by_id["twin-1"].facts.form == {"latent": 3, "hidden": 4, "seed": 3, "members": 1}
    assert by_id["net-1"].facts.form["layers"] == "2, 2"
    thumb = by_id["rec-1"].facts.thumb
    assert thumb is not None
    assert len(thumb.traces) == 4
    np.testing.assert_allclose(thumb.mean, np.mean(thumb.traces, axis=0))


@pytest.mark.usefixtures("_read_both_ways")
def test_a_recording_of_holds_and_references_is_asked_for_as_it_was(tmp_path: Path) -> None:
    """They were run again with whatever stood in the form."""
    holds = np.ones((2, 5), dtype=np.int64)
    holds[0, 2] = 4
    made = replace(full(), status="done", holds=holds)
    asked = {"interleave": False, "reference_steps": 20, "stop_at_drift": 6.0, "sample": "no. 7"}
    made.meta.update(**asked, operator="Ada")
    write_recording(tmp_path / "rec", made)
    (entry,) = Index(Library(tmp_path)).read()
    expected = {"holds": 4, "interleave": False, "reference": 20, "stop_at": 6,
                "sample": "no. 7", "operator": "Ada"}  # fmt: skip
    assert entry.facts.form.items() >= expected.items()


@pytest.mark.parametrize(
    ("families", "words", "asked"),
    [
        (("mixed", "mixed"), "mixed", "mixed"),
        (("sines", "steps"), "sines and steps", None),  # no form has those two
        (("steps", "mixed", "sines", "smooth"), "mixed, sines, smooth and steps", "all"),
        (tuple(f"sweep {k}" for k in range(9)), "9 families", None),
    ],
)
@pytest.mark.usefixtures("_read_both_ways")
def test_families_of_a_recording_are_named(tmp_path: Path, families, words, asked) -> None:
    made = full((5,) * len(families))
    write_recording(tmp_path / "rec", replace(made, status="done", families=families))
    (entry,) = Index(Library(tmp_path)).read()
    said = f"{len(families)} of 5 steps, {words}, 4 repeats each"
    assert dict(entry.facts.rows)["Sequences"] == said
    assert entry.facts.form.get("family") == asked


@pytest.mark.parametrize(
    "options",
    [
        TrainOptions(),
        TrainOptions(wiring="2:in,1", taps=(0, 3), readout_taps=(0, 3), cascade=True, patience=9),
        TrainOptions(taps=(0, 3), use=("X", "2:Y"), supply=(1 / 3000, 0.0), rate=0.01),
        TrainOptions(parallel=(1,), readout_taps=(3,), refit=True, sparsity=0.5),
    ],
)
def test_a_network_is_asked_for_with_the_options_it_has(
    tmp_path: Path, options: TrainOptions
) -> None:
    one = replace(network(), meta={"id": "n", "options": asdict(options)})
    save_network(tmp_path / "net", one)
    (entry,) = Index(Library(tmp_path)).read()
    assert not entry.problem
    form, beside = entry.facts.form, tuple(options.parallel)
    assert form["layers"] == ("2+2" if beside else "2, 2")
    layout = Layout(form["wiring"], form["taps"], (), form["cascade"], form["more"], beside)
    assert TrainOptions.of(layout.options()) == options


def test_a_comparison_has_every_figure_of_both(folder: Path) -> None:
    by_id = {entry.id: entry for entry in Index(Library(folder)).read()}
    rows = compared(by_id["twin-1"], by_id["net-1"])
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names))
    table = {name: values for name, *values in rows}
    assert table["Latent state"] == ["3", "—"]
    assert table["Layers"] == ["—", "2·2"]


@pytest.mark.usefixtures("_read_both_ways")
def test_sample_and_notes_of_a_recording_are_shown_and_found_and_marks_are_counted(
    folder: Path,
) -> None:
    made = replace(full(), status="done")
    made.meta.update(sample="Py rings no. 7", operator="Ada", notes="at 2 K <b>", temperature_K=2.0)
    write_recording(folder / "rec-said", made)
    by_name = {e.artefact.path.name: e for e in Index(Library(folder)).read()}
    rows = dict(by_name["rec-said"].facts.rows)
    assert rows["Sample"] == "Py rings no. 7"
    assert rows["Temperature, K"] == "2.0"
    assert all(words in by_name["rec-said"].words for words in ("no. 7", "ada", "2 k <b>"))
    assert rows["Status"] == "done, 8 of 8 repeats"
    add_mark(folder / "rec-said", bad=[1, 5])
    by_name = {e.artefact.path.name: e for e in Index(Library(folder)).read()}
    assert dict(by_name["rec-said"].facts.rows)["Status"] == "done, 8 of 8 repeats, 2 marked bad"


def test_a_recording_for_a_twin_is_told_by_what_its_rounds_recorded(tmp_path: Path) -> None:
    """A finished one was "done, 5 of 8 repeats": its rounds have unlike numbers of them."""
    one = full()
    for array in (one.response, one.set_s, one.read_s, one.start_s):
        array[1, 1:] = np.nan
    one.order[1, 1:] = -1
    one.order[one.order >= 0] = np.arange(5)
    meta = {**one.meta, "for_twin": {"asked": {}}}
    write_recording(tmp_path / "rec-a", replace(one, status="done", meta=meta))
    (entry,) = Index(Library(tmp_path)).read()
    rows = dict(entry.facts.rows)
    assert rows["Status"] == "done, 5 repeats"
    assert rows["Sequences"].endswith("1 to 4 repeats each")
    assert entry.facts.title == "2 × 5 steps, 1 to 4 repeats"


def test_an_imported_recording_says_where_it_comes_from_and_no_field_that_nobody_knows(
    folder: Path,
) -> None:
    one = replace(full(), status="done")
    one.meta.update(imported={"path": "/their/m.npz"}, notes="unknown: …", remarks=["1 is void"])
    write_recording(folder / "imp", one)
    rows = {e.artefact.path.name: dict(e.facts.rows) for e in Index(Library(folder)).read()}
    assert rows["imp"]["Bench"] == "none: imported from /their/m.npz"
    assert rows["imp"]["Remarks"] == "1 is void"
    assert "Field window" not in rows["imp"]
    assert "Field window" in rows["rec-folder"]


def test_a_deterministic_twin_shows_its_mean_alone(folder: Path) -> None:
    errors = dict.fromkeys(("mean", "spread", "autocovariance", "crps"), twin().errors["mean"])
    for deterministic, name in ((True, "twin-flat"), (False, "twin-1")):
        made = replace(twin(), deterministic=deterministic, errors=errors)
        made.meta["id"] = name
        shutil.rmtree(folder / "twin-folder", ignore_errors=True)
        save_twin(folder / f"{name}-folder", made)
    by_id = {entry.id: entry.facts for entry in Index(Library(folder)).read()}
    noise = {"Spread", "Autocovariance", "CRPS", "90 % coverage"}
    assert noise <= dict(by_id["twin-1"].rows).keys()
    assert not noise & dict(by_id["twin-flat"].rows).keys()
    assert "Mean" in dict(by_id["twin-flat"].rows)


@pytest.mark.parametrize("status", ["stopped", "interrupted", "failed", "done"])
def test_a_recording_that_ended_early_says_how_it_goes_on(folder: Path, status: str) -> None:
    part = replace(left_out(full(), [7]), status=status)
    path = write_recording(folder / "rec's", part).parent
    rows = {e.artefact.path: dict(e.facts.rows) for e in Index(Library(folder)).read()}[path]
    command = f"twinrig record --bench B.toml --resume {shlex.quote(str(path))}"
    assert rows.get("Goes on by") == (None if status == "done" else command)


def test_what_was_made_in_another_year_says_which(folder: Path) -> None:
    made = folder / "rec-folder" / "recording.nc"
    os.utime(made, (1_735_000_000, 1_735_000_000))  # 24 December 2024
    by_id = {one.path.name: one.when for one in Library(folder).artefacts()}
    assert by_id["rec-folder"].startswith("24 Dec 2024 ")
    assert f"{datetime.now().year}" not in by_id["twin-folder"]


class German(date):
    """A day on a computer whose language is German, as Qt makes it the program's."""

    def strftime(self, shape: str) -> str:
        return super().strftime(shape).replace("Dec", "Dez")


def test_a_day_is_told_in_the_window_s_language_on_a_german_computer_too() -> None:
    assert f"{German(2026, 12, 3):%d %b}" == "03 Dez"
    assert day(German(2026, 12, 3)) == "3 Dec"


def test_what_a_row_says_is_found(folder: Path) -> None:
    path = write_recording(folder / "rec-stopped", replace(full(), status="stopped"))
    one = next(e for e in Index(Library(folder)).read() if e.artefact.path == path.parent)
    assert "stopped" in one.words
    assert one.artefact.when.lower() in one.words


class Calls:
    """Calls of the disk below a folder, by name; what a listing tells of its entries is none."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self._below = str(folder)
        for name in ("scandir", "listdir", "stat", "lstat"):
            monkeypatch.setattr(os, name, self._told(name, getattr(os, name)))

    def _told(self, name: str, real: Any) -> Any:
        def told(path: Any, *arguments: Any, **named: Any) -> Any:
            if str(path).startswith(self._below):
                self.made.append(f"{name} {path}")
            return real(path, *arguments, **named)

        return told


def test_a_library_is_listed_with_few_calls_of_the_disk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share of 20 ms a call each of them is 12 s of a library of 600."""
    for k in range(20):
        (folder / "theirs" / f"day {k}").mkdir(parents=True)
        (folder / "theirs" / f"scan {k}.csv").write_text("1,2")
        shutil.copytree(folder / "twin-folder", folder / f"copy-{k}")
    index = Index(Library(folder))
    index.read()
    calls = Calls(folder, monkeypatch)
    assert len(index.library.artefacts()) == 23
    # the library, 24 folders of it, 20 in theirs; the time of each of 23 heads; one for its rights
    assert len(calls.made) <= 1 + 24 + 20 + 23 + 1, calls.made
    calls.made.clear()
    index.read()
    assert len(calls.made) <= 1 + 24 + 20 + 23 + 1 + 23 + 6, calls.made


@pytest.mark.parametrize("when", ["listed", "found"])
def test_a_folder_that_vanishes_while_it_is_looked_at_hides_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """All that came behind it in the listing were lost, and the list said nothing of it."""
    shutil.copytree(folder / "net-folder", folder / "aa-vanishes")
    listed = folders.entries_of

    def told(path: Path) -> Any:
        found = listed(path)
        if path == (folder if when == "listed" else folder / "aa-vanishes"):
            shutil.rmtree(folder / "aa-vanishes", ignore_errors=True)
        return found

    monkeypatch.setattr(folders, "entries_of", told)
    assert {entry.id for entry in Index(Library(folder)).read()} == {"rec-1", "twin-1", "net-1"}


def test_a_link_that_leads_back_shows_nothing_twice(folder: Path) -> None:
    """Whoever threw the second one away had the first in the trash."""
    (folder / "up").symlink_to(folder)
    (folder / "2026").mkdir()
    (folder / "2026" / "all").symlink_to(folder)
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "nowhere").symlink_to(folder / "gone")
    elsewhere = folder.parent / "elsewhere"
    shutil.move(folder / "net-folder", elsewhere)
    (folder / "net-link").symlink_to(elsewhere)
    found = sorted(one.label for one in Library(folder).artefacts())
    assert found == ["net-link", "rec-folder", "twin-folder"]


def test_what_was_refused_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner changed the rights, a share came back: neither changes the file."""
    index = Index(Library(folder))

    def refuses(artefact: Artefact) -> Any:
        raise PermissionError(13, "Permission denied", str(artefact.path))

    with monkeypatch.context() as patch:
        patch.setattr("app.library.index.facts_of", refuses)
        assert all(entry.problem for entry in index.read())
    assert not any(entry.problem for entry in index.read())


def test_a_time_that_no_calendar_has_hides_nothing(folder: Path) -> None:
    """A share whose clock says the year 50000: the list could not be painted."""
    one = next(a for a in Library(folder).artefacts() if a.kind == "rec")
    for changed_s in (1.5e12, 1e20, -1e14, float("nan")):
        assert replace(one, changed_s=changed_s).when == ""
    assert replace(one, changed_s=0.0).when != ""


@pytest.mark.usefixtures("_read_both_ways")
def test_a_spectrum_says_how_many_channels_it_has_and_draws_one_that_tells(folder: Path) -> None:
    response = np.random.default_rng(0).standard_normal((2, 4, 5, 9))
    response[..., 6] += 100 * np.arange(5)  # the others are noise
    response[1, :, 3:] = np.nan  # it is shorter
    wide = replace(blank(channels=9), response=response)
    order, start_s = np.arange(8).reshape(2, 4), np.zeros((2, 4))
    write_recording(folder / "wide", replace(wide, order=order, start_s=start_s, status="done"))
    by_name = {e.artefact.path.name: e for e in Index(Library(folder)).read()}
    assert not by_name["wide"].problem
    assert by_name["wide"].facts.title == "2 × 5 steps, 4 repeats, 9 channels"
    assert dict(by_name["wide"].facts.rows)["Channels"] == "X … c8 (9)"
    thumb = by_name["wide"].facts.thumb
    assert thumb is not None
    np.testing.assert_array_equal(thumb.traces, response[0, :, :, 6])
    assert by_name["rec-folder"].facts.title == "2 × 5 steps, 4 repeats"
