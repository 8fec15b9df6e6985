"""Benches that are connected for one operation: stopped with it, safe and closed at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recorded import is_safe

from app.operations.events import Note
from app.operations.further_benches import with_further
from app.operations.safely import made_safe, voice_of
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.limits import LimitedMagnet, UnsafeError
from models.errors import InputError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.device_benches import Benches
    from app.operations.events import Event

LEAKY = "virtual-leaky-integrator"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench.connect(read_bench("virtual")) as made:
        yield made


class Played:
    """An operation that energises its second bench and never ends by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.benches: list[Bench] = []
        self.closed: list[tuple[str, bool]] = []
        real = Bench.close

        def close(bench: Bench) -> None:
            with bench.stop.shield():
                self.closed.append((bench.spec.name, is_safe(bench)))
            real(bench)

        monkeypatch.setattr(Bench, "close", close)

    def __call__(self, benches: Benches) -> Iterator[Event]:
        assert not isinstance(benches, Bench)
        self.benches = list(benches)
        self.benches[1].energise()
        while True:
            self.benches[1].stop.check()
            yield Note("on")


def test_however_it_ends_the_others_are_safe_then_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch)
    running = with_further(bench, [LEAKY], played)
    assert [next(running) for _ in range(2)][1] == Note("on")
    assert not is_safe(played.benches[1])
    running.close()
    assert played.closed == [("virtual leaky integrator", True)]
    assert bench.identities()  # still connected


def test_one_request_stops_all_of_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    running = with_further(bench, [LEAKY], played)
    assert [next(running) for _ in range(2)][1] == Note("on")
    bench.stop.request()
    with pytest.raises(StoppedError):
        next(running)
    bench.stop.clear()
    assert played.closed == [("virtual leaky integrator", True)]


def test_what_the_others_say_is_told_where_the_first_one_is_and_kept_apart(bench: Bench) -> None:
    calm: list[str] = []
    bench.tell = calm.append

    def operation(benches: Benches) -> Iterator[Event]:
        assert not isinstance(benches, Bench)
        first, second = (one.tell for one in benches)
        assert first is not second  # what one could not do, another's success must not undo
        second("no answer")
        yield Note("said")

    assert list(with_further(bench, [LEAKY], operation))[1:] == [Note("said")]
    assert "virtual leaky integrator: no answer" in calm


def test_a_file_that_is_none_connects_nobody(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml"):
        next(with_further(bench, [LEAKY, str(tmp_path / "none.toml")], Played))  # type: ignore[arg-type]


def test_a_bench_that_could_not_be_made_safe_stays_with_who_goes_on_trying(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Bench] = []

    def operation(benches: Benches) -> Iterator[Event]:
        assert not isinstance(benches, Bench)
        assert kept == benches[1:]  # known to the front end as long as it is connected
        benches[1].energise()
        benches[1].give_up_s = 0.2
        yield Note("on")

    with monkeypatch.context() as broken:
        broken.setattr(LimitedMagnet, "make_safe", _not_now)
        with pytest.raises(UnsafeError, match="go there"):
            list(with_further(bench, [LEAKY], operation, kept=kept))
    (left,) = kept
    assert "go there" in voice_of(left).unsafe
    assert not is_safe(left)
    assert left.identities()  # still connected
    made_safe(left)
    left.close()
    assert list(with_further(bench, [LEAKY], lambda _: iter(()), kept=[])) != []


def _not_now(*_: object) -> str:
    raise UnsafeError("the supply does not answer: go there and switch it off")


def test_two_benches_of_one_name_are_refused_before_one_is_connected(bench: Bench) -> None:
    with pytest.raises(InputError, match="two are called 'virtual nanoring array'"):
        next(with_further(bench, ["virtual"], Played))  # type: ignore[arg-type]


def test_without_others_the_operation_has_the_one_bench(bench: Bench) -> None:
    def operation(given: Benches) -> Iterator[Event]:
        assert given is bench
        yield Note("one")

    assert list(with_further(bench, [], operation)) == [Note("one")]
