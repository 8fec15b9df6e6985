"""Settings of a SCPI instrument as a table: number, switch or word, each with its query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from instruments.virtual.scpi import ScpiError, boolean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Settable(Protocol):
    """An instrument whose settings are kept by name."""

    set: dict[str, Any]

    def changed(self, name: str) -> None:
        """Called after a message has set one of them; may raise `ScpiError` and undo it."""


@dataclass(frozen=True)
class Number:
    """A number within limits; `MIN`, `MAX` and `DEF` stand for them and for the factory's value."""

    low: float
    high: float
    left: float  # as the bench left it
    factory: float | None = None
    form: str = "+.8E"
    whole: bool = False

    def read(self, text: str) -> float:
        """The value that a message gives."""
        word = text.upper()
        usual = self.left if self.factory is None else self.factory
        named = {"MIN": self.low, "MAX": self.high, "DEF": usual, "INF": self.high}
        if word[:3] in named and not word[:1].isdigit():
            return named[word[:3]]
        if not text:
            raise ScpiError(-109)
        try:
            value = float(text)
        except ValueError:
            raise ScpiError(-104) from None
        if not self.low <= value <= self.high:
            raise ScpiError(-222)
        return round(value) if self.whole else value

    def show(self, value: float) -> str:
        """The answer to its query."""
        return f"{round(value)}" if self.whole else f"{value:{self.form}}"


@dataclass(frozen=True)
class Switch:
    """On or off."""

    left: bool
    factory: bool | None = None

    def read(self, text: str) -> bool:
        """The value that a message gives."""
        return boolean(text)

    def show(self, value: bool) -> str:
        """`1` or `0`."""
        return "1" if value else "0"


@dataclass(frozen=True)
class Word:
    """One of several words, spelled as manuals do (`REPeat`); its query answers the short form."""

    words: tuple[str, ...]
    left: str
    factory: str | None = None
    quoted: bool = False

    def read(self, text: str) -> str:
        """The short form of the word that a message gives."""
        given = text.strip().strip("\"'").upper()
        for word in self.words:
            if given in {word.upper(), short(word)}:
                return short(word)
        raise ScpiError(-224 if text else -109)

    def show(self, value: str) -> str:
        """The short form, in quotes where the instrument answers so."""
        return f'"{value}"' if self.quoted else value


Setting = Number | Switch | Word


def short(word: str) -> str:
    """The short form of a spelling: capitals, digits and what else is no small letter."""
    return "".join(letter for letter in word if not letter.islower())


def as_left(settings: Mapping[str, tuple[str, Setting]]) -> dict[str, Any]:
    """The value of each setting as the bench was left."""
    return {name: one.left for name, (_, one) in settings.items()}


def after_reset(settings: Mapping[str, tuple[str, Setting]]) -> dict[str, Any]:
    """The value of each setting behind `*RST`."""
    return {
        name: one.left if one.factory is None else one.factory
        for name, (_, one) in settings.items()
    }


def handlers(
    settings: Mapping[str, tuple[str, Setting]],
) -> dict[str, Callable[[Any, str], str | None]]:
    """The handlers of each setting's header and of its query, for `scpi.command_table`."""
    table: dict[str, Callable[[Any, str], str | None]] = {}
    for name, (header, setting) in settings.items():
        table[header] = _setter(name, setting)
        table[header + "?"] = _query(name, setting)
    return table


def _setter(name: str, setting: Setting) -> Callable[[Settable, str], None]:
    def change(instrument: Settable, text: str) -> None:
        before = instrument.set[name]
        instrument.set[name] = setting.read(text)
        try:
            instrument.changed(name)
        except ScpiError:
            instrument.set[name] = before
            raise

    return change


def _query(name: str, setting: Setting) -> Callable[[Settable, str], str]:
    def ask(instrument: Settable, text: str) -> str:
        value: Any = setting.read(text) if text else instrument.set[name]
        return setting.show(value)

    return ask
