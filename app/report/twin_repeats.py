"""The report's figures of a twin: repeats of unseen sequences beside its samples of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.report import figures
from app.telling_channel import telling_channel
from models.channel_words import MANY, unit_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.report.page import Page
    from app.report.twin import Unseen
    from models.twin import Twin

SHOWN_SEQUENCES = 4
SHOWN_SAMPLES = 200


def add_repeats(page: Page, name: str, twin: Twin, unseen: Unseen) -> None:
    """Add the figures: of a spectrum maps of all channels, then repeats of one channel."""
    from models.simulated import module_of, played

    recording, model = unseen.recording, module_of(twin)
    families = [recording.families[s] for s in unseen.sequences]
    traces, maps, many = [], [], len(recording.channels) > MANY
    told = telling_channel(recording.measured()[np.ix_(unseen.sequences, unseen.repeats)])
    for s in (unseen.sequences[place] for place in by_family(families)):
        steps = int(recording.lengths[s])
        drive = recording.drive[s, :steps]
        kept = [r for r in unseen.repeats if recording.complete[s, r]]
        real = recording.response[s, kept, :steps]
        samples = played(model, recording.sequences()[s], SHOWN_SAMPLES, seed=s)
        title = f"sequence {s + 1}, {recording.families[s]}"
        traces.append((title, drive, real[..., told], samples[..., told]))
        if many:
            maps.append((title, real.mean(axis=0), samples.mean(axis=0)))
    if many:
        figure = figures.maps_figure(maps, unit_of_all(recording.units))
        words = "Means of all channels under the same field, which the fit has not seen."
        page.figure(f"maps-{name}", figure, words)
    figure = figures.repeats_figure(
        traces, recording.channel_words[told], recording.window.field_T, recording.units[told]
    )
    words = "Unseen repeats of the device, and the twin's samples under the same field."
    page.figure(f"repeats-{name}", figure, words)


def by_family(families: Sequence[str]) -> list[int]:
    """Up to four sequences, as many families as there are."""
    first = [families.index(family) for family in dict.fromkeys(families)]
    others = [s for s in range(len(families)) if s not in first]
    return sorted((first + others)[:SHOWN_SEQUENCES])
