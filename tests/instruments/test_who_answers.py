"""Asking resources who they are, against the whole virtual lab over TCP: what is sent, and told."""

from __future__ import annotations

import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from served import ServedRig, served

from instruments.clock import Stop
from instruments.draft_settings import boards_of
from instruments.virtual.models import MODELS
from instruments.virtual.rig import CLOCK
from instruments.who_answers import CLOCK as CLOCK_DRIVER
from instruments.who_answers import who_answers
from models.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = ("kepco-bop", "sr830")
NEEDS_ITS_DRIVER = "danfysik-8500"  # knows no *IDN?


@pytest.fixture(scope="module")
def lab() -> Iterator[ServedRig]:
    rig = ServedRig(MODELS, 1.0)
    yield rig
    rig.stop()


def test_every_instrument_of_the_lab_is_known_and_nothing_is_set(lab: ServedRig) -> None:
    lab.wire.clear()
    resources = {key: lab.resources[key] for key in (*MODELS, CLOCK)}
    answers = who_answers([(one, "") for one in resources.values()], stop=Stop())
    for (key, resource), answer in zip(resources.items(), answers, strict=True):
        assert answer.resource == resource
        if key == NEEDS_ITS_DRIVER:
            assert answer.driver == ""
            assert f"{NEEDS_ITS_DRIVER}@{resource}" in answer.hint
            continue
        assert answer.driver == (CLOCK_DRIVER if key == CLOCK else key)
        assert (answer.problem, answer.terminator) == ("", None)
    kepco = answers[list(resources).index("kepco-bop")]
    assert (kepco.rated_A, kepco.rated_V) == (12.0, 36.0)
    sent = [data for _, _, way, data in lab.wire if way == "out"]
    assert len(sent) >= 2 * len(MODELS) - 1
    assert [data for data in sent if b"?" not in data and not data.startswith(b"READ:")] == []


def test_a_driver_that_is_named_asks_in_its_own_way(lab: ServedRig) -> None:
    right, wrong = who_answers(
        [(lab.resources[NEEDS_ITS_DRIVER], NEEDS_ITS_DRIVER), (lab.resources["sr830"], "sr860")],
        stop=Stop(),
    )
    assert (right.driver, right.problem) == (NEEDS_ITS_DRIVER, "")
    assert wrong.wrong
    assert "SR830" in wrong.identity
    assert "'sr830'" in wrong.hint


def test_a_device_that_echoes_is_told_as_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def echo() -> None:
            link, _ = server.accept()
            with link:
                while heard := link.recv(4096):
                    link.sendall(heard)

        threading.Thread(target=echo, daemon=True).start()
        port = server.getsockname()[1]
        (answer,) = who_answers([(f"TCPIP0::127.0.0.1::{port}::SOCKET", "")], stop=Stop())
    assert answer.problem == "sends back what it hears"
    assert "switch its echo off" in answer.hint


def test_an_address_that_is_given_twice_is_asked_once(lab: ServedRig) -> None:
    first, second = who_answers([(lab.resources["sr830"], "")] * 2, stop=Stop())
    assert first == second
    assert (first.driver, first.problem) == ("sr830", "")


def test_hislip_instruments_are_asked_alike() -> None:
    with served(BOTH, 1.0, hislip=BOTH) as rig:
        answers = who_answers([(rig.resources[key], "") for key in BOTH], stop=Stop())
    assert [answer.driver for answer in answers] == list(BOTH)


@pytest.mark.skipif(sys.platform == "win32", reason="the lines of pty_line")
def test_a_serial_line_is_asked_at_the_rates_and_frames_of_the_models() -> None:
    from pty_line import NetworkPort, lines

    models = ("lakeshore-643", "lakeshore-475", "lakeshore-f71", "kepco-bop")
    with (
        served(models, 1.0) as rig,
        lines(*(rig.resources[key] for key in models), kind=NetworkPort) as ports,
    ):
        answers = who_answers([(port.resource, "") for port in ports], stop=Stop())
    assert [answer.driver for answer in answers] == list(models)
    assert [answer.problem for answer in answers] == [""] * len(models)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_port_that_can_not_be_set_as_the_driver_has_it_is_told_with_who_is_there() -> None:
    from pty_line import lines

    with served(("lakeshore-643",), 1.0) as rig, lines(rig.resources["lakeshore-643"]) as (port,):
        (answer,) = who_answers([(port.resource, "")], stop=Stop())
    assert answer.driver == "lakeshore-643"
    assert answer.identity.startswith("LSCI,MODEL643")
    assert "refuses 57600 baud, 7-O-1" in answer.problem


def test_instruments_behind_a_gpib_adapter_are_asked_through_it() -> None:
    with served(BOTH, 1.0, prologix=BOTH) as rig:
        boards = boards_of([f"board.gpib.resource={rig.adapter}"])
        asked = [*(rig.resources[key] for key in BOTH), "GPIB0::29::INSTR"]
        answers = who_answers([(one, "") for one in asked], stop=Stop(), boards=boards)
    assert [answer.driver for answer in answers] == [*BOTH, ""]
    assert "says nothing" in answers[2].problem


def test_a_gpib_adapter_is_no_instrument_and_nothing_is_sent_to_it() -> None:
    with served(BOTH, 1.0, prologix=BOTH) as rig:
        adapter = rig.adapter
        assert adapter is not None
        rig.wire.clear()
        (answer,) = who_answers([(adapter, "")], stop=Stop())
        assert rig.wire == []
    assert answer.problem == "is a GPIB adapter, no instrument"
    assert f"--set board.gpib.resource={adapter}" in answer.hint
    assert "GPIB0::ADDRESS::INSTR" in answer.hint


def test_who_is_not_there_is_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instruments.who_answers.ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answers = who_answers(
            [(f"TCPIP0::127.0.0.1::{silent.getsockname()[1]}::SOCKET", ""),
             ("TCPIP0::127.0.0.1::9::SOCKET", ""), ("nonsense", "")],
            stop=Stop(),
        )  # fmt: skip
    assert [answer.driver for answer in answers] == ["", "", ""]
    assert "says nothing" in answers[0].problem
    assert "refused" in answers[1].problem
    assert "no VISA resource name" in answers[2].problem


def test_stop_ends_it() -> None:
    stop = Stop()
    stop.request()
    with pytest.raises(StoppedError):
        who_answers([("TCPIP0::127.0.0.1::9::SOCKET", "")], stop=stop)
