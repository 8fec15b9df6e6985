"""A map to begin with: which array of a file is what, by size and name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.importing.guess_table import axis_of_columns, field_guess, is_field, table_guess
from app.importing.guess_told import layout_of, told_guess, unnumbered
from app.importing.join import longer
from app.importing.mapping import USUAL_AXES
from app.importing.names import AXIS_WORDS, last_word, says_drive, says_holds, stem_of
from app.importing.runs import BY_RUN, RUN
from app.importing.turned import turned

if TYPE_CHECKING:
    from app.foreign_files import Found

CHANNEL_WORDS = ("channel", "channels", "names", "channel_names")
UNNAMED = ("row", "column")  # axes of a table whose columns have no names
REPEATED = ("sequence", "repeat", "step")
GUESSES = {
    1: ("step",),
    2: ("repeat", "step"),
    3: ("sequence", "repeat", "step"),
    4: ("sequence", "repeat", "step", "channel"),
}


def guess_map(found: dict[str, Found], others: dict[str, Found] | None = None) -> str:
    """A map to begin with: the largest array as response, a fitting one as drive.

    Names of axes count where the file has them; else the axis that a drive's length fits is the
    step. It is a guess: the axes of equal files differ from laboratory to laboratory. `others`:
    what of the file is no numbers; texts may name the channels. Empty where only a drive is left.
    """
    others = others or {}
    layout = layout_of(found)
    if layout is not None:
        return told_guess(found, layout, is_step=layout.is_step)
    if unnumbered(found):
        return ""
    found = {name: one for name, one in found.items() if not one.told}
    if _is_drive_alone(found):
        return ""
    table = table_guess(found)
    if table:
        return table
    by_name = [n for n in found if n.lower() in ("response", "responses")]
    name = by_name[0] if by_name else max(found, key=lambda n: _likeness(n, found[n]))
    if says_drive(name) and any(one.values.dtype.kind != "U" for one in others.values()):
        return ""
    shape = mapped(found[name].values.shape)
    dims = _dims_of(found[name], shape)
    rows = dims == UNNAMED
    dims = () if rows else dims
    axes = list(_axes_named(dims)) if dims else list(GUESSES.get(len(shape), ()))
    if rows and shape[0] > shape[1]:  # of a table without names: a row a step
        axes = ["step", "repeat"]
    drive = _drive_guess(found, name, shape)
    if drive and "sequence" not in axes and dims and longer(found[drive].values.shape) == shape:
        axes = [RUN if axis == "repeat" else axis for axis in axes]
    elif drive and not dims and len(longer(found[drive].values.shape)) < len(REPEATED):
        axes = _axes_beside(longer(found[drive].values.shape), shape, axes)
        if "repeat" not in axes and _comes_again(found[drive]):
            axes = [RUN if axis == "sequence" else axis for axis in axes]
    axes = _turned(found, name, drive, axes, dims)
    holds = [n for n in found if n not in (name, drive) and says_holds(n)]
    parts = [name] if by_name else _alike(found, name, (drive, *holds))
    if len(parts) > 1 and "channel" not in axes:
        repeated = "repeat" not in axes and RUN not in axes
        axes.append(axis_of_columns(parts) if repeated else "channel")
    words = [f"response={'+'.join(parts)}:{','.join(axes)}"]
    if len(parts) == 1 and "channel" in axes:
        words += _channel_names(others, found[name], shape[axes.index("channel")])
    if drive:
        words.append(f"drive={drive}:{drive_axes(found[drive].values.shape, shape, axes)}")
        words += field_guess(drive, found[drive])
    fitting = [n for n in holds if fits_holds(longer(found[n].values.shape), shape, axes)]
    words += [f"holds={n}" for n in fitting[:1]]
    return " ".join(words)


def _turned(
    found: dict[str, Found], name: str, drive: str, axes: list[str], dims: tuple[str, ...]
) -> list[str]:
    """Axes of a response as its numbers have them, those apart that the file names."""
    response = found[name].values
    if len(axes) not in (response.ndim, len(longer(response.shape))):
        return axes
    sure = frozenset(axis for axis in map(_axis_named, dims) if axis)
    if not drive:
        return turned(response, axes, None, "", sure)
    known = found[drive].values
    driven = drive_axes(known.shape, mapped(response.shape), axes)
    if driven.count(",") + 1 not in (known.ndim, len(longer(known.shape))):
        return axes
    return turned(response, axes, known, driven, sure)


def _axis_named(dim: str) -> str:
    """Our axis for a file's name of one; empty where it is none that is known."""
    word = dim.lower().rstrip("s_")
    return next((axis for axis, names in AXIS_WORDS.items() if word in names), "")


def _is_drive_alone(found: dict[str, Found]) -> bool:
    """Whether one array is named as a drive, by more than a letter, beside counts and times only.

    Those are of one axis: `run_N` of several is what was measured in each run.
    """
    named = {name: one for name, one in found.items() if name != "values"}
    table = found["values"].values.shape if "values" in found else ()
    columns = {one.values.shape for one in named.values()} == {table[:1]}
    if columns and table[1:] == (len(named),):  # it holds them all once more
        found = named
    large = {n: len(longer(one.values.shape)) for n, one in found.items() if one.values.size > 1}
    drives = [n for n in large if says_drive(n) and len(last_word(n)) > 1]
    counting = (*AXIS_WORDS["step"], *AXIS_WORDS["repeat"])
    return len(drives) == 1 and all(
        n in drives or says_holds(n) or (axes < 2 and stem_of(n) in counting)
        for n, axes in large.items()
    )


def _dims_of(found: Found, shape: tuple[int, ...]) -> tuple[str, ...]:
    """Names of the axes that a map names, where the file has them."""
    if len(shape) == found.values.ndim:
        return found.dims
    return tuple(d for d, n in zip(found.dims, found.values.shape, strict=False) if n != 1)


def _comes_again(drive: Found) -> bool:
    """Whether sequences of a drive `(sequence, step)` are equal: then they are repeats of one."""
    rows = drive.values.reshape(longer(drive.values.shape))
    return rows.ndim == len(BY_RUN) and len(np.unique(rows, axis=0)) < len(rows)


def _alike(found: dict[str, Found], name: str, taken: tuple[str, ...]) -> list[str]:
    """The response and what else has its shape of several axes: channels in arrays of their own."""
    shape = longer(found[name].values.shape)
    if len(shape) < 2:
        return [name]
    return [
        n
        for n, one in found.items()
        if longer(one.values.shape) == shape
        and n not in taken
        and not says_drive(n)
        and np.isfinite(one.values).any()
        and (n == name or stem_of(n) not in AXIS_WORDS["step"])
    ] or [name]


def _channel_names(others: dict[str, Found], response: Found, count: int) -> list[str]:
    """The map's word for the channels' names, where a text beside the response has them."""
    for name, one in others.items():
        last, values = last_word(name), one.values
        if values.dtype.kind != "U" or values.size != count:
            continue
        if last not in (*CHANNEL_WORDS, *response.dims):
            continue
        texts = ["_".join(str(text).split()) for text in values.ravel()]
        if all(texts) and len(set(texts)) == count and not any("," in text for text in texts):
            return [f"channels={','.join(texts)}"]
    return []


def _likeness(name: str, found: Found) -> tuple[int, bool, bool]:
    """How much an array is like a response: the largest, of two as large no drive and no clock."""
    drive = says_drive(name) or stem_of(name) in AXIS_WORDS["step"]
    return found.values.size, not drive, not is_field(name, found)


def mapped(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that a map names: of four all, a single repeat or channel among them."""
    return shape if len(shape) == len(GUESSES) else longer(shape)


def _axes_named(dims: tuple[str, ...]) -> list[str]:
    """Our axes for a file's names of them; what is not recognised takes what is left, in order.

    Beside a numbered group that counts repeats there is no sequence left: each has its steps.
    """
    made: list[str] = []
    for dim in dims:
        hit = _axis_named(dim)
        made.append("" if hit in made else hit)
    if not any(made) and len(made) in GUESSES:  # of numbered groups called anything: `H_5mT`
        return list(GUESSES[len(made)])
    left = [a for a in ("sequence", "repeat", "step", "channel") if a not in made]
    if "repeat" in made[:1] and made.count("") == len(made) - 1:
        left = ["step", "channel"]
    elif "step" not in made and made.count("") == 1:
        left = ["step"]
    return [axis or (left.pop(0) if left else "channel") for axis in made]


def _drive_guess(found: dict[str, Found], response: str, shape: tuple[int, ...]) -> str:
    """An array that says it is a drive and fits, of the response's own group before all others."""
    own = response.rpartition("/")[0]
    for name, one in sorted(found.items(), key=lambda item: item[0].rpartition("/")[0] != own):
        fits = fits_drive(longer(one.values.shape), shape)
        if name != response and fits and says_drive(name):
            return name
    return ""


def fits_drive(size: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a drive of this size may be that of a response of this shape."""
    fits = len(size) in (1, 2) and all(n in shape for n in size) and len(size) < len(shape)
    return fits or size == shape[:3] or size == shape  # of each repeat its own


def fits_holds(size: tuple[int, ...], shape: tuple[int, ...], axes: list[str]) -> bool:
    """Whether hold times of this size may be those of a response with these axes."""
    there = dict(zip(axes, shape, strict=False))
    there["sequence"] = there.get("sequence", there.get(RUN, 1))
    usual = USUAL_AXES.get(len(size), ())
    return bool(usual) and all(there.get(a, 1) == n for a, n in zip(usual, size, strict=True))


def _axes_beside(drive: tuple[int, ...], shape: tuple[int, ...], axes: list[str]) -> list[str]:
    """Axes whose step (and sequence) are as long as the drive's.

    Where drive and response have them in another order, one of the two is turned: more steps than
    sequences tell which.
    """
    made = [""] * len(shape)
    for axis, size in zip(("sequence", "step")[-len(drive) :], drive, strict=True):
        at = next((k for k, n in enumerate(shape) if n == size and not made[k]), None)
        if at is None:
            return axes
        made[at] = axis
    if "sequence" in made:
        s, t = made.index("sequence"), made.index("step")
        if t < s and shape[t] < shape[s]:
            made[s], made[t] = "step", "sequence"
    left = [a for a in ("sequence", "repeat", "channel") if a not in made]
    if len(drive) == 1 and made.count("") < len(left):  # one drive is one sequence
        left.remove("sequence")
    if made.count("") == 1:  # beside the steps of each: repeats before them, channels behind
        left = ["repeat" if made.index("") < made.index("step") else "channel"]
    return [axis or (left.pop(0) if left else "channel") for axis in made]


def drive_axes(drive: tuple[int, ...], shape: tuple[int, ...], axes: list[str]) -> str:
    """The map's word for a drive's axes beside a response of this shape with these axes."""
    known = longer(drive)
    if len(known) < 2:
        return "step"
    if len(known) == len(REPEATED):
        return ",".join(axis for axis in axes if axis in REPEATED)
    if RUN in axes:
        return ",".join(axis for axis in axes if axis in BY_RUN)
    sizes = dict(zip(axes, shape, strict=False))
    here = sizes.get("sequence"), sizes.get("step")
    if known == here == here[::-1]:  # as many of both: in the order that the response has them
        return ",".join(axis for axis in axes if axis in ("sequence", "step"))
    return "step,sequence" if known == here[::-1] else "sequence,step"
