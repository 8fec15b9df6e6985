"""The virtual 34465A's settings: headers, limits, as the bench left them and after `*RST`."""

from __future__ import annotations

from instruments.virtual.scpi_settings import Number, Setting, Switch, Word

OVERLOAD = 9.9e37
LINE_HZ = 50
RANGES_V = (0.1, 1.0, 10.0, 100.0, 1000.0)
OVERRANGE = 1.2
CYCLES = (0.001, 0.002, 0.006, 0.02, 0.06, 0.2, 1.0, 10.0, 100.0)
OVERHEAD_S = 2.0e-5  # judgement: what a sample takes beside its integration

SETTINGS: dict[str, tuple[str, Setting]] = {
    "function": ("[SENSe:]FUNCtion[:ON]",
                 Word(("VOLTage", "VOLTage:AC", "CURRent", "CURRent:AC", "RESistance",
                       "FRESistance"), "VOLT", quoted=True)),
    "nplc": ("[SENSe:]VOLTage[:DC]:NPLCycles", Number(0.001, 100.0, 0.02, 10.0)),
    "range": ("[SENSe:]VOLTage[:DC]:RANGe[:UPPer]", Number(0.0, 1000.0, 0.1, 10.0)),
    "autorange": ("[SENSe:]VOLTage[:DC]:RANGe:AUTO", Switch(False, True)),
    "autozero": ("[SENSe:]VOLTage[:DC]:ZERO:AUTO", Switch(False, True)),
    "null": ("[SENSe:]VOLTage[:DC]:NULL[:STATe]", Switch(False)),
    "null_V": ("[SENSe:]VOLTage[:DC]:NULL:VALue", Number(-1200.0, 1200.0, 0.0)),
    "scaling": ("CALCulate:SCALe[:STATe]", Switch(False)),
    "smoothing": ("CALCulate:SMOothing[:STATe]", Switch(False)),
    "high_impedance": ("[SENSe:]VOLTage[:DC]:IMPedance:AUTO", Switch(False)),
    "aperture_s": ("[SENSe:]VOLTage[:DC]:APERture", Number(2.0e-5, 1.0, 0.1)),
    "aperture_on": ("[SENSe:]VOLTage[:DC]:APERture:ENABled", Switch(False)),
    "trigger": ("TRIGger:SOURce",
                Word(("IMMediate", "BUS", "EXTernal", "INTernal"), "IMM")),
    "trigger_count": ("TRIGger:COUNt", Number(1, 1e9, 1, whole=True)),
    "trigger_delay": ("TRIGger:DELay", Number(0.0, 3600.0, 0.0)),
    "auto_delay": ("TRIGger:DELay:AUTO", Switch(False, True)),
    "slope": ("TRIGger:SLOPe", Word(("POSitive", "NEGative"), "NEG")),
    "samples": ("SAMPle:COUNt", Number(1, 1e9, 1, whole=True)),
    "pretrigger": ("SAMPle:COUNt:PRETrigger", Number(0, 49999, 0, whole=True)),
    "timing": ("SAMPle:SOURce", Word(("IMMediate", "TIMer"), "IMM")),
    "display": ("DISPlay[:STATe]", Switch(True)),
}  # fmt: skip
