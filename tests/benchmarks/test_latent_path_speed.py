"""Forward and backward of the twin's path against torchsde (Euler, `f_and_g` shared), same run.

Seconds of CPU time are printed, ratios asserted: a busy machine does not move them much.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import torch

from models import kernel
from models.latent import TwinModel
from models.standard_sde import standard_path

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 50


def fastest_s(work: Callable[[], None], rounds: int = 3) -> float:
    work()
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


@pytest.mark.parametrize(("batch", "at_least"), [(32, 8.0), (256, 2.0)])
def test_the_kernel_outruns_torchsde(
    batch: int, at_least: float, capsys: pytest.CaptureFixture[str]
) -> None:
    if kernel.load()[0] is None:
        pytest.skip(kernel.describe())
    torch.set_num_threads(1)
    model = TwinModel(channels=2)
    start = torch.zeros(batch, model.latent)
    noise = torch.randn(STEPS, batch, model.latent)
    drive = torch.rand(STEPS, batch, requires_grad=True)
    fast = fastest_s(lambda: model.path(start, drive, noise).square().mean().backward())
    slow = fastest_s(
        lambda: standard_path(model, start, drive, noise).square().mean().backward(), rounds=2
    )
    with capsys.disabled():
        print(  # noqa: T201 - a benchmark reports its seconds
            f"\nlatent path, batch {batch} × {STEPS} steps: {fast * 1e3:.1f} ms, "
            f"torchsde {slow * 1e3:.1f} ms, {slow / fast:.1f} times faster"
        )
    assert slow / fast >= at_least
