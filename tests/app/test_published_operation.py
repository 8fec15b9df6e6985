"""A twin of the published method goes the way of every twin, but into no network."""

from __future__ import annotations

import numpy as np
import pytest
from fit_device import record_device

from app.fit_checkpoint import FILE_NAME
from app.operations.evaluate import evaluate
from app.operations.events import Note, Result, Stage
from app.operations.fit import fit
from app.operations.learning_events import FitProgress, FitSamples
from app.operations.report import report
from app.operations.simulate import simulate
from app.operations.train import train
from app.store import load_twin, read_recording, write_recording
from models.errors import InputError
from models.sequence import make_sequences

ITERATIONS = 5


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    write_recording(folder / "many", record_device(20, 4, seed=1))
    write_recording(folder / "scoring", record_device(6, 16, seed=2))
    paths = [folder / "many", folder / "scoring"]
    events = list(fit(paths, folder / "twin", objective="published", iterations=ITERATIONS))
    return folder, events


def words(events):
    return " ".join(e.text for e in events if isinstance(e, Note))


def test_it_tells_its_phases_its_cost_and_its_samples_as_every_fit(fitted):
    events = fitted[1]
    names = [e.name for e in events if isinstance(e, Stage)]
    assert names[1:3] == ["fit the mean", "fit mean and noise"]
    assert "give it a budget with --minutes" in words(events)
    assert "torchsde" in words(events)
    assert [e for e in events if isinstance(e, FitProgress)][-1].iteration == ITERATIONS
    assert next(e for e in events if isinstance(e, FitSamples)).twin.shape == (16, 30, 1)
    errors = events[-1].values["errors"]
    assert all(errors[name]["value"] > 0 for name in ("mean", "spread", "autocovariance", "crps"))


def test_the_stored_twin_knows_its_method_and_its_structure(fitted):
    twin = load_twin(fitted[0] / "twin")
    assert twin.meta["objective"] == "published"
    assert twin.published is not None
    assert (twin.published.delays, twin.published.layers) == (4, (300, 250, 200))
    assert (twin.latent, twin.hidden) == (10, 300)


def test_it_is_evaluated_and_simulated_like_any(fitted, tmp_path):
    folder, events = fitted
    again = list(evaluate(folder / "twin", folder / "scoring"))[-1]
    assert isinstance(again, Result)
    mean = events[-1].values["errors"]["mean"]["value"]
    assert again.values["errors"]["mean"]["value"] == pytest.approx(mean, rel=0.05)
    list(simulate(folder / "twin", make_sequences("mixed", 3, 30, 5), 4, tmp_path / "made"))
    assert np.isfinite(read_recording(tmp_path / "made").response).all()


def test_the_report_draws_it_and_says_how_it_was_fitted(fitted, tmp_path):
    folder = fitted[0]
    list(report(folder, tmp_path / "report"))
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "--objective published" in page
    assert "Unseen repeats of the device" in page


def test_no_network_is_made_of_it_and_the_reason_is_said(fitted, tmp_path):
    with pytest.raises(InputError, match="a twin of the published method") as caught:
        list(train("mackey-glass", [fitted[0] / "twin"], (2,), tmp_path / "network"))
    assert "fit one with another --objective" in str(caught.value)
    assert not (tmp_path / "network").exists()


def test_closing_keeps_a_checkpoint_and_resume_ends_where_an_uninterrupted_fit_does(
    fitted, tmp_path
):
    folder, whole = fitted
    paths = [folder / "many", folder / "scoring"]
    events = fit(paths, tmp_path / "cut", objective="published", iterations=ITERATIONS)
    next(e for e in events if isinstance(e, FitProgress))
    events.close()
    assert (tmp_path / "cut" / FILE_NAME).is_file()
    resumed = list(fit([], tmp_path / "cut", resume=True))
    assert resumed[-1].values["errors"] == whole[-1].values["errors"]
    (again,) = fit([], tmp_path / "cut", resume=True)  # finished: told once more
    assert again.values["errors"] == whole[-1].values["errors"]
