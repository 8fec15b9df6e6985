"""What every lock-in has behind its mixer: poles in a row, a reference phase, a reading's noise."""

from __future__ import annotations

import math

MOST_POLES = 4  # 24 dB an octave


class LockInFilter:
    """X and Y through up to four equal poles, each 6 dB an octave; all keep running."""

    def __init__(self) -> None:
        self._stages = [(0.0, 0.0)] * MOST_POLES
        self._noise = (0.0, 0.0)

    def take(
        self, signal: tuple[float, float], share: float, poles: int, noise: tuple[float, float]
    ) -> None:
        """Let the first poles see a signal, `share` of the way each; then the reading's noise."""
        stage = signal
        for pole in range(poles):
            (x, y), (u, v) = self._stages[pole], stage
            stage = self._stages[pole] = (x + share * (u - x), y + share * (v - y))
        self._noise = noise

    def reading(self, poles: int) -> tuple[float, float]:
        """X and Y behind so many poles, with the noise of the last reading."""
        x, y = self._stages[poles - 1]
        return x + self._noise[0], y + self._noise[1]

    def turn(self, degrees: float) -> None:
        """Turn what the poles hold, with the reference phase."""
        self._stages = [turned(stage, degrees) for stage in self._stages]
        self._noise = turned(self._noise, degrees)


def turned(pair: tuple[float, float], degrees: float) -> tuple[float, float]:
    """A pair (X, Y) as seen with the reference phase advanced by so many degrees."""
    if degrees == 0.0:
        return pair
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * pair[0] + sine * pair[1], cosine * pair[1] - sine * pair[0]
