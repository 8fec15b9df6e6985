"""Products and solutions of small matrices on one thread.

NumPy's BLAS takes every core even for a 100 × 100 system and waits for all of them: measured 140 ms
instead of 1 ms where other programs use the cores. Operations set torch to one thread, so torch
computes what is not tiny.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

TINY = 100_000  # multiplications; BLAS uses one thread up to there by itself

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Product of `(m, k)` and `(k, n)` or `(k,)`; the tiny is NumPy's, which starts sooner."""
    if a.size * b.shape[-1] < TINY:
        return np.asarray(a @ b)
    return np.asarray((_tensor(a) @ _tensor(b)).numpy())


def solution(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """x of `matrix` `(n, n)` x = `right` `(n,)` or `(n, m)`, in the shape of `right`.

    Raises
    ------
    numpy.linalg.LinAlgError
        A singular matrix.
    """
    try:
        return np.asarray(torch.linalg.solve(_tensor(matrix), _tensor(right)).numpy())
    except RuntimeError as error:
        raise np.linalg.LinAlgError(str(error)) from error


def spectral_radius(matrix: FloatArray) -> float:
    """Largest absolute eigenvalue of a matrix `(n, n)`, which need not be symmetric."""
    return float(torch.linalg.eigvals(_tensor(matrix)).abs().max())


def _tensor(array: FloatArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))
