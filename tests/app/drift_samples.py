"""What a comparison leaves beside a twin, for the tests of those who read it."""

from __future__ import annotations

from app.store import sha256_of


def body_of(folder, **changes):
    file = folder / "twin.json"
    body = {
        "id": "drift-1", "created": "2026-11-25T20:00:00+00:00", "code_version": "0", "seed": 0,
        "twin": {"id": "twin-test", "path": str(file), "sha256": sha256_of(file)},
        "recording": {"id": "rec-new", "path": "rec", "sha256": "0" * 64},
        "against": ["old"], "method": "same drives", "changed": True, "p_value": 0.001,
        "level": 0.05, "words": "The device has changed.", "parts": {"mean": 0.001}, "effects": [],
        "notes": [],
    }  # fmt: skip
    return {**body, **changes}
