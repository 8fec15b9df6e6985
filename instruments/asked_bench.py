"""What a bench is made of and can be asked: settings, identities, what it shows; drives nothing."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from instruments import encoding
from instruments.bench_reading import BenchReading, channels_of, joined, kelvin_of
from instruments.guards import forbidding
from instruments.idle_magnets import IdleMagnets
from instruments.kept_settings import KeptSettings, SettingsChangedError
from instruments.limits import GIVE_UP_S
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.own_ramp import ramp_as_played
from instruments.rotation import Rotation
from instruments.slow_filter import filters_told
from instruments.step_clock import StepClock
from instruments.watchdog_link import Watchdog
from instruments.watchdog_log import read_reports
from models.errors import TwinrigError, raise_problems
from models.settings import without_own_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from instruments.bench_spec import BenchSpec
    from instruments.clock import Clock, Stop
    from instruments.connect import Opener
    from instruments.field_probe import FieldProbe
    from instruments.limits import LimitedMagnet
    from instruments.protocols import MagnetState, Readout, Teslameter, Thermometer
    from instruments.visa import VisaSession

log = logging.getLogger(__name__)

LATE_S = 2.0  # judgement: a run says so where a reading keeps its guards longer from being asked


class AskedBench:
    """The instruments of one rig by name, with all that they say of themselves.

    Attributes
    ----------
    spec
        The bench file.
    stop
        Ends every wait and read of the bench.
    clock
        Its device time.
    magnets, readouts, thermometers, teslameters
        By name; magnets behind their limits.
    channels
        Over all read-outs; a name has its read-out's before it only where two would clash. With a
        rotation, of its components.
    live_channels
        Of what the read-outs show, as `monitor` gives it.
    rotation
        What turns the field by two magnets; None where one drives it.
    drives
        The magnets that are energised: the drive's, or the two of a rotation.
    found
        What each magnet said of itself when it was connected.
    remarks
        Sentences for people: what a watchdog did to this bench since it was last energised.
    lags
        Of this run: drives whose current was still on its way right behind a reading, in words.
    note
        Called, from any thread, with what people should know beforehand: no watchdog, no way to
        keep the computer awake.
    watchdog
        Makes the rig safe should this process die; None for a rig inside it, which dies with it.
    tell
        Called with a sentence about every second while a supply can't be made safe.
    give_up_s
        Seconds after which `make_safe` gives up a supply that can't be reached; None: never.
    probe
        What measures the field of each step; None on a bench without a teslameter.
    read_s
        Device time at which the last reading was there, a reset's too.
    """

    def __init__(
        self,
        spec: BenchSpec,
        opener: Opener,
        stop: Stop,
        magnets: dict[str, LimitedMagnet],
        readouts: dict[str, Readout],
    ) -> None:
        self.spec = spec
        self.stop = stop
        self.clock: Clock = opener.clock
        self.magnets = magnets
        self.readouts = readouts
        self.live_channels = self.channels = channels_of(readouts)
        self.thermometers: dict[str, Thermometer] = {}
        self.teslameters: dict[str, Teslameter] = {}
        self.found: dict[str, MagnetState] = {}
        self.tell: Callable[[str], None] = log.warning
        self.give_up_s: float | None = GIVE_UP_S
        reports = [] if spec.in_process else read_reports(spec)
        self.remarks: tuple[str, ...] = tuple(str(report) for report in reports)
        self.note: Callable[[str], None] = log.warning
        self.watchdog = None if spec.in_process else Watchdog(spec, lambda words: self.note(words))
        self.lags: list[str] = []
        self.read_s = math.nan
        self.probe: FieldProbe | None = None
        self._opener = opener
        self._kept = KeptSettings()
        self._window = spec.window  # of what is played: a run may bring its own
        self._identities: dict[str, str] = {}
        self._drive = magnets[spec.drive_magnet]
        self._steps = StepClock(spec, self._drive, readouts, self.clock, stop)
        self.rotation: Rotation | None = None
        self.drives: tuple[LimitedMagnet, ...] = (self._drive,)
        if spec.rotation is not None:
            self.rotation = Rotation(spec.rotation, magnets, spec.gate_s)
            self.drives = self.rotation.magnets
            self.channels = self.rotation.channels(self.live_channels)
        self._idle = IdleMagnets(m for m in magnets.values() if m not in self.drives)
        self._readers = list(readouts.values())
        self._closed = False

    @property
    def live_units(self) -> tuple[str, ...]:
        """Of `live_channels`; what some inputs measure is known once `settings` were read."""
        return tuple(unit for readout in self.readouts.values() for unit in readout.units)

    @property
    def units(self) -> tuple[str, ...]:
        """Of `channels`."""
        units = self.live_units
        return units if self.rotation is None else self.rotation.units(units)

    def settings(self) -> dict[str, dict[str, Any]]:
        """Every instrument's settings, by name; a magnet's ramp limit shapes steps: it is one.

        Read-outs and the field probe are prepared first: what they are told for a run belongs to
        their settings, and one that measures something else is refused before anything is made.
        """
        for readout in self._readers:
            readout.prepare()
        if self.probe is not None:
            self.probe.prepare()
        magnets = {
            name: {**self._as_played(magnet), "max_ramp_A_per_s": magnet.limits.max_ramp_A_per_s}
            for name, magnet in self.magnets.items()
        }
        if self._steps.by_hardware:  # a run by software is none to go on with by hardware
            # … and what a step lasts is the list's: hold_s and gate_s
            magnets[self._drive.name] |= {"timing": "hardware", "gate_s": self.spec.gate_s}
        readouts = self._readout_settings()
        self._kept.keep(readouts)
        turned = self.spec.rotation.settings() if self.spec.rotation is not None else {}
        return magnets | readouts | turned

    def _as_played(self, magnet: LimitedMagnet) -> dict[str, Any]:
        """A supply's settings as a run has them: what energising makes of them counts already.

        Else the first run after it was switched on would keep others than those that follow.
        """
        found = without_own_range(magnet.magnet.settings())
        if magnet not in self.drives:
            return found
        made = dict(getattr(magnet.magnet, "MADE", {}))
        if magnet.limits.compliance_V is not None:
            made["compliance_V"] = magnet.limits.compliance_V
        most_A_per_s = magnet.limits.max_ramp_A_per_s
        made["ramp_A_per_s"] = ramp_as_played(magnet.magnet, found, most_A_per_s)
        return {key: made.get(key, value) for key, value in found.items()}

    def check_settings(self) -> None:
        """Compare the read-outs' settings with those that `settings` last told.

        Raises
        ------
        SettingsChangedError
            Some differ: an instrument was switched off and on, or set by hand.
        """
        try:
            now = self._readout_settings()
        except WrongInstrumentError:
            raise
        except LinkError:  # one reply was lost; it is only reading, and costs no sample
            now = self._readout_settings()
        found = self._kept.differences(now)
        where = f"bench {self.spec.name!r}, settings differ from those the run began with"
        raise_problems(SettingsChangedError, where, found)

    def _readout_settings(self) -> dict[str, dict[str, Any]]:
        probe = {} if self.probe is None else {self.probe.name: self.probe.settings()}
        readouts = {
            name: without_own_range(readout.settings()) for name, readout in self.readouts.items()
        }
        return readouts | probe

    def identities(self) -> dict[str, str]:
        """The answers to `*IDN?`, as heard when connecting."""
        return dict(self._identities)

    def session(self, name: str) -> VisaSession:
        """The open session of an instrument: what `instruments.console` speaks through."""
        return self._opener.sessions[name]

    def state(self) -> dict[str, MagnetState]:
        """What each magnet says of itself now."""
        return {name: magnet.state() for name, magnet in self.magnets.items()}

    def monitor(self) -> BenchReading:
        """What the magnets, the read-outs and the guards show now; gates nothing."""
        magnet = self._drive.magnet  # not `state`: a display must not empty an error queue
        scale = self._drive.limits.tesla_per_ampere
        others = [other for other in self.magnets.values() if other is not self._drive]
        values = joined([readout.monitor() for readout in self._readers])
        current_A = magnet.measured_A()
        others_A = tuple(other.magnet.measured_A() for other in others)
        pairs = zip(others, others_A, strict=True)
        return BenchReading(
            current_A * scale,
            magnet.setpoint_A() * scale,
            current_A,
            magnet.output_on(),
            values,
            math.nan if self.probe is None else self.probe.monitor_T(),
            forbidding(self._drive.guards),
            tuple(
                kelvin_of(driver, self.spec.thermometers[name].input)
                for name, driver in self.thermometers.items()
            ),
            tuple(words for other, each_A in pairs if (words := other.energised_words(each_A))),
            others_A,
        )

    @property
    def by_hardware(self) -> bool:
        """Whether the instruments time the steps, as the bench file says or the bench chose."""
        return self._steps.by_hardware

    def timing_words(self) -> str:
        """How steps are timed, for people, and why, where the bench chose it; or empty."""
        return self._steps.words(self._window)

    def slow_filters(self) -> list[str]:
        """Read-outs that show more of earlier steps than of their own, in words.

        By the settings that `settings` last told; steps that a buffer samples are judged there.
        """
        if self.by_hardware:
            return []
        played = replace(self.spec, window=self._window)
        return [
            f"{name}: {words}. {do}"
            for name, kept in self._kept.by_name.items()
            for words, do in filters_told(played, kept)
        ]

    def magnet_problems(self) -> list[str]:
        """What supplies do otherwise than they were told, those that rest too, in words.

        Asked right behind a reading: a current that lagged is noted, once a run.
        """
        problems = []
        for drive in self.drives:
            try:
                drive.verify(behind_a_reading=True)
            except TwinrigError as error:
                problems.append(str(error))
            if drive.lagged and (words := f"{drive.name}: {drive.lagged}") not in self.lags:
                self.lags.append(words)
                self.note(words)
        return [*problems, *self._idle.problems()]

    def coarse_drives(self) -> list[str]:
        """Magnets whose set-points hardly tell the drives of the window apart, in words."""
        window = self._window
        told = {m.name: encoding.coarse(window, m.limits, m.magnet) for m in self.drives}
        return [f"{name}: {words}. {encoding.COARSE}" for name, words in told.items() if words]

    @property
    def _told_reading_s(self) -> float:
        """How long a reading takes at most by what the read-outs say; 0: they don't."""
        return sum(float(getattr(readout, "reading_s", 0.0)) for readout in self._readers)

    def late_guards(self) -> str:
        """Which guards a long reading keeps waiting, and how long, in words; or empty."""
        reading_s = self._told_reading_s
        if reading_s <= LATE_S or not self._drive.guards:
            return ""
        names = " and ".join(guard.label for guard in self._drive.guards)
        return (
            f"a reading takes up to {reading_s:.3g} s, and {names} can't be asked meanwhile: what "
            "is out of its band is seen that late. Shorten the reading, or wire what must act "
            "sooner to the supply itself"
        )
