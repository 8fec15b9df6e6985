"""The instruments of a bench that was checked, as a tree for the terminal."""

from __future__ import annotations

import textwrap
from typing import Any

MARKS = {True: "ok       ", False: "FAILED   ", None: "not heard"}  # None: not asked, or silent
FOUND_WIDTH = 88  # of a line below an instrument
WHOLE_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def instrument_lines(instruments: dict[str, Any]) -> list[str]:
    """The instruments of a bench as a tree, every problem with its hint below it."""
    if not instruments:
        return ["no instruments"]
    lines = [_summary(list(instruments.values()))]
    for name, check in instruments.items():
        mark = MARKS[check.get("ok")]
        if check.get("ok") and check.get("findings"):
            mark = "ATTENTION"
        lines.append(f"{mark} {name}: {check.get('driver')} at {check.get('resource')}")
        branches = _branches(check)
        for number, (words, below) in enumerate(branches, start=1):
            last = number == len(branches)
            lines.append(f"    {'└' if last else '├'}─ {words}")
            lines += [f"    {' ' if last else '│'}     {line}" for line in below]
    return lines


def _summary(checks: list[dict[str, Any]]) -> str:
    failed = sum(check.get("ok") is False for check in checks)
    unheard = sum(check.get("ok") is None for check in checks)
    remarked = sum(bool(check.get("ok") and check.get("findings")) for check in checks)
    ok = len(checks) - failed - unheard - remarked
    parts = [f"{ok} ok"] if ok or not unheard else []
    parts += [f"{unheard} not heard"] if unheard else []
    parts += [f"{remarked} to look at"] if remarked else []
    parts += [f"{failed} failed"] if failed else []
    return f"{len(checks)} instrument{'s' if len(checks) != 1 else ''}: {', '.join(parts)}"


def _branches(check: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What hangs below an instrument: words, and lines below the words."""
    branches: list[tuple[str, list[str]]] = []
    findings = check.get("findings") or ()
    identity = str(check.get("identity") or "")
    if identity and not any(identity in finding["words"] for finding in findings):
        branches.append((identity, []))
    remarked = {finding["words"] for finding in findings}
    found = [words for words in _as_list(check.get("found")) if words not in remarked]
    branches += [(line, []) for line in _side_by_side(found)]
    proved = check.get("energised")
    if proved:
        branches.append((_proof(proved), []))
    for finding in findings:
        sign = "PROBLEM" if finding["fails"] else "note"
        words = textwrap.wrap(f"{sign}: {finding['words']}", FOUND_WIDTH, **WHOLE_WORDS)
        hint = textwrap.wrap(f"hint: {finding['hint']}", FOUND_WIDTH, **WHOLE_WORDS)
        branches.append((words[0], [*words[1:], *(hint if finding["hint"] else [])]))
    return branches


def _side_by_side(items: list[str]) -> list[str]:
    """Short items with dots between, as many a line as fit."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 3 <= FOUND_WIDTH:
            lines[-1] += f" · {item}"
        else:
            lines.append(item)
    return lines


def _proof(proved: dict[str, Any]) -> str:
    verdict = "ok" if proved["ok"] else "NOT OK"
    return (
        f"energised: {proved['set_A']:.4g} A set, {proved['setpoint_A']:.4g} A read back, "
        f"{proved['measured_A']:.4g} A measured ({1e3 * proved['deviation_A']:+.3g} mA), "
        f"{proved['left_A']:.3g} A left at zero: {verdict}"
    )


def _as_list(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}: {item}" for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)] if value else []
