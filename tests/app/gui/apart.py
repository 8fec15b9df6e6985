"""What imports torch, made in a child: the window's process has none of its threads.

What trains leaves threads behind that a test of the window counts as leaks.
"""

from __future__ import annotations

from importlib import import_module

from app.operations import child

ENDS_WITHIN_S = 240.0


def apart(module: str, *arguments: object) -> None:
    """Call `make(*arguments)` of a module beside this one, in a child as the operations have."""
    context = child.multiprocessing.get_context("spawn")
    process = context.Process(target=_make, args=(module, arguments))
    process.start()
    process.join(ENDS_WITHIN_S)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode == 0, f"{module}{arguments}: exit code {process.exitcode}"


def _make(module: str, arguments: tuple[object, ...]) -> None:
    import_module(module).make(*arguments)
