from __future__ import annotations

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.latent import TwinModel
from training.objectives import (
    LEAST_NOISE,
    EnergyScore,
    MeanSquares,
    Windows,
    correlation_error,
    energy_score,
    objective_named,
)
from training.windows import Batch, Scales


def everything(shape):
    return torch.ones(shape)


def test_the_energy_score_is_that_of_the_definition():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(8, 2, 4, 3, generator=rng, dtype=torch.double)
    y = torch.randn(8, 2, 5, 3, generator=rng, dtype=torch.double)
    got = energy_score(x, y, everything((8, 2, 5)), Windows(3, 1))
    scores = []
    for start in (1, 4):
        for s in range(2):
            a = [x[start : start + 3, s, i].ravel() for i in range(4)]
            b = [y[start : start + 3, s, i].ravel() for i in range(5)]
            cross = np.mean([float((p - q).norm()) for p in a for q in b])
            pairs = np.mean([float((a[i] - a[j]).norm()) for i in range(4) for j in range(i)])
            scores.append(cross - 0.5 * pairs)
    assert float(got) == pytest.approx(np.mean(scores), rel=1e-6)


def test_what_is_missing_counts_nowhere():
    rng = torch.Generator().manual_seed(1)
    x, y = (torch.randn(8, 3, 4, 2, generator=rng) for _ in range(2))
    known = everything((8, 3, 4))
    known[:, :, 3] = 0
    known[4:, 2] = 0
    y_broken = torch.where(known.bool().unsqueeze(-1), y, torch.tensor(1e6))
    got = energy_score(x, y_broken, known, Windows(4, 0))
    first = energy_score(x[:4], y[:4, :, :3], everything((4, 3, 3)), Windows(4, 0))
    second = energy_score(x[4:, :2], y[4:, :2, :3], everything((4, 2, 3)), Windows(4, 0))
    assert float(got) == pytest.approx((3 * float(first) + 2 * float(second)) / 5, rel=1e-5)


@pytest.mark.parametrize("wrong", ["biased", "narrow", "wide", "white"])
def test_the_true_process_scores_best(wrong):
    rng = torch.Generator().manual_seed(2)

    def process(keep=0.8, spread=1.0, bias=0.0):
        noise = torch.randn(64, 40, 8, 1, generator=rng)
        for t in range(1, 64):
            noise[t] = keep * noise[t - 1] + (1 - keep**2) ** 0.5 * noise[t]
        return bias + spread * noise

    known, real = everything((64, 40, 8)), process()
    twin = {
        "biased": process(bias=0.5),
        "narrow": process(spread=0.5),
        "wide": process(spread=1.6),
        "white": process(keep=0.0),
    }[wrong]
    windows = Windows(16, 0)
    assert energy_score(process(), real, known, windows) < energy_score(twin, real, known, windows)


@pytest.mark.parametrize(("scale", "sign"), [(1.6, 1), (0.6, -1)])
def test_with_evenness_what_is_wrong_in_quiet_windows_pulls_harder(scale, sign) -> None:
    """And in the right direction: its weights have no gradient of their own."""
    spread = torch.tensor([10.0, 1.0]).repeat_interleave(16)[None, :, None, None]
    noise, real = (
        spread * torch.randn(64, 32, 24, 1, generator=torch.Generator().manual_seed(seed))
        for seed in (3, 4)
    )
    pulls = []
    for evenness in (0.0, 1.0):
        scales = torch.tensor([scale, scale], requires_grad=True)  # of loud and of quiet sequences
        twin = noise * scales.repeat_interleave(16)[None, :, None, None]
        energy_score(twin, real, everything((64, 32, 24)), Windows(4, 0), evenness).backward()
        loud, quiet = (sign * scales.grad).tolist()
        assert loud > quiet > 0
        pulls.append(quiet / loud)
    assert pulls[0] == pytest.approx(0.1, rel=0.2)
    assert pulls[1] > 2 * pulls[0]


def test_with_evenness_what_lies_beyond_a_sequences_end_counts_nowhere() -> None:
    rng = torch.Generator().manual_seed(5)
    x, y = (torch.randn(16, 6, 12, 2, generator=rng) for _ in range(2))
    known = everything((16, 6, 12))
    known[8:, :3] = 0
    loud = x.clone()
    loud[8:, :3] *= 10
    one, other = (float(energy_score(e, y, known, Windows(4, 0), 1.0)) for e in (x, loud))
    assert one == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize(("bursts", "differs"), [(0.0, False), (3.0, True)])
def test_quiet_windows_count_more_where_noise_comes_in_bursts_only(bursts, differs) -> None:
    rng = np.random.default_rng(6)
    drive = rng.random((40, 32))
    loud = np.exp(bursts * rng.standard_normal(40))[:, None, None, None]
    response = drive[:, None, :, None] + 0.1 * loud * rng.standard_normal((40, 4, 32, 1))
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    model = TwinModel(1, 4, 8)
    scores = [EnergyScore(evenness=evenness) for evenness in (1.0, 0.0)]
    with torch.no_grad():
        even, plain = (
            float(one.loss(model, batch, torch.Generator().manual_seed(1))) for one in scores
        )
    assert (even != plain) == differs


def residuals(lasting, sequences=64, steps=16):
    """`(S, R, T, 1)` of one white noise and an offset of each repeat, variance 1."""
    rng = np.random.default_rng(7)
    offset = lasting**0.5 * rng.standard_normal((sequences, 4, 1, 1))
    return offset + (1 - lasting) ** 0.5 * rng.standard_normal((sequences, 4, steps, 1))


@pytest.mark.parametrize("wrong", ["offset", "narrow", "white"])
def test_the_true_process_scores_best_where_an_offset_lasts(wrong):
    e = torch.as_tensor(residuals(0.8, 1600)).permute(2, 0, 1, 3)
    real, true = e[:, :800], e[:, 800:]
    white = torch.randn(true.shape, generator=torch.Generator().manual_seed(0)).to(true)
    twin = {"offset": true + 0.5, "narrow": 0.6 * true, "white": white}[wrong]
    windows, known = Windows(16, 0, 0.8), everything(real.shape[:3])
    assert energy_score(true, real, known, windows) < energy_score(twin, real, known, windows)


def test_where_an_offset_lasts_what_changes_outweighs_it_in_the_score():
    e = torch.as_tensor(residuals(0.9, 400)).permute(2, 0, 1, 3)
    real, twin, known = e[:, :200], e[:, 200:], everything((16, 200, 4))
    signs = torch.where(torch.arange(16) % 2 == 0, 1.0, -1.0)[:, None, None, None]

    def ratio(lasting):
        plain, constant, changing = (
            float(energy_score(twin + off, real, known, Windows(16, 0, lasting)))
            for off in (torch.zeros(1), torch.full((1,), 0.5), 0.5 * signs)
        )
        return (constant - plain) / (changing - plain)

    assert ratio(0.9) < 0.2 < 0.5 < ratio(0.0)


class Off(TwinModel):
    """A twin whose response is `off` `(T, S, C)`."""

    off: torch.Tensor

    def decode(self, path, drive):
        return self.off + 0 * super().decode(path, drive)


def test_the_squares_are_generalised_least_squares_where_an_offset_lasts():
    lasting, steps = 0.8, 6
    batch = a_batch()
    drive, real, known = (e[:steps] for e in (batch.drive, batch.real, batch.known))
    known = known.clone()
    known[4:, 2] = 0
    batch = Batch(drive, real * known[..., None], known, batch.spread, lasting=lasting)
    model = Off(2, 3, 8, deterministic=True)
    model.off = torch.randn(steps, 5, 2, generator=torch.Generator().manual_seed(0))
    loss = float(MeanSquares().loss(model, batch, torch.Generator()).detach())
    total = 0.0
    for s, n in enumerate((6, 6, 4, 6, 6)):
        error = (model.off - batch.real.mean(dim=2))[:n, s].double().numpy()
        noise = lasting * np.ones((n, n)) + (1 - lasting) * np.eye(n)
        total += (1 - lasting) * np.sum(error * np.linalg.solve(noise, error))
    assert loss == pytest.approx(total / (28 * 2), rel=1e-4)


def a_batch():
    rng = np.random.default_rng(0)
    drive, response = rng.random((5, 20)), rng.standard_normal((5, 4, 20, 2))
    return Batch.of(drive, response, Scales.of(response), torch.device("cpu"))


def test_a_loss_has_a_gradient_for_every_weight():
    model = TwinModel(2, 3, 8)
    EnergyScore().loss(model, a_batch(), torch.Generator().manual_seed(0)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_sequences_shorter_than_a_window_are_scored_whole():
    rng = np.random.default_rng(0)
    drive, response = rng.random((5, 3)), rng.standard_normal((5, 4, 3, 2))
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    loss = EnergyScore().loss(TwinModel(2, 3, 8), batch, torch.Generator().manual_seed(0))
    assert torch.isfinite(loss)


def test_the_mean_objective_is_the_error_of_the_mean():
    model, batch = TwinModel(2, 3, 8, deterministic=True), a_batch()
    loss = MeanSquares().loss(model, batch, torch.Generator())
    expected = (model.sample(batch.drive) - batch.real.mean(dim=2)).square().mean()
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_the_metric_of_the_mean_is_that_of_the_noise():
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((400, 1, 20, 3))
    mixing = np.array([[1.0, 0.0, 0.0], [1.0, 0.1, 0.0], [0.0, 0.0, 0.5]])
    response = signal + rng.standard_normal((400, 4, 20, 3)) @ mixing.T
    batch = Batch.of(rng.random((400, 20)), response, Scales.of(response), torch.device("cpu"))
    metric = MeanSquares.of_noise(batch).metric
    scale = Scales.of(response).scale
    expected = np.linalg.inv(mixing @ mixing.T / np.outer(scale, scale) + LEAST_NOISE * np.eye(3))
    found, asked = metric / metric[2, 2], expected / expected[2, 2]
    np.testing.assert_allclose(found, asked, rtol=0.05, atol=0.05)
    mean = batch.real.mean(dim=2)
    assert float((mean @ metric * mean).sum(dim=2).mean()) == pytest.approx(3.0, rel=1e-4)


def test_without_repeats_the_mean_is_weighed_as_the_signal_is():
    rng = np.random.default_rng(0)
    drive, response = rng.random((5, 20)), rng.standard_normal((5, 1, 20, 2))
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    torch.testing.assert_close(MeanSquares.of_noise(batch).metric, torch.eye(2), rtol=1e-4, atol=0)


def test_few_repeats_tell_little_between_channels():
    rng = np.random.default_rng(0)
    drive, response = rng.random((2, 6)), rng.standard_normal((2, 2, 6, 40))
    batch = Batch.of(drive, response, Scales.of(response), torch.device("cpu"))
    most = torch.linalg.eigvalsh(MeanSquares.of_noise(batch).metric)
    assert most[-1] < 10 * most[0]  # of 12 degrees of freedom: 28 directions seem free of noise


def test_an_unknown_objective_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'energy'"):
        objective_named("enrgy")
    with pytest.raises(InputError, match="known: energy, crps, mean"):
        objective_named("wasserstein")


def test_the_correlation_error_sees_what_the_score_hardly_does():
    generator = torch.Generator().manual_seed(0)
    coloured = torch.randn(60, 40, 8, 2, generator=generator)
    for t in range(1, 60):
        coloured[t] = 0.9 * coloured[t - 1] + 0.19**0.5 * coloured[t]
    again = coloured[:, 20:], coloured[:, :20]
    white = torch.randn(60, 20, 8, 2, generator=generator)
    tied = again[0].clone()
    tied[..., 1] = tied[..., 0]
    known = torch.ones(60, 20, 8)
    same, other, across = (
        float(correlation_error(x, again[1], known)) for x in (again[0], white, tied)
    )
    assert other > same + 0.1
    assert across > same + 0.5
    gaps = known.clone()
    gaps[50:, :5] = 0
    gaps[:, 3, 4:] = 0  # a sequence of four repeats
    hidden = torch.where(gaps.bool().unsqueeze(-1), again[1], torch.full_like(again[1], 7.0))
    assert float(correlation_error(again[0], hidden, gaps)) == pytest.approx(same, abs=0.1)
