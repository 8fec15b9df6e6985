"""The grammar of `twinrig import --map`: which array is what, and the order of its axes.

Entries are separated by blanks (or given as several arguments):

    response=repeat,channel,step          the array `response`, its axes in order
    response:repeat,channel,step          the same
    response=spectra:repeat,channel,step  the array `spectra` is the response
    spectra=repeat,channel,step           the same: `spectra` is no other word of the map
    response=X+Y:repeat,step              both arrays, as channels (`app.importing.join`)
    axes=repeat,channel,step              the response's axes, given apart
    drive=u:sequence,step                 the drive; of each repeat, too (`drive=none`: unknown)
    holds=dwell:sequence,step             how long each step was held, in any unit (of one axis:
                                          step; of three: sequence,repeat,step); hold=0.05: the
                                          time that all are multiples of, else the shortest
    field=0,1                             drive 0 and drive 1 in the drive's own numbers
    field=22,34,Oe   field=auto,mT        … with its unit; `auto`: its smallest and largest
    encoding=rotation   reset=40          how a step became field; the reset, in the same unit
    units=V   units=V,deg                 one for all channels, or one each
    channels=X,Y                          names; otherwise c0, c1, …
    family=steps                          the drive family, one for all sequences or one each
    only=repeat:0-15   only=channel:0,3   this part of an axis only, counted from 0
    cut=shortest                          cut each sequence to its shortest repeat
    order=falling                         of files or groups that are steps, told by their drive
    overload=10                           repeats that reach ±10 anywhere are left out
    exported                              alone: what `twinrig export` wrote, taken as it was

Axes are sequence, repeat, step, channel; or run in place of sequence and repeat: of runs in any
order those of one drive (drive=u:run,step) are repeats of one sequence. Raw waveforms have a
further axis `sample` (within a step), or `time` in place of step (steps and samples run on):

    samples=50   skip=300                 samples a step; samples before the first step
    features=1f,2f                        what of them becomes channels: 1f… (in phase and
                                          quadrature), mean, rms, std, min, max; samples: each
                                          sample itself, c0.0, c0.1, …
    rate=3200   band=40,200               filter them before, in Hz (zero phase, fifth order)

A table with one row a step names its columns instead:

    response=X+Y drive=H holds=dwell sequence=pattern repeat=trial step=n
    response=X+Y drive=H run=run step=n   of runs in any order those of one drive are repeats

A drive that names of files or groups, or their attributes, tell is an array like others, with the
axes of those: of steps, or of runs of one drive each, without `step`:

    repN/B_NmT/S21=repeat,step,channel   drive=repN/B_NmT/B_mT:repeat,step
    H_NOe_repN/V=sequence,repeat,step    drive=H_NOe_repN/H_Oe:sequence,repeat
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.importing.features import channel_faults
from app.importing.join import join_shapes, longer, sizes
from app.importing.runs import RUN, run_faults, table_run_faults
from app.importing.words import VALUE_WORDS, Words, read_value
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Shapes = dict[str, tuple[int, ...]]

AXES = ("sequence", "repeat", "step", "channel")
RAW_AXES = (*AXES, RUN, "sample", "time")
DRIVE_AXES = ("sequence", "step")
BY_REPEAT = ("sequence", "repeat", "step")  # of drives and hold times
INDEX_WORDS = ("sequence", "repeat", RUN, "step")
WORDS = ("response", "drive", "holds", "axes", *INDEX_WORDS, *VALUE_WORDS)
USUAL_AXES = {1: ("step",), 2: DRIVE_AXES, 3: BY_REPEAT}


@dataclass(frozen=True)
class Mapping:
    """A map that fits its file: arrays by name with their axes, and the words' values.

    Attributes
    ----------
    response, response_axes
        Array (or several, or columns of a table, joined by `+`) and its axes, one for each axis
        longer than 1.
    joined
        The axis along which several arrays are put together; empty: one array, or a table.
    drive, drive_axes
        None where the drive is unknown.
    holds, holds_axes
        None where every step was held alike.
    index
        Of a table: `sequence`, `repeat`, `step` → column.
    words
        What the other words of the map say.
    text
        The map as given.
    """

    response: str = ""
    response_axes: tuple[str, ...] = ()
    joined: str = ""
    drive: str | None = None
    drive_axes: tuple[str, ...] = ()
    holds: str | None = None
    holds_axes: tuple[str, ...] = ()
    index: tuple[tuple[str, str], ...] = ()
    words: Words = Words()  # noqa: RUF009  frozen
    text: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The response's columns of a table, or the arrays that make it."""
        return tuple(self.response.split("+"))

    @property
    def is_raw(self) -> bool:
        """Whether the response holds waveforms."""
        return "sample" in self.response_axes or "time" in self.response_axes


def parse_map(
    mapping: str | Sequence[str],
    shapes: Shapes,
    file: Path,
    left_out: dict[str, str] | None = None,
) -> Mapping:
    """Read a map for a file whose arrays have these shapes; `left_out`: what else it has, and why.

    Raises
    ------
    InputError
        Every fault of the map at once, with what the file holds.
    """
    text = mapping if isinstance(mapping, str) else " ".join(mapping)
    problems: list[str] = []
    made = Mapping(text=text)
    for entry in text.split():
        made = _entry(made, entry, shapes, problems)
    made = _with_only_array(made, shapes)
    held = ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
    if left_out:
        held += "; left out: " + ", ".join(f"{name} ({why})" for name, why in left_out.items())
    if not problems:
        made, shapes, problems = join_shapes(made, shapes)
    if not problems:
        problems = _faults(made, shapes)
    if problems:
        problems[-1] += f" (the file holds: {held})"
    raise_problems(InputError, f"{file}, --map {text!r}", problems)
    return made


def _entry(made: Mapping, entry: str, shapes: Shapes, problems: list[str]) -> Mapping:
    word, equals, value = entry.partition("=")
    if not equals:
        word, _, value = entry.partition(":")
    if word in VALUE_WORDS:
        return replace(made, words=read_value(made.words, word, value, problems))
    if word == "axes":
        return replace(made, response_axes=tuple(value.split(",")))
    if word in ("drive", "holds"):
        return _by_step_entry(made, word, value, shapes)
    if word in INDEX_WORDS and value in shapes:
        return replace(made, index=(*made.index, (word, value)))
    if word in INDEX_WORDS and equals and word not in shapes:
        problems.append(f"{entry!r}: there is no column {value!r}{_near(value, tuple(shapes))}")
        return made
    return _response_entry(made, entry, (word, value), shapes, problems)


def _response_entry(
    made: Mapping, entry: str, parts: tuple[str, str], shapes: Shapes, problems: list[str]
) -> Mapping:
    word, value = parts
    array, colon, axes = value.rpartition(":")
    if not colon and (_is_array(value, shapes) or not _looks_like_axes(value)):
        array, axes = value, ""
    if word == "response":
        array = array or ("response" if "response" in shapes or len(shapes) > 1 else "")
    elif word in shapes and not array:
        array = word
    elif not value and _looks_like_axes(word):
        array, axes = "", word
    else:
        near = _near(word, (*WORDS, *shapes))
        problems.append(f"{entry!r}: {word!r} is no word of the map and no array{near}")
        return made
    return replace(
        made,
        response=array or made.response,
        response_axes=tuple(axes.split(",")) if axes else made.response_axes,
    )


def _is_array(value: str, shapes: Shapes) -> bool:
    return value in shapes or ("+" in value and all(part in shapes for part in value.split("+")))


def _by_step_entry(made: Mapping, word: str, value: str, shapes: Shapes) -> Mapping:
    """What the words `drive` and `holds` say: an array with an entry for each step, or none."""
    if value in ("", "none") or (word, value) == ("drive", "step"):
        return _by_step(made, word, None, ())
    array, colon, axes = value.rpartition(":")
    if not colon:
        is_axes = value not in shapes and _looks_like_axes(value)
        array, axes = (word, value) if is_axes else (value, "")
    usual = USUAL_AXES.get(len(longer(shapes.get(array, ()))), ())
    given = tuple(axes.split(",")) if axes else usual
    return _by_step(made, word, array, given)


def _by_step(made: Mapping, word: str, array: str | None, axes: tuple[str, ...]) -> Mapping:
    if word == "holds":
        return replace(made, holds=array, holds_axes=axes)
    return replace(made, drive=array, drive_axes=axes)


def _with_only_array(made: Mapping, shapes: Shapes) -> Mapping:
    """A file of one array needs no name for it, nor does one that is called `response`."""
    only = next(iter(shapes)) if len(shapes) == 1 else "response"
    return made if made.response or only not in shapes else replace(made, response=only)


def _faults(made: Mapping, shapes: Shapes) -> list[str]:
    if not made.response:
        return ["says nothing of the response; say e.g. response=NAME:repeat,channel,step"]
    if made.index:
        return _table_faults(made, shapes)
    problems = _axis_faults("response", made.response, made.response_axes, RAW_AXES, shapes)
    if made.drive is not None:
        problems += _axis_faults("drive", made.drive, made.drive_axes, (*BY_REPEAT, RUN), shapes)
    if made.holds is not None:
        problems += _axis_faults("holds", made.holds, made.holds_axes, (*BY_REPEAT, RUN), shapes)
        if "time" in made.response_axes:
            problems.append("holds= has no place where samples run on (`time`): steps are alike")
    problems += run_faults(made)
    if {"step", "time"} <= set(made.response_axes):
        problems.append("response: `time` stands for steps and their samples: leave `step` out")
    if "time" in made.response_axes and not made.words.samples:
        problems.append("response: `time` needs samples=N, the samples of a step")
    if problems:
        return problems
    shape = sizes(shapes[made.response], made.response_axes)
    count = shape.get("channel", 1)
    for axis, chosen in made.words.only:
        if axis in shape and max(chosen) >= shape[axis]:
            problems.append(f"only={axis}:{max(chosen)}: there are {shape[axis]}, counted from 0")
        count = len(chosen) if axis == "channel" else count
    return problems + channel_faults(made, count)


def _table_faults(made: Mapping, shapes: Shapes) -> list[str]:
    wanted = [("response", c) for c in made.columns] + list(made.index)
    wanted += [(role, n) for role, n in (("drive", made.drive), ("holds", made.holds)) if n]
    problems = [
        f"{role}: there is no column {name!r}{_near(name, shapes)}"
        for role, name in wanted if name not in shapes
    ]  # fmt: skip
    if problems:
        return problems
    lengths = {name: longer(shapes[name]) or (1,) for _, name in wanted}
    if any(len(shape) != 1 for shape in lengths.values()) or len(set(lengths.values())) != 1:
        held = ", ".join(f"{name} {shape}" for name, shape in lengths.items())
        problems.append(f"columns of a table must be equally long: {held}")
    if made.response_axes:
        problems.append("a table's response has no axes: its columns sequence=, repeat=, step= do")
    problems += table_run_faults(made)
    return problems + channel_faults(made, len(made.columns))


def _axis_faults(
    role: str, array: str, axes: tuple[str, ...], known: tuple[str, ...], shapes: Shapes
) -> list[str]:
    if array not in shapes:
        return [f"{role}: there is no array {array!r}{_near(array, shapes)}"]
    problems = [
        f"{role}: {axis!r} is none of the axes {', '.join(known)}{_near(axis, known)}"
        for axis in axes
        if axis not in known
    ]
    if len(set(axes)) != len(axes):
        problems.append(f"{role}: an axis stands twice in {','.join(axes)}")
    if len(axes) not in (len(shapes[array]), len(longer(shapes[array]))):
        given = ",".join(axes) or "none"
        problems.append(
            f"{role}: {array!r} has shape {shapes[array]}, the map gives it the axes {given}"
        )
    return problems


def _looks_like_axes(text: str) -> bool:
    """Whether at least one word of a list is an axis: then the others are misspelt ones."""
    return any(part in RAW_AXES for part in text.split(","))


def _near(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
