"""What the command line's verbs have in common: a parser, how one is added, shared arguments."""

from __future__ import annotations

import argparse
import difflib
import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app.cli.types import acceleration, file_or_word, path, whole_or_zero
from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

INVALID_CHOICE = re.compile(r"invalid choice: '(?P<word>[^']*)' \(choose from (?P<known>.*)\)")
MOST_MEANT = 3  # suggestions
NO_BENCH = "one of the arguments --bench B.toml is required"  # argparse, of what may stand bare
EXIT_CODES = (
    "exit codes: 0 done · 1 failed on the way · 2 wrong use · 3 stopped by the user · "
    "4 refused by a limit or a pre-flight check before anything was energised"
)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises `InputError` with its usage instead of leaving the process.

    A verb answers for its own arguments: an unknown one is told before one that is missing because
    of it, with the nearest known one and this verb's usage.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("type", Path, path)

    def parse_known_args(  # type: ignore[override]  # namespaces of our own are never given
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse what a verb takes; nothing is left over for the parser above it."""
        if self._subparsers is None:
            self._refuse_unknown_options(args or ())
        found, rest = super().parse_known_args(args, namespace)
        if rest and self._subparsers is None:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest

    def _refuse_unknown_options(self, words: Sequence[str]) -> None:
        options = [w.partition("=")[0] for w in takewhile("--".__ne__, words) if w[:2] == "--"]
        known = [name for name in self._option_string_actions if name[:2] == "--"]
        unknown = [name for name in options if " " not in name and name not in known]
        if unknown:
            said = ", ".join(f"{name!r}{_did_you_mean(name, known)}" for name in unknown)
            self.error(f"no such option: {said}")

    def error(self, message: str) -> NoReturn:
        """Raise the message with the usage line and, for an unknown word, the nearest known one."""
        match = INVALID_CHOICE.search(message)
        if match is not None:
            known = re.findall(r"[\w.-]+", match["known"])
            message += _did_you_mean(match["word"], known)
        if message == NO_BENCH:
            message = "name the bench: B.toml, or the word virtual (--bench B.toml is the same)"
        asked = self.prog.partition(" ")[2]  # "twinrig" stands before every error already
        place = f"{asked}: " if asked else ""
        raise InputError(f"{place}{message}\n{self.format_usage().strip()}")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    """Those that begin so, else the nearest; the dashes of an option make nothing near."""
    bare = {name.lstrip("-"): name for name in known}
    asked = word.lstrip("-")
    begun = [name for name in bare if asked and name.startswith(asked)]
    near = begun[:MOST_MEANT] or difflib.get_close_matches(asked, bare, n=1)
    words = " or ".join(repr(bare[name]) for name in near)
    return f"; did you mean {words}?" if near else ""


def verb(verbs: argparse._SubParsersAction[Parser], name: str, words: str) -> Parser:
    """A verb, or a part of one, with what all of them take."""
    parser = verbs.add_parser(
        name, help=words, description=words, epilog=EXIT_CODES, allow_abbrev=False
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line on standard output"
    )
    parser.add_argument(
        "--seed", type=whole_or_zero, default=0, metavar="N", help="makes it repeatable (0)"
    )
    return parser


def hardware(parser: Parser, *, several: bool = False, bare: bool = False) -> None:
    """What a verb takes that connects a bench, or `several`; `bare`: it may stand by itself, too.

    Who types `safe B.toml` is in a hurry.
    """
    words = "a bench file, or the word virtual"
    if several:
        parser.add_argument(
            "--bench", type=file_or_word, required=True, action="append", metavar="B.toml",
            help=f"{words}; of a network of several devices once for each, in any order",
        )  # fmt: skip
    elif bare:
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument("--bench", type=file_or_word, metavar="B.toml", help="the same")
        either.add_argument(
            "bench",
            type=file_or_word,
            nargs="?",
            default=argparse.SUPPRESS,
            metavar="B.toml",
            help=words,
        )
    else:
        parser.add_argument(
            "--bench", type=file_or_word, required=True, metavar="B.toml", help=words
        )
    parser.add_argument(
        "--accelerate", type=acceleration, metavar="N", help="virtual benches: wait N times less"
    )
    wire(parser)


def wire(parser: Parser) -> None:
    """How the wire is shown and kept."""
    parser.add_argument(
        "--wire-log", type=Path, metavar="FILE", help="every byte sent and received"
    )
    parser.add_argument("--verbose", action="store_true", help="show the wire on standard error")


def out(parser: Parser, what: str, *, resume: bool) -> None:
    """Where the artefact goes; with `resume` also which one goes on."""
    if not resume:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=what)
        return
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, metavar="DIR", help=f"{what}; never overwritten")
    where.add_argument("--resume", type=Path, metavar="DIR", help="go on where this one stood")


def retries(parser: Parser, what: str) -> None:
    """How often what was void is run again."""
    parser.add_argument(
        "--retries", type=whole_or_zero, default=1, metavar="N",
        help=f"run a void {what} again up to N times before the run ends (1)",
    )  # fmt: skip


def other_than_begun(begun: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """What is asked of a run to go on with that it was not begun with, in words."""
    return [
        f"--{name.removesuffix('_K')}: as it was begun ({begun.get(name)!r}), not {value!r}"
        for name, value in asked.items()
        if value != begun.get(name)
    ]


def refuse_with_resume(verb: str, given: Sequence[str]) -> None:
    """Raise InputError for options that a run to go on with knows itself, by their names."""
    problems = [f"--{name.replace('_', '-')}: as it was begun" for name in given]
    raise_problems(InputError, f"twinrig {verb} --resume", problems)
