"""Arbitrary bench files, sequences and command orders on the virtual rig, judged on its wire.

The judge (`wire_judge`) shares no code with `instruments`; it is tested by
`test_limits_property_judge`. In CI hypothesis draws some cases, which it shrinks, and a seed the
rest; the full test draws 10^5 by seed.
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits_property_cases import Case, orders_case, sequences_case
from limits_property_draw import HypothesisDraw, SeededDraw
from limits_property_files import FileCase, file_case
from limits_property_run import Run
from limits_property_verdict import Tally, carried_out, smallest

from instruments.drivers.kepco_bop import KepcoBop
from instruments.guards import Band
from instruments.magnet_limits import MagnetLimits
from instruments.ramp_down import RampDown
from instruments.staircase import Staircase
from instruments.walk import Walk
from instruments.watch_duty import Duty

CI = {"orders": 350, "sequences": 250, "files": 800}
DRAWN = {"orders": 100, "sequences": 60, "files": 150}  # by hypothesis, in CI
FULL = {"orders": 30_000, "sequences": 20_000, "files": 50_000}
MOST_TRIES = 300
DRAW = {"orders": orders_case, "sequences": sequences_case, "files": file_case}


def check(case: Case | FileCase, tally: Tally) -> None:
    failures = tally.take(*carried_out(case))
    assert not failures, f"{failures[:3]}\n{case}"


def seeded(counts: dict[str, int], family: str, tally: Tally) -> None:
    """All cases of a family; then the first that failed, made small."""
    failed: list[Case | FileCase] = []
    for seed in range(counts[family]):
        case = DRAW[family](SeededDraw(seed))
        if tally.take(*carried_out(case)):
            failed.append(case)
    if failed and isinstance(failed[0], Case):
        kind = Run(failed[0]).go().failures[0].split(":")[0]
        failed[0] = smallest(
            failed[0], lambda c: any(f.startswith(kind) for f in Run(c).go().failures)
        )
    assert not failed, (
        f"{len(failed)} of {counts[family]}: {carried_out(failed[0])[0][:3]}\n" + str(failed[0])
    )


@cache
def ci_tally(family: str) -> Tally:
    """What the cases of CI have met."""
    tally = Tally()
    seeded(CI, family, tally)
    return tally


@pytest.mark.parametrize("family", CI)
def test_no_case_goes_beyond_a_limit_or_the_ramp(family):
    tally = ci_tally(family)
    assert tally.cases == CI[family]
    assert tally.sets > tally.cases  # on the rig, not beside it
    assert tally.kinds.total() == 0


@pytest.mark.parametrize("family", DRAWN)
def test_no_case_that_shrinks_goes_beyond_a_limit_or_the_ramp(family):
    tally = Tally()

    @settings(
        max_examples=DRAWN[family],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def holds(data):
        check(DRAW[family](HypothesisDraw(data.draw)), tally)

    holds()
    assert tally.cases >= DRAWN[family]


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_cases_go_beyond_no_limit_and_no_ramp():
    total = Tally()
    for family in FULL:
        tally = Tally()
        try:
            seeded(FULL, family, tally)
        finally:
            print(f"\n{family}: {tally}", flush=True)  # noqa: T201 (the README's figures)
        for name in ("cases", "sets", "messages", "connected"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
        total.outcomes += tally.outcomes
    print(total)  # noqa: T201
    met = ", ".join(f"{words} {n}" for words, n in total.outcomes.most_common(12))
    print(f"outcomes: {met}")  # noqa: T201
    assert total.cases == sum(FULL.values()) >= 100_000


def still(*_args, **_words):
    """Does nothing."""


def no_problem(*_args):
    return None


def half_as_far_again(limits, current_A):
    """A limit that is 1.5 times what the bench file says."""
    too_far = not abs(current_A) <= 1.5 * limits.max_current_A
    return "beyond" if too_far else None


def from_half_way(stairs, state, small_A):
    """A walk that takes half of the set-point for the whole, and doesn't look on its way."""
    Walk.start_from(stairs, state, small_A)
    stairs.sent_A, stairs.follow = stairs.sent_A / 2, still


def rounded_up(kepco):
    """A voltage limit of 0.1 mV more than the bench file says."""
    if kepco._compliance_V is not None:
        kepco._session.write(f"VOLT {kepco._compliance_V + 1e-4:.4f}")
    return ()


FAULTS = {
    "a limit of 1.5 times": (MagnetLimits, "problem", half_as_far_again, "limit"),
    "ticks that are not waited for": (Staircase, "pay", still, "pace"),
    "steps of twice the reach": (
        Staircase, "_next_A",
        lambda stairs, here_A, target_A: here_A + max(
            -2 * stairs.reach_A, min(2 * stairs.reach_A, target_A - here_A)), "step"),
    "one set however far": (Staircase, "_next_A", lambda stairs, here_A, to_A: to_A, "step"),
    "walks that start half-way": (Staircase, "start_from", from_half_way, "step"),
    "a duty that is not looked at": (Duty, "problem", no_problem, "duty"),
    "guards that are not looked at": (Band, "problem", no_problem, "guard"),
    "a ramp-down that only switches off": (RampDown, "_walked_down", lambda way, found: (
        way._magnet.output(False) or "off"), "switch"),
    "a ramp-down that does nothing": (RampDown, "attempt", lambda way, frugal: "safe", "end"),
    "exponents": (KepcoBop, "set_current_A", lambda kepco, current_A: kepco._session.write(
        f"CURR {current_A:e}"), "number"),
    "a compliance rounded up": (KepcoBop, "prepare", rounded_up, "compliance"),
}  # fmt: skip


def test_an_output_seen_off_is_not_taken_for_on_where_the_link_is_lost_then():
    """Found in the long run: the supply was walked, its set-point (-0.19 A) left standing."""
    assert not Tally().take(*carried_out(orders_case(SeededDraw(22665))))


def test_a_set_point_beyond_the_limit_that_a_hand_turns_down_is_not_turned_up_again():
    """Found in the long run: a hand came between the state that was found and the first set."""
    assert not Tally().take(*carried_out(orders_case(SeededDraw(19474))))


def test_an_output_does_not_go_on_in_voltage_mode():
    """Found in the long run: a hand's reset behind our change of mode."""
    assert not Tally().take(*carried_out(orders_case(SeededDraw(7771))))


def test_a_set_point_that_was_read_is_walked_from_where_its_second_answer_is_lost():
    """Found in the long run: the walk began at what was measured, 0.1 mA off."""
    assert not Tally().take(*carried_out(orders_case(SeededDraw(13974))))


@pytest.mark.parametrize("seed", [16522, 29367, 22661, 12405, 15587])
def test_a_set_point_that_a_hand_turns_up_on_the_way_down_is_walked_from_there(seed):
    """Found in the long run: it was read on the way, and the next set was a jump from there.

    Behind an answer that was lost as well; and to nearly where the walk had begun.
    """
    assert not Tally().take(*carried_out(orders_case(SeededDraw(seed))))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_is_built_in_is_found(fault, monkeypatch):
    """The same cases on a program that is broken in one place: the judge has to notice."""
    owner, name, broken, kind = FAULTS[fault]
    monkeypatch.setattr(owner, name, broken)
    for seed in range(MOST_TRIES):
        case = orders_case(SeededDraw(seed))
        if any(words.startswith(kind) for words in Run(case).go().failures):
            return
    pytest.fail(f"{fault}: nothing found in {MOST_TRIES} cases")


def test_the_cases_reach_what_they_are_meant_to_reach():
    """A property that only meets refusals proves nothing: these outcomes must occur."""
    met = " ".join(ci_tally("orders").outcomes)
    for words in (
        "done", "unsafe, said so", "energise: StoppedError", "verify: TwinrigError",
        "step_to_A: RefusedError", "refused by the supply", "energise: LinkError",
    ):  # fmt: skip
        assert words in met
