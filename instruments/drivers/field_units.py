"""The unit a field probe's front panel chose, as teslas.

An oersted or an ampere per metre is a unit of H; the probe is in air, where B = µ0 H.
"""

from __future__ import annotations

import re

TESLA = {"T": 1.0, "G": 1.0e-4, "Oe": 1.0e-4, "A/m": 1.25663706e-6}

LAKE_SHORE_FIELD = re.compile(r"[+-]\d{1,3}\.\d+E[+-]\d\d")
"""The manuals' ±nnn.nnnE±nn; two digits of exponent: a reading that was cut is none."""

LAKE_SHORE_CODES = {"1": "G", "2": "T", "3": "Oe", "4": "A/m"}  # UNIT? of the 425, 455 and 475
SCPI_WORDS = {"TESLA": "T", "GAUSS": "G"}  # UNIT:FIELD? of the F41 and F71
