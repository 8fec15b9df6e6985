"""The virtual Kepco BOP 36-28MG: a BOP whose list gives pulses at its trigger output.

Sources: BOP 1KW-MG manual, firmware 3.05 and higher, appendix B (`LIST:SET:TRIGger`, figure B-7;
3.6.3.4: dwells of 93 µs to 34 ms, 2950 points where they differ) and the manual of the firmware kit
219-0533 (`LIST:TRIGger`). What is not there is as on a BIT 4886 card; judgement: `LIST:TRIG` puts
its duration into the list of dwells, which it wants to be as long as that of currents.
"""

from __future__ import annotations

from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.kepco_list import ListMemory, kept_digits
from instruments.virtual.scpi import ScpiError, boolean, command_table

LIST_POINTS = 2950
LOAD_TYPES = ("ACTIVE", "RESISTIVE", "BATTERY")
LIST_DWELL_S = (9.3e-5, 0.034)


class PulsedListMemory(ListMemory):
    """The list of a BOP-MG or BOP-GL: points of it may give a pulse."""

    most_points = LIST_POINTS
    dwell_s = LIST_DWELL_S

    def clear(self, _: str = "") -> None:
        """`LIST:CLE`."""
        super().clear()
        self._pulse: tuple[float, bool] | None = None
        self._pulsed: set[int] = set()

    def set_trigger(self, text: str) -> None:
        """`LIST:SET:TRIG t,ON|OFF`: how long a pulse lasts, and the transistor in it (on: low)."""
        self.refuse_while_running()
        seconds, _, state = text.partition(",")
        duration_s = kept_digits(seconds.strip())
        low, high = self.dwell_s
        if not low <= duration_s <= high:
            raise ScpiError(-222)
        self._pulse = duration_s, boolean(state.strip())

    def append_trigger(self, text: str) -> None:
        """`LIST:TRIG value`: one more point, which gives a pulse and lasts as long."""
        currents, dwells = self._values["CURR"], self._values["DWEL"]
        if self._pulse is None or not currents:
            raise ScpiError(-221)
        if len(currents) != len(dwells):
            raise ScpiError(-226)
        if "," in text:
            raise ScpiError(-108)
        self.append_currents(text)
        dwells.append(self._pulse[0])
        self._pulsed.add(len(currents) - 1)

    def _pulses(self) -> dict[int, bool]:
        """The numbers of the points that give a pulse, and whether it is a low one."""
        return dict.fromkeys(self._pulsed, self._pulse is not None and self._pulse[1])


class KepcoBopMg(KepcoBop):
    """A BOP 36-28MG (36 V, 28 A) on a coil, its trigger output on the read-outs' trigger inputs."""

    model = "kepco-bop-mg"
    identity = "KEPCO,BOP1KW 36-28MG 08-04-2023,E143412,4.12-2.1"
    rating = (36.0, 28.0)
    load_type = "ACTIVE"  # as it leaves the factory

    def set_load_type(self, text: str) -> None:
        """`OUTP:MODE ACTIVE|RESISTIVE|BATTERY`: what the output does when it is off."""
        found = [name for name in LOAD_TYPES if text.upper() in {name, name[:3], name[:4]}]
        if not found:
            raise ScpiError(-224 if text else -109)
        self.load_type = found[0]

    def _memory(self) -> PulsedListMemory:
        memory = PulsedListMemory(self.supply)
        memory.clear()
        return memory


KepcoBopMg.commands = KepcoBop.commands | command_table(
    {
        "[SOURce:]LIST:SET:TRIGger": lambda kepco, text: kepco.list.set_trigger(text),
        "[SOURce:]LIST:TRIGger": lambda kepco, text: kepco.list.append_trigger(text),
        "OUTPut:MODE": lambda kepco, text: kepco.set_load_type(text),
        "OUTPut:MODE?": lambda kepco, _: kepco.load_type,
    }
)
