"""The innovations likelihood's kernel against the same filter in PyTorch, on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from test_latent_path_speed import fastest_s, one_core, told

from models.latent import TwinModel
from training import innovations as kernel
from training.likelihood import followed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["one_core"]  # for each test of this file, too
ASKED = 4.0  # times faster
STEPS, PATHS = 100, 48  # 24 sequences × 2 repeats, a batch of the demo


@pytest.mark.skipif(kernel.load()[0] is None, reason=kernel.load()[1])
def test_the_kernel_outruns_the_filter_in_pytorch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWINRIG_THREADS", "1")
    torch.manual_seed(0)
    model = TwinModel(channels=2, latent=16, hidden=64).double()
    drive = torch.rand(STEPS, PATHS).double()
    real = torch.randn(STEPS, PATHS, 2).double()
    known = torch.ones_like(drive)

    def call(way: Callable[..., torch.Tensor]) -> Callable[[], None]:
        return lambda: way(model, drive, real, known, model.white_covariance()).backward()

    ours, theirs = fastest_s(call(kernel.by_kernel)), fastest_s(call(followed), rounds=2)
    told(capsys, f"innovations: {1e3 * ours:.1f} ms, in PyTorch × {theirs / ours:.1f}")
    assert theirs / ours >= ASKED
