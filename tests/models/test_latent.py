"""The fast path is the equation: against autograd, against torchsde, against finite differences."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from models import compiled, kernel
from models.errors import InputError
from models.latent import TwinModel
from models.latent_path import KernelPath, LatentPath
from models.sequence import DriveWindow, Reset
from models.standard_sde import standard_path
from models.twin import Twin, weight_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def forget() -> None:
    """What is loaded is looked for again."""
    kernel._loaded.cache_clear()
    compiled.library.cache_clear()


@pytest.fixture(params=["kernel", "torch"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both ways to run the path; where no compiler is, the kernel's cases are skipped."""
    if request.param == "torch":
        monkeypatch.setenv("TWINRIG_KERNEL", "torch")
    forget()
    if request.param == "kernel" and kernel.load()[0] is None:
        pytest.skip(kernel.describe())
    yield request.param
    forget()


@pytest.fixture
def model(path: str) -> TwinModel:
    torch.manual_seed(3)
    return TwinModel(channels=2, latent=4, hidden=16)


def plain_path(
    model: TwinModel, start: torch.Tensor, drive: torch.Tensor, noise: torch.Tensor
) -> torch.Tensor:
    x, states = start, []
    for u, xi in zip(drive, noise, strict=True):
        drift, spread = model.drift_diffusion(x, u)
        x = x + drift + spread * xi
        states.append(x)
    return torch.stack(states)


def test_the_fast_path_agrees_with_torchsde_on_the_same_increments(model: TwinModel) -> None:
    start, drive, noise = torch.randn(5, 4), torch.rand(12, 5), torch.randn(12, 5, 4)
    with torch.no_grad():
        fast = model.path(start, drive, noise)
        reference = standard_path(model, start, drive, noise)
    torch.testing.assert_close(fast, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [5, 16, 37])
def test_the_gradients_written_by_hand_are_those_of_autograd(
    model: TwinModel, path: str, batch: int
) -> None:
    torch.manual_seed(batch)
    dtype = torch.float32 if path == "kernel" else torch.double
    model = model.to(dtype)
    start = torch.randn(batch, 4, dtype=dtype, requires_grad=True)
    drive = torch.rand(12, batch, dtype=dtype, requires_grad=True)
    noise = torch.randn(12, batch, 4, dtype=dtype)
    weight = torch.randn(12, batch, 4, dtype=dtype)
    gradients = []
    for run in (model.path, lambda *a: plain_path(model, *a)):
        model.zero_grad()
        start.grad = drive.grad = None
        (run(start, drive, noise) * weight).sum().backward()
        assert start.grad is not None
        assert drive.grad is not None
        named = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        gradients.append({"start": start.grad, "drive": drive.grad, **named})
    assert gradients[0].keys() == gradients[1].keys()
    tolerance = {"rtol": 1e-3, "atol": 1e-4} if path == "kernel" else {"rtol": 1e-7, "atol": 1e-9}
    for name, value in gradients[0].items():
        torch.testing.assert_close(
            value, gradients[1][name], msg=lambda m, n=name: f"{n}: {m}", **tolerance
        )


@pytest.mark.parametrize("latent", [17, 32])
def test_a_kernel_with_room_for_many_states_is_the_pytorch_path(latent: int) -> None:
    torch.manual_seed(latent)
    if kernel.load(latent)[0] is None:
        pytest.skip(kernel.describe())
    model = TwinModel(channels=2, latent=latent, hidden=40)
    start, noise = torch.randn(37, latent), torch.randn(12, 37, latent)
    weights = (model.state_in, model.drive_in, model.hidden_bias, model.out, model.out_bias)
    found = []
    for path in (KernelPath, LatentPath):
        drive = torch.rand(12, 37, generator=torch.Generator().manual_seed(1)).requires_grad_()
        states = path.apply(start, drive, noise, *weights)
        gradients = torch.autograd.grad(states.square().sum(), [drive, *weights])
        found.append([states.detach(), *gradients])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert not kernel.suits(torch.zeros(1, 1, 33), 64)


@pytest.mark.skipif(sys.platform == "win32", reason="a compiler that is a shell script")
def test_a_compiler_whose_words_are_in_another_encoding_ends_no_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiler = tmp_path / "cc"
    compiler.write_bytes(b"#!/bin/sh\nprintf 'cc \\201\\377 9'\ntest $# -eq 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(compiled, "compilers", lambda: [(str(compiler),)])
    forget()
    built, reason = kernel.load()
    forget()
    assert built is None
    assert "the C kernel could not be built" in reason


@pytest.mark.skipif(sys.platform == "win32", reason="compilers that are shell scripts")
@pytest.mark.parametrize("system", ["has none", "has one that is broken"])
def test_pips_compiler_is_taken_where_the_system_has_none_that_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str
) -> None:
    own = next((found for found in map(shutil.which, compiled.COMPILERS) if found), None)
    if own is None:
        pytest.skip("pip's compiler is stood in for by one of the system")
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no tools are installed >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    package = tmp_path / "packages" / "ziglang"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import os, sys\n"
        'assert sys.argv[1] == "cc"\n'
        'if "-o" in sys.argv:\n'
        '    assert os.environ["ZIG_GLOBAL_CACHE_DIR"] in sys.argv[sys.argv.index("-o") + 1]\n'
        f"os.execv({own!r}, [{own!r}, *sys.argv[2:]])\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled, "COMPILERS", () if system == "has none" else (str(broken),))
    forget()
    built, words = kernel.load()
    forget()
    assert built is not None, words
    assert words.endswith("of ziglang)")
    assert [file.suffix for file in (tmp_path / "cache" / "twinrig").iterdir()] == [".so"]


def test_without_any_compiler_it_says_where_one_is_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "COMPILERS", ())
    monkeypatch.setattr(compiled.importlib.util, "find_spec", lambda _: None)
    forget()
    built, reason = kernel.load()
    forget()
    assert built is None
    assert reason == "PyTorch (no C compiler found; `pip install ziglang` is one)"


def test_windows_is_compiled_for_by_pips_compiler_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """GCC crashes there with vectors on its stack."""
    monkeypatch.setattr(compiled.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(compiled.shutil, "which", lambda name: f"/usr/bin/{name}")
    pips = (sys.executable, "-P", "-m", "ziglang", "cc")
    assert compiled.compilers() == [*((f"/usr/bin/{name}",) for name in compiled.COMPILERS), pips]
    monkeypatch.setattr(compiled.sys, "platform", "win32")
    assert compiled.compilers() == [pips]


def test_a_kernel_that_another_process_has_built_and_loaded_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Windows replaces nothing that is loaded: the second of two fits ran by PyTorch."""
    if kernel.load()[0] is None:
        pytest.skip(kernel.describe())
    monkeypatch.setattr(compiled.platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))

    def sooner(built: Path, target: Path) -> None:
        target.write_bytes(built.read_bytes())
        raise PermissionError("it is in use")

    monkeypatch.setattr(compiled.os, "replace", sooner)
    forget()
    built, reason = kernel.load()
    forget()
    assert built is not None, reason


@pytest.mark.parametrize("where", ["drive", "noise", "start", "state_in", "out"])
def test_what_is_not_a_number_stays_so_in_the_kernel_as_in_pytorch(where: str) -> None:
    """Its exponential's bounds took NaN for one of them, and answers were finite."""
    torch.manual_seed(0)
    model = TwinModel(1, 4, 16)
    given = {"start": torch.zeros(3, 4), "drive": torch.zeros(5, 3), "noise": torch.randn(5, 3, 4)}
    with torch.no_grad():
        (given.get(where) if where in given else getattr(model, where)).flatten()[5] = torch.nan
    weights = (model.state_in, model.drive_in, model.hidden_bias, model.out, model.out_bias)
    both = [path.apply(*given.values(), *weights).isnan() for path in (KernelPath, LatentPath)]
    assert both[1].any()
    assert torch.equal(*both)


def test_the_kernel_skips_the_weights_gradient_where_nobody_asks(model: TwinModel) -> None:
    drive = torch.rand(12, 5, requires_grad=True)
    model.requires_grad_(False)
    model.path(torch.zeros(5, 4), drive, torch.randn(12, 5, 4)).sum().backward()
    assert drive.grad is not None
    assert float(drive.grad.abs().sum()) > 0
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("sizes", [(1, 16, 64), (2, 5, 11), (8, 32, 106, 13)])
def test_a_deterministic_twin_answers_every_repeat_alike(path: str, sizes: tuple[int, ...]) -> None:
    """Side by side they differed by rounding with some sizes: noise, where there is none."""
    torch.manual_seed(0)
    model = TwinModel(*sizes[:3], True, *sizes[3:])
    for steps in (5, 56):
        response = model.simulate(np.random.default_rng(0).random((3, steps)), repeats=200, seed=1)
        assert response.shape == (3, 200, steps, sizes[0])
        assert np.ptp(response, axis=1).max() == 0


def test_one_seed_gives_one_simulation_and_missing_steps_stay_missing(model: TwinModel) -> None:
    drive = np.random.default_rng(0).random((2, 30))
    drive[1, 20:] = np.nan
    first, again = (model.simulate(drive, 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.isnan(first[1, :, 20:]).all()
    assert np.isfinite(first[1, :, :20]).all()
    assert not np.array_equal(first[0], model.simulate(drive, 3, seed=6)[0])


def test_a_twin_returns_from_json_and_names_every_wrong_weight(model: TwinModel) -> None:
    twin = Twin(
        model.weights(),
        ("X", "Y"),
        ("V", "V"),
        4,
        16,
        False,
        DriveWindow("amplitude", 0.0022, 0.0034),
        Reset(0.004),
    )
    again = Twin.from_json(twin.to_json(), twin.weights)
    assert again.to_json() == twin.to_json()
    drive = np.random.default_rng(0).random((1, 10))
    np.testing.assert_array_equal(
        TwinModel.from_twin(again).simulate(drive, 2), model.simulate(drive, 2)
    )
    broken = {
        **twin.weights,
        "decoder": np.zeros((1, 1), np.float32),
        "extra": np.zeros(1, np.float32),
    }
    with pytest.raises(InputError, match=r"(?s)decoder.*extra"):
        Twin.from_json(twin.to_json(), broken)


def test_a_head_sees_the_drive_and_is_kept_with_the_twin():
    torch.manual_seed(0)
    model = TwinModel(3, 4, 16, head=8)
    states, drive = torch.randn(5, 2, 4), torch.rand(5, 2)
    inner = states @ model.head_state.t() + (2 * drive - 1)[..., None] * model.head_drive
    linear = states @ model.decoder.t() + model.decoder_bias
    expected = linear + torch.nn.functional.silu(inner + model.head_bias) @ model.head_out.t()
    assert torch.allclose(model.decode(states, drive), expected)
    assert not torch.allclose(model.decode(states, drive), model.decode(states, 1 - drive))
    weights = {name: w.shape for name, w in model.weights().items()}
    assert weights == weight_shapes(4, 16, 3, 8)


def slow_model() -> TwinModel:
    """Two of four states are random effects of a repeat, with offsets and gains of two channels."""
    torch.manual_seed(4)
    model = TwinModel(channels=2, latent=4, hidden=16, slow=2, noise_rank=1)
    with torch.no_grad():
        for weight in (model.gain, model.white_factor, model.decoder[:, 2:], model.state_in[:, 2:]):
            weight.normal_(0, 0.3)
    return model


def test_slow_states_add_an_offset_and_scale_the_rest() -> None:
    model, drive = slow_model(), torch.rand(5, 3)
    states = torch.randn(5, 3, 4)
    fast = states[..., :2] @ model.decoder[:, :2].t() + model.decoder_bias
    slow = states[..., 2:]
    expected = fast * (1 + slow @ model.gain.t()) + slow @ model.decoder[:, 2:].t()
    torch.testing.assert_close(model.decode(states, drive), expected)


def test_slow_states_walk_alike_by_torchsde_and_in_a_simulation(path: str) -> None:
    model, drive = slow_model(), np.random.default_rng(0).random((2, 12))
    generator = torch.Generator().manual_seed(7)
    columns = torch.as_tensor(np.repeat(drive, 3, axis=0).T.astype(np.float32))
    with torch.no_grad():
        start, noise = model.initial(6, generator), model.draw(12, 6, generator)
        reference = standard_path(model, start, columns, noise)
        torch.testing.assert_close(
            model.path(start, columns, noise), reference, atol=1e-5, rtol=1e-4
        )
        expected = model.decode(reference, columns) + model.white((12, 6), generator)
    simulated = model.simulate(drive, 3, seed=7)
    np.testing.assert_allclose(
        simulated, expected.numpy().reshape(12, 2, 3, 2).transpose(1, 2, 0, 3), atol=1e-4
    )


def test_a_twin_keeps_its_random_effects_and_one_of_before_has_none(path: str) -> None:
    model, common = slow_model(), (("X", "Y"), ("V", "V"), 4, 16, False)
    window, reset = DriveWindow("amplitude", 0.0022, 0.0034), Reset(0.004)
    twin = Twin(model.weights(), *common, window, reset, slow=2, noise_rank=1)
    again = Twin.from_json(twin.to_json(), twin.weights)
    assert (again.slow, again.noise_rank) == (2, 1)
    assert again.to_json() == twin.to_json()
    drive = np.random.default_rng(0).random((1, 10))
    np.testing.assert_array_equal(
        TwinModel.from_twin(again).simulate(drive, 2), model.simulate(drive, 2)
    )
    old = TwinModel(channels=2, latent=4, hidden=16)
    before = Twin(old.weights(), *common, window, reset).to_json()
    assert not {"slow", "noise_rank"} & set(before)
    known = Twin.from_json(before, old.weights())
    assert (known.slow, known.noise_rank) == (0, None)
    with pytest.raises(InputError, match="'gain' is missing"):
        Twin.from_json({**before, "slow": 2}, old.weights())
    with pytest.raises(InputError, match=r"(?s)slow = 4 is not below.*noise_rank = 2 is not below"):
        Twin.from_json({**before, "slow": 4, "noise_rank": 2}, old.weights())
