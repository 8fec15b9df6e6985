from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.published import STEP, PublishedModel
from models.published_form import PublishedForm
from models.sequence import DriveWindow, Reset
from models.simulated import module_of
from models.twin import Twin

torch.set_num_threads(1)
FORM = PublishedForm(2, (7, 5))


def model(channels=2, auxiliaries=3, form=FORM):
    torch.manual_seed(0)
    made = PublishedModel(channels, form, auxiliaries).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        made.start_spread.fill_(0.2)
        made.scale.fill_(2.0)
        made.offset.fill_(1.0)
    return made


def network(sequential, x):
    for layer in sequential:
        x = np.maximum(x, 0) if isinstance(layer, torch.nn.ReLU) else (
            layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()
        )  # fmt: skip
    return x


def by_hand(made, state, drive, noise):
    """One path by the equations, one stage after another, in NumPy: `(T, D)`."""
    c, observed = made.channels, made.observed
    theta = np.abs(made.rates.detach().numpy())
    weights = np.exp(made.coupling.detach().numpy())
    weights = made.auxiliaries * weights / weights.sum(axis=0)

    def terms(x, u):
        seen = np.concatenate([[2 * u - 1], x[:observed]])
        f = network(made.drift, seen)
        decay = -theta * x[observed:]
        f[:c] += decay @ weights
        g = network(made.diffusion, seen).reshape(-1, 2)
        return np.concatenate([f, decay]), g

    states, x = [], state.copy()
    for u, xi in zip(drive, noise, strict=True):
        kicks = xi.reshape(-1, 2)
        f1, g1 = terms(x, u)
        kick1 = np.concatenate([np.zeros(observed), (g1 * kicks).sum(axis=1)])
        f2, g2 = terms(x + STEP * f1 + math.sqrt(STEP) * kick1, u)
        kick2 = np.concatenate([np.zeros(observed), (g2 * kicks).sum(axis=1)])
        x = x + STEP * 0.5 * (f1 + f2) + math.sqrt(STEP) * 0.5 * (kick1 + kick2)
        states.append(x)
    return np.array(states)


def test_torchsde_takes_the_published_step_stage_by_stage():
    made = model()
    generator = torch.Generator().manual_seed(1)
    drive = torch.rand(6, 4, generator=generator, dtype=torch.double)
    noise = torch.randn(6, 4, 6, generator=generator, dtype=torch.double)
    state = torch.randn(4, 9, generator=generator, dtype=torch.double)
    got = made.path(state, drive, noise).detach().numpy()
    for b in range(4):
        expected = by_hand(made, state[b].numpy(), drive[:, b].numpy(), noise[:, b].numpy())
        np.testing.assert_allclose(got[:, b], expected[:, :6], rtol=1e-9, atol=1e-12)


def test_the_noise_free_path_is_that_of_no_increments():
    made = model()
    drive, state = torch.rand(5, 3, dtype=torch.double), torch.randn(3, 9, dtype=torch.double)
    still = torch.zeros(5, 3, 6, dtype=torch.double)
    np.testing.assert_allclose(
        made.path(state, drive, None).detach(), made.path(state, drive, still).detach(), rtol=1e-12
    )


def test_noise_reaches_the_observable_through_the_auxiliaries_only():
    made = model()
    with torch.no_grad():
        made.rates.zero_()  # an auxiliary that never decays pushes nothing
    drive, state = torch.rand(5, 3, dtype=torch.double), torch.randn(3, 9, dtype=torch.double)
    noise = torch.randn(5, 3, 6, dtype=torch.double)
    np.testing.assert_allclose(
        made.path(state, drive, noise).detach(), made.path(state, drive, None).detach(), rtol=1e-12
    )


def test_the_rates_begin_as_published():
    rates = PublishedModel(1, PublishedForm(0), 10).rates.detach().numpy()
    np.testing.assert_allclose(rates, 5 * 0.7 ** np.arange(10), rtol=1e-6)


def test_every_weight_has_a_gradient():
    made = model()
    made.sample(torch.rand(4, 8, dtype=torch.double)).square().sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def twin_of(made, **changes):
    values = {
        "weights": made.float().weights(),
        "channels": ("X", "Y"),
        "units": ("V", "V"),
        "latent": made.auxiliaries,
        "hidden": made.form.layers[0],
        "deterministic": False,
        "window": DriveWindow("step", 0.0, 1.0),
        "reset": Reset(1.0),
        "published": made.form,
    }
    return Twin(**{**values, **changes})


def test_a_twin_returns_from_json_and_simulates_as_the_module_does():
    made = model()
    twin = twin_of(made)
    again = Twin.from_json(twin.to_json(), twin.weights)
    assert again.published == FORM
    drive = np.array([[0.2, 0.8, np.nan], [0.1, 0.5, 0.9]])
    response = module_of(again).simulate(drive, 3, seed=4)
    assert response.shape == (2, 3, 3, 2)
    np.testing.assert_array_equal(response, made.simulate(drive, 3, seed=4))
    assert np.isnan(response[0, :, 2]).all()
    assert np.isfinite(response[1]).all()
    assert response.std(axis=1)[1].min() > 0
    assert not np.array_equal(response, made.simulate(drive, 3, seed=5), equal_nan=True)


def test_a_latent_twins_file_says_nothing_of_a_model(latent_twin):
    assert "model" not in latent_twin.to_json()
    assert latent_twin.published is None


def test_weights_that_do_not_fit_the_form_are_named():
    made = model()
    weights = made.float().weights()
    del weights["rates"]
    weights["drift.0.weight"] = weights["drift.0.weight"][:, 1:]
    with pytest.raises(InputError) as caught:
        twin_of(made, weights=weights)
    assert "'rates' is missing" in str(caught.value)
    assert "'drift.0.weight' has shape (7, 6), expected (7, 7)" in str(caught.value)
    with pytest.raises(InputError, match="beside layers"):
        twin_of(made, hidden=9)
    with pytest.raises(InputError, match="has no noise"):
        twin_of(made, latent=0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "latent"}, "model.name"),
        ({"delays": -1}, "model.delays"),
        ({"layers": [7, 0]}, "layer 2 has no unit"),
        ({"layers": []}, "no hidden layer"),
        ({"layers": [5, 7]}, "beside layers"),
        ({"depth": 3}, "no known key"),
    ],
)
def test_a_forged_form_is_refused(change, words):
    twin = twin_of(model())
    body = twin.to_json()
    body["model"] = {**body["model"], **change}
    with pytest.raises(InputError, match=words):
        Twin.from_json(body, twin.weights)


@pytest.fixture
def latent_twin():
    from models.latent import TwinModel

    made = TwinModel(channels=2, latent=3, hidden=4)
    return twin_of(model(), weights=made.weights(), latent=3, hidden=4, published=None)
