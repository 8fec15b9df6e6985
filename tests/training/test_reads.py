"""A step of several holds is several steps, of which the last is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.latent import TwinModel
from models.sequence import FieldSequence
from models.simulated import played
from tests.app.held import relaxed
from training.fit import Fit, FitSettings, begin_fit
from training.objectives import EnergyScore
from training.reads import at_reads, in_single_holds, reads_of
from training.validation import score_model
from training.windows import Batch, Scales

torch.set_num_threads(1)
GAP = np.nan


def test_a_held_step_becomes_steps_of_which_the_last_holds_the_value():
    drive = np.array([[0.1, 0.2, 0.3], [0.5, 0.6, GAP]])
    response = np.arange(12.0).reshape(2, 2, 3, 1)
    response[1, :, 2] = GAP
    drives, responses = in_single_holds(drive, response, np.array([[2, 1, 3], [4, 1, 1]]))
    np.testing.assert_array_equal(drives[0], [0.1, 0.1, 0.2, 0.3, 0.3, 0.3])
    np.testing.assert_array_equal(drives[1], [0.5, 0.5, 0.5, 0.5, 0.6, GAP])
    np.testing.assert_array_equal(responses[0, 1, :, 0], [GAP, 3, 4, GAP, GAP, 5])
    reads = reads_of(responses)
    assert reads is not None
    np.testing.assert_array_equal(reads, [[1, 2, 5], [3, 4, -1]])
    np.testing.assert_array_equal(at_reads(drives, reads), drive)
    np.testing.assert_array_equal(at_reads(responses, reads), response)


def test_steps_of_one_hold_stay_as_they_are():
    drive, response = np.full((1, 3), 0.5), np.zeros((1, 2, 3, 1))
    response[:, :, 2] = GAP  # the end of a sequence is no gap
    same = in_single_holds(drive, response, np.ones((1, 3), dtype=np.int64))
    assert same[0] is drive
    assert same[1] is response
    assert reads_of(response) is None


def test_a_simulated_sequence_is_read_at_the_ends_of_its_holds():
    torch.manual_seed(0)
    model = TwinModel(2, 4, 8)
    sequence = FieldSequence(np.array([0.2, 0.9, 0.4]), "given", np.array([3, 1, 2]))
    got = played(model, sequence, 5, seed=1)
    whole = model.simulate(np.array([[0.2, 0.2, 0.2, 0.9, 0.4, 0.4]]), 5, seed=1)[0]
    np.testing.assert_array_equal(got, whole[:, [2, 3, 5]])


def batches(holds):
    made = relaxed(6, 12, 3, 5, seed=4)
    once = made["holds"] if holds else np.ones_like(made["holds"])
    drive, response = in_single_holds(made["drive"], made["response"], once)
    return Batch.of(drive, response, Scales.of(response), torch.device("cpu"))


def test_a_batch_gives_back_what_was_read():
    held, blind = batches(holds=True), batches(holds=False)
    assert held.reads is not None
    assert blind.reads is None
    torch.testing.assert_close(held.at_reads(held.real), blind.real)
    torch.testing.assert_close(held.known_at_reads, blind.known)
    index = torch.tensor([4, 1])
    part = held.select(index)
    torch.testing.assert_close(part.at_reads(part.real), blind.select(index).real)
    torch.testing.assert_close(part.at_reads(part.drive), blind.select(index).drive)


class Echo:
    """A twin whose channels are the step's drive, each sample a little beside it."""

    channels, deterministic = 2, False

    def sample(self, drive, generator):
        shift = torch.randn(drive.shape[1], generator=generator).mul(0.1)
        return torch.stack([drive + shift, drive - shift], dim=-1)


def test_the_score_of_windows_counts_steps_that_were_read():
    scores = [
        EnergyScore(widths=(1, 4), correlations=0.0).loss(
            Echo(), batch, torch.Generator().manual_seed(1)
        )
        for batch in (batches(holds=True), batches(holds=False))
    ]  # what the twin says depends on the drive alone, so holds change nothing
    torch.testing.assert_close(scores[0], scores[1])


@pytest.mark.parametrize("objective", ["energy", "innovations", "one-step", "mean"])
def test_every_objective_of_a_latent_twin_fits_held_steps(objective):
    made = relaxed(8, 10, 3, 4, seed=1)
    parts = in_single_holds(made["drive"], made["response"], made["holds"])
    settings = FitSettings(
        iterations=30, latent=2, hidden=8, objective=objective, deterministic=objective == "mean"
    )
    fit = Fit(parts, parts, settings)
    losses = [step.loss for step in fit.steps()]
    assert losses[-1] < losses[0] or fit.phase > 0
    assert np.isfinite(fit.best_validation)


def test_the_published_method_refuses_held_steps():
    made = relaxed(4, 10, 3, 4, seed=1)
    parts = in_single_holds(made["drive"], made["response"], made["holds"])
    with pytest.raises(InputError, match="steps of one length"):
        begin_fit(parts, parts, FitSettings(objective="published"))


@dataclass(frozen=True)
class Compared:
    """How a twin that knows the holds is compared with one that doesn't."""

    sequences: int
    steps: int
    iterations: int
    holds: int = 4
    repeats: int = 4


SMALL, FULL = Compared(48, 30, 500), Compared(120, 40, 2000, 6)


def scored(case, *, blind):
    """Scores on held-out irregular sequences, of a twin that knows the holds or takes one each."""
    parts = []
    for count, repeats, seed in (
        (case.sequences, case.repeats, 1), (12, case.repeats, 2), (24, 16, 3)
    ):  # fmt: skip
        made = relaxed(count, case.steps, case.holds, repeats, seed)
        holds = np.ones_like(made["holds"]) if blind else made["holds"]
        parts.append(in_single_holds(made["drive"], made["response"], holds))
    settings = FitSettings(iterations=case.iterations, latent=4, hidden=24)
    fit = Fit(parts[0], parts[1], settings)
    for _ in fit.steps():
        pass
    return score_model(fit.best_model(), *parts[2], seed=0)


def check(case, most_ratio):
    knowing, blind = (scored(case, blind=b).errors for b in (False, True))
    lines = [str(case)]
    for name in knowing:
        one, other = knowing[name], blind[name]
        lines.append(
            f"{name:18} {one['value']:.4f} ({one['ratio']:.2f} × its floor) with the holds, "
            f"{other['value']:.4f} ({other['ratio']:.2f} ×) blind to them"
        )
    print("\n" + "\n".join(lines))  # noqa: T201 - the figures
    for name in ("mean", "crps"):
        assert knowing[name]["floor"] == pytest.approx(blind[name]["floor"])
        assert knowing[name]["value"] < blind[name]["value"]
    assert knowing["mean"]["excess"] < 0.5 * blind["mean"]["excess"]
    assert knowing["crps"]["ratio"] < most_ratio < blind["crps"]["ratio"]


def test_a_twin_that_knows_the_holds_beats_one_that_is_blind_to_them():
    check(SMALL, 1.12)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_twin_of_irregular_holds_reaches_the_floor():
    check(FULL, 1.1)
