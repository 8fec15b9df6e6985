"""Who is at an address: `*IDN?`, and what the driver of that model asks to know its rating.

Nobody is asked unless a person said so, and nothing is set. A resource with a driver is asked as
that driver does it; another with a line that ends in CR LF, then with LF, which between them every
instrument of `instruments.drivers` understands but a Danfysik (it knows no `*IDN?`) and an SR830
whose answers go to its other port: those want their driver named.
"""

from __future__ import annotations

import itertools
import math
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from instruments import diagnosis
from instruments.bench_keys import MUST, driver_keys, kind_of
from instruments.bench_spec import InstrumentSpec
from instruments.boards import PREFIX, as_board, board_of
from instruments.connect import driver_class, driver_on, installed_visa
from instruments.drivers import DRIVERS
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.parallel import bounded, side_by_side
from instruments.serial_line import SerialLine, line_of
from instruments.toml_table import Table
from instruments.visa import VisaSession
from models.errors import InputError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyvisa

    from instruments.clock import Stop
    from instruments.wirelog import WireTap

CLOCK = "virtual-clock"
CLOCK_IDENTITY = "TWINRIG,VIRTUAL CLOCK"
SERIAL_ANSWER_S = 0.5  # of each of some ways to set a line
ANSWER_S = 1.0  # an instrument that is there names itself sooner
PATIENCE_S = 20.0  # beyond that a VISA library hangs
LOADS_S = 10.0
STAND_IN = 1e-6
"""For keys that a driver can't be made without: nothing but its identity is asked."""
BETWEEN_S = 0.1  # two questions to one instrument: a Lake Shore 425 wants 30 ms
BELL = "\x07"
ENDS = ("\r\n", "\n")  # of the question, in this order: most take both


@dataclass(frozen=True)
class Answer:
    """What is known of a resource after asking.

    Attributes
    ----------
    resource, driver
        `driver` is empty where it isn't known, `virtual-clock` for a served rig's clock.
    identity
        What it calls itself.
    terminator
        Of its lines, where that is another than the driver's usual one.
    problem, hint
        Why it isn't known, or what isn't as it should be; and what to do.
    wrong
        Another model than the driver that was named answers.
    rated_A, rated_V
        Of a supply that says it.
    """

    resource: str
    driver: str = ""
    identity: str = ""
    terminator: str | None = None
    problem: str = ""
    hint: str = ""
    wrong: bool = False
    rated_A: float = math.inf
    rated_V: float = math.inf


def who_answers(
    asked: Sequence[tuple[str, str]],
    *,
    stop: Stop,
    boards: Mapping[str, str] | None = None,
    wire_log: WireTap | None = None,
) -> list[Answer]:
    """Ask resources side by side; never raises for one of them.

    Parameters
    ----------
    asked
        Resource and driver; an empty driver where it isn't known.
    stop
        Ends it.
    boards
        GPIB adapters, by the number of the board.
    wire_log
        Called with every message.

    Raises
    ------
    StoppedError
        `stop` was requested.
    TwinrigError
        No VISA library loads, or it hangs.
    """
    if not asked:
        return []
    rm = bounded(installed_visa, stop=stop, longest_s=LOADS_S)
    asking = _Asking(rm, stop, boards or {}, wire_log)
    once = list(dict.fromkeys(asked))  # an address that was given twice would find itself open
    specs = [_spec(resource, driver) for resource, driver in once]
    results = side_by_side(specs, asking.ask, one_by_one=False, stop=stop, longest_s=PATIENCE_S)
    stop.check()
    answers = [_told(spec, result) for spec, result in zip(specs, results, strict=True)]
    return [answers[once.index(one)] for one in asked]


def _spec(resource: str, driver: str, terminator: str = "") -> InstrumentSpec:
    """An instrument of no bench yet; of a driver with its defaults."""
    kind = kind_of(driver)
    if not kind:
        return InstrumentSpec(resource, driver, resource, ANSWER_S, terminator or ENDS[0])
    model = DRIVERS[kind][driver]
    end = terminator or model.terminator(resource)
    must = {key.name: STAND_IN for key in driver_keys(driver) if key.need == MUST}
    own = {name: value for name, value in must.items() if name in model.KEYS}
    options = model.options(Table(own, "", []))
    return InstrumentSpec(resource, driver, resource, ANSWER_S, end, options=options)


def _told(spec: InstrumentSpec, result: Any) -> Answer:
    if isinstance(result, Answer):
        return result
    if isinstance(result, StoppedError) or not isinstance(result, TwinrigError):
        raise result
    if isinstance(result, InputError):
        return Answer(spec.resource, spec.driver, problem=str(result))
    problem, hint = diagnosis.explain(spec, result)
    return Answer(spec.resource, spec.driver, problem=problem, hint=hint)


def _lines(resource: str) -> list[SerialLine]:
    """How the lines of the drivers' models are set; one that doesn't matter where it is no line."""
    if not resource.startswith("ASRL"):
        return [SerialLine()]
    models = [model for drivers in DRIVERS.values() for model in drivers.values()]
    return list(dict.fromkeys([SerialLine(), *(line_of(model, None) for model in models)]))


@dataclass(frozen=True)
class _Asking:
    """How resources are opened."""

    rm: pyvisa.ResourceManager
    stop: Stop
    boards: Mapping[str, str]
    wire_log: WireTap | None

    def ask(self, spec: InstrumentSpec) -> Answer:
        """One resource; raises where it can't be opened."""
        if spec.resource.startswith(PREFIX):
            problem = "is a GPIB adapter, no instrument"
            return Answer(spec.resource, problem=problem, hint=as_board(spec.resource))
        if spec.driver:
            return self._as_driver(spec)
        return self._raw(spec)

    def _session(
        self, spec: InstrumentSpec, reads: str = "", line: SerialLine | None = None
    ) -> VisaSession:
        return VisaSession(
            spec.resource,
            rm=self.rm,
            name=spec.name,
            stop=self.stop,
            read_termination=reads or spec.terminator,
            write_termination=spec.terminator,
            timeout_s=spec.timeout_s,
            wire_log=self.wire_log,
            line=line or line_of(driver_class(spec), None),
            board=board_of(spec.resource, self.boards),
        )

    def _as_driver(self, spec: InstrumentSpec) -> Answer:
        with closing(self._session(spec)) as session:
            driver = driver_on(session, spec)
            try:
                driver.identify()
            except LinkError as error:
                problem, hint = diagnosis.probe(session, spec, error)
                wrong = isinstance(error, WrongInstrumentError)
                who = error.reply.strip() if wrong else ""
                return Answer(
                    spec.resource, spec.driver, who, problem=problem, hint=hint, wrong=wrong
                )
            rated_A = getattr(driver, "rated_current_A", math.inf)
            rated_V = getattr(driver, "rated_voltage_V", math.inf)
            identity = driver.identity.strip()
            return Answer(spec.resource, spec.driver, identity, rated_A=rated_A, rated_V=rated_V)

    def _raw(self, spec: InstrumentSpec) -> Answer:
        """`*IDN?`, each question in a session of its own: nothing of the last one is left over."""
        lines = _lines(spec.resource)
        for line, end in itertools.product(lines, ENDS):
            try:
                reply = self._asked(_spec(spec.resource, "", end), line)
            except LinkError:
                if line == lines[0]:
                    raise
                continue  # a port that can't be set so
            if reply.strip() and reply.isascii():
                return self._of_reply(spec.resource, reply)
        hint = (
            "Is it on, is this its port, is its line set as the port's? Where you know what it is, "
            f"name its driver: DRIVER@{spec.resource}"
        )
        return Answer(spec.resource, problem="says nothing to *IDN?", hint=hint)

    def _asked(self, spec: InstrumentSpec, line: SerialLine) -> str:
        """The answer with its line end; empty where there is none."""
        with closing(self._session(spec, reads="\n", line=line)) as session:
            if spec.resource.startswith("ASRL"):
                session.timeout_s = SERIAL_ANSWER_S
            session.drain()  # a greeting
            try:
                return session.query("*IDN?") + "\n"
            except LinkError as error:
                if not error.reply and error.__cause__ is not None:
                    raise  # the connection broke, which is something else than silence
                return error.reply

    def _of_reply(self, resource: str, reply: str) -> Answer:
        identity = reply.strip().splitlines()[-1].strip()
        if identity.startswith(CLOCK_IDENTITY):
            return Answer(resource, CLOCK, identity)
        if identity == "*IDN?":
            problem, hint = "sends back what it hears", f"Before anything else {diagnosis.ECHO_OFF}"
            return Answer(resource, "", identity, problem=problem, hint=hint)
        driver = diagnosis.driver_of(identity)
        if not kind_of(driver):
            known = "danfysik-8500" if BELL in reply else "DRIVER"  # which knows no *IDN?
            hint = f"Where you know what it is, name its driver: {known}@{resource}"
            return Answer(
                resource, "", identity, problem=f"answers {identity!r}, which no driver names",
                hint=hint,
            )  # fmt: skip
        self.stop.sleep(BETWEEN_S)
        usual, found = _spec(resource, driver), diagnosis.end_of(reply)
        end = found if found and found != usual.terminator else None
        spec = _spec(resource, driver, end or "")
        try:
            answer = self._as_driver(spec)
        except LinkError as error:  # a port that can't be set as the driver has it
            answer = Answer(resource, driver, identity, end, *diagnosis.explain(spec, error))
        if answer.problem:
            return Answer(resource, driver, identity, end, answer.problem, answer.hint)
        return Answer(
            resource, driver, answer.identity, end, rated_A=answer.rated_A, rated_V=answer.rated_V
        )
