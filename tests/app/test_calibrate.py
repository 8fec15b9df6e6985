"""`twinrig bench calibrate` on the virtual rig: figures, files, limits, every way out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
from calibrated import PLAN, TEXT, TRUE, Orders, YokeRig, connected, is_off

import instruments.virtual.library as virtual_library
from app.calibration_store import load_calibration
from app.cli.main import main
from app.operations.calibrate import BRANCHES, calibrate, calibration_bench
from app.operations.events import Note, PointMeasured, Result
from app.store import read_recording
from instruments.bench_file import parse_bench
from instruments.calibration_walk import CalibrationPlan
from instruments.link_errors import LinkError
from instruments.virtual.gaussmeter import Gaussmeter
from models.errors import InputError, RefusedError, StoppedError, TwinrigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from instruments.bench import Bench


def run(out: Path, text: str = TEXT, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """The result's values, and the warnings."""
    with connected(text) as bench:
        events = list(calibrate(bench, out, **{"plan": PLAN, **options}))
    assert isinstance(events[-1], Result)
    said = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    return events[-1].values, said


def test_the_coil_is_found_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    values, said = run(tmp_path / "c")
    assert values["tesla_per_ampere"] == pytest.approx(TRUE, rel=1e-3)
    assert 0 < values["tesla_per_ampere_error"] < 1e-3 * TRUE
    assert abs(values["offset_T"]) < 1e-6
    assert values["hysteresis_T"] < 1e-6
    assert values["residual_T"] < 1e-6
    assert values["differs_from_bench"] is False
    assert said == []


def test_what_is_kept(tmp_path: Path) -> None:
    values, _ = run(tmp_path / "c")
    recording = read_recording(tmp_path / "c")
    assert recording.status == "done"
    assert recording.families == BRANCHES
    assert recording.channels == ("set", "current", "field", "error")
    assert recording.meta["kind"] == "calibration"
    assert recording.meta["calibration"]["teslameter"] == "gap"
    assert recording.identities["gap"].startswith("LSCI,MODEL475")
    assert recording.settings["gap"]["unit"] == "G"
    top_A = 0.9 * 11
    initial, falling, rising = recording.response[:, 0, :, 0]
    assert initial[:5] == pytest.approx(np.linspace(0, top_A, 5), abs=1e-3)
    assert falling == pytest.approx(np.linspace(top_A, -top_A, 9), abs=1e-3)
    assert rising == pytest.approx(falling[::-1])
    set_A, measured_A, field_T, error_T = np.moveaxis(recording.response[1:, 0], -1, 0)
    assert np.abs(measured_A - set_A).max() < 0.01
    assert np.abs(field_T - TRUE * set_A).max() < 1e-6
    assert (error_T >= 0).all()
    with xr.open_dataset(tmp_path / "c" / "recording.nc") as opened:
        assert opened["response"].shape == (3, 1, 9, 4)
    assert np.array_equal(recording.measured_field_T[1:], recording.response[1:, :, :, 2])
    assert (recording.read_s[1:] - recording.set_s[1:] > 0.5).all()  # it settled in between
    assert (np.diff(recording.set_s[1:].ravel()) > 0.5).all()
    stored = load_calibration(tmp_path / "c")
    assert stored.calibration.tesla_per_ampere == values["tesla_per_ampere"]
    assert (stored.magnet, stored.bench) == ("x", "gap")
    assert stored.recording == recording.meta["id"]


def test_a_changed_recording_is_no_longer_this_calibration_s(tmp_path: Path) -> None:
    run(tmp_path / "c")
    path = tmp_path / "c" / "recording.nc"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="SHA-256"):
        load_calibration(tmp_path / "c")


def test_a_yoke_s_width_remanence_and_offset_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    values, said = run(tmp_path / "c", plan=CalibrationPlan(points=41, readings=2))
    assert values["hysteresis_T"] == pytest.approx(YokeRig.width_T, rel=0.05)
    assert values["remanence_T"] == pytest.approx(YokeRig.width_T / 2, rel=0.05)
    assert values["offset_T"] == pytest.approx(YokeRig.offset_T, rel=0.02)
    assert values["tesla_per_ampere"] == pytest.approx(TRUE, rel=2e-3)
    assert said == []


@pytest.mark.parametrize("says", [3.8e-4, -4.0e-4])
def test_a_bench_file_that_is_off_is_told_what_to_write(tmp_path: Path, says: float) -> None:
    values, said = run(tmp_path / "c", TEXT.replace("4.0e-4", str(says)))
    assert values["differs_from_bench"] is True
    assert values["tesla_per_ampere"] == pytest.approx(TRUE, rel=1e-3)
    assert len(said) == 1
    assert "`tesla_per_ampere = 0.0004" in said[0] or "`tesla_per_ampere = 0.000399" in said[0]
    assert "[magnet.x]" in said[0]
    assert said[0] in read_recording(tmp_path / "c").meta["remarks"]


def test_a_probe_that_is_turned_round_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(YokeRig, "gain", -1.0)
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    _, said = run(tmp_path / "c")
    assert "is the probe turned round?" in said[0]


def test_one_far_from_the_last_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, said = run(tmp_path / "one")
    assert said == []
    _, said = run(tmp_path / "two")
    assert said == []
    monkeypatch.setattr(YokeRig, "gain", 1.1)
    monkeypatch.setattr(YokeRig, "width_T", 0.0)
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    values, said = run(tmp_path / "three")
    assert values["differs_from_bench"] is True
    assert len(said) == 2
    assert "last calibration" in said[1]
    assert "two" in said[1] or "one" in said[1]
    assert "+10.0 %" in said[1]


def test_an_earlier_one_that_bears_a_later_date_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The computer's clock was a year ahead, and is right again: the old one stayed the last."""
    with monkeypatch.context() as ahead:
        ahead.setattr("app.operations.calibrate_begin.now_iso", lambda: "2099-01-01T00:00:00+00:00")
        _, said = run(tmp_path / "one")
    assert said == []
    _, said = run(tmp_path / "two")
    assert len(said) == 1
    assert f"{tmp_path / 'one' / 'calibration.json'}) is dated 2099-01-01" in said[0]
    assert "move that folder away" in said[0]
    assert read_recording(tmp_path / "two").meta["remarks"] == said


def test_it_never_goes_beyond_the_field_limit(tmp_path: Path) -> None:
    text = TEXT.replace("max_current_A = 11.0", "max_current_A = 11.0\nmax_field_T = 0.002")
    tap = Orders()
    with connected(text, tap) as bench:
        list(calibrate(bench, tmp_path / "c", plan=CalibrationPlan(points=5, share=1.0)))
    sets = [float(data.split()[1]) for data in tap.to("x", b"CURR ")]
    assert max(map(abs, sets)) == pytest.approx(5.0)


def test_a_field_beyond_what_the_bench_allows_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(YokeRig, "gain", 2.0)
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    text = TEXT.replace("max_current_A = 11.0", "max_current_A = 11.0\nmax_field_T = 0.004")
    tap = Orders()
    with connected(text, tap) as bench:
        with pytest.raises(TwinrigError, match=r"beyond max_field_T = 0\.004"):
            list(calibrate(bench, tmp_path / "c", plan=PLAN))
        assert is_off(bench)
    sets = [float(data.split()[1]) for data in tap.to("x", b"CURR ")]
    assert max(map(abs, sets)) < 8  # 9 A were to come
    assert read_recording(tmp_path / "c").status == "failed"
    assert not (tmp_path / "c" / "calibration.json").exists()


def test_a_probe_that_sees_nothing_is_no_calibration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(YokeRig, "gain", 0.0)
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    with connected() as bench:
        with pytest.raises(TwinrigError, match="doesn't follow the current"):
            list(calibrate(bench, tmp_path / "c", plan=PLAN))
        assert is_off(bench)
    assert read_recording(tmp_path / "c").status == "failed"


def test_a_probe_beyond_its_range_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(YokeRig, "offset_T", 1e3)
    monkeypatch.setattr(virtual_library, "VirtualRig", YokeRig)
    with connected() as bench, pytest.raises(TwinrigError, match="larger range"):
        list(calibrate(bench, tmp_path / "c", plan=PLAN))


@pytest.mark.parametrize("steps", [1, 3, 12])
def test_stopped_anywhere_it_is_safe_and_kept(tmp_path: Path, steps: int) -> None:
    with connected() as bench:
        events = calibrate(bench, tmp_path / "c", plan=PLAN)
        seen: Iterator[Any] = (event for event in events if isinstance(event, PointMeasured))
        for _ in range(steps):
            next(seen)
        bench.stop.request()
        with pytest.raises(StoppedError):
            list(events)
        assert is_off(bench)
    recording = read_recording(tmp_path / "c")
    assert recording.status == "stopped"
    assert int(recording.complete.sum()) == (1 if steps == 12 else 0)
    assert not (tmp_path / "c" / "calibration.json").exists()


def test_a_closed_generator_leaves_it_safe(tmp_path: Path) -> None:
    with connected() as bench:
        events = calibrate(bench, tmp_path / "c", plan=PLAN)
        next(event for event in events if isinstance(event, PointMeasured))
        events.close()
        assert is_off(bench)


def test_a_no_energises_nothing_and_makes_nothing(tmp_path: Path) -> None:
    tap, asked = Orders(), []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with (
        connected(tap=tap) as bench,
        pytest.raises(StoppedError, match="nobody said yes"),
    ):
        list(calibrate(bench, tmp_path / "c", plan=PLAN, confirm=no))
    assert "±9.9 A" in asked[0]
    assert "hand out of the gap" in asked[0]
    assert tap.to("x", b"OUTP ON") == []
    assert not (tmp_path / "c").exists()


def test_a_duty_that_it_would_break_is_refused_beforehand(tmp_path: Path) -> None:
    duty = "max_current_A = 11.0\nmax_duty_A2s = 50.0\nduty_window_s = 60.0"
    tap = Orders()
    with connected(TEXT.replace("max_current_A = 11.0", duty), tap) as bench:
        with pytest.raises(RefusedError, match="max_duty_A2s"):
            list(calibrate(bench, tmp_path / "c", plan=PLAN))
        assert tap.to("x", b"OUTP ON") == []
    assert not (tmp_path / "c").exists()


def test_a_guard_that_is_out_refuses_before_anybody_is_asked_or_anything_is_kept(
    tmp_path: Path,
) -> None:
    warm = """
[thermometer.coil]
driver = "lakeshore-336"
resource = "TCPIP0::virtual-lakeshore-336::5025::SOCKET"
max_K = 200.0
"""

    def asked(question: str) -> bool:
        raise AssertionError(question)

    with pytest.raises(RefusedError, match="thermometer coil reads"):
        run(tmp_path / "c", TEXT + warm, confirm=asked)
    assert not (tmp_path / "c").exists()


def test_read_outs_that_guard_nothing_are_not_needed() -> None:
    spec = calibration_bench(parse_bench(TEXT, "b.toml"))
    assert spec.readouts == {}
    guarded = TEXT + '[interlock.water]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = -1.0\n'
    assert list(calibration_bench(parse_bench(guarded, "b.toml")).readouts) == ["lockin"]


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        (TEXT.replace("[teslameter.gap]", "[other]"), (None, None), "unknown"),
        (TEXT, ("y", None), "no [magnet.y]"),
        (TEXT, (None, "b"), "no [teslameter.b]; there are: gap"),
    ],
)
def test_names_that_are_not_there(text: str, names: tuple[str | None, ...], words: str) -> None:
    with pytest.raises(InputError) as raised:
        calibration_bench(parse_bench(text, "b.toml"), *names)
    assert words in str(raised.value)


def test_one_of_several_teslameters_has_to_be_named() -> None:
    second = TEXT.split("[drive]")[0].split("[teslameter.gap]")[1]
    text = TEXT + "[teslameter.far]" + second.replace("5025", "5026")
    spec = parse_bench(text, "b.toml")
    with pytest.raises(InputError, match="choose one of gap, far"):
        calibration_bench(spec)
    assert list(calibration_bench(spec, None, "far").teslameters) == ["far"]


# ---- as a user meets it


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench, out = tmp_path / "b.toml", tmp_path / "c"
    bench.write_text(TEXT.replace("4.0e-4", "3.8e-4"))
    before = bench.read_bytes()
    options = ["bench", "calibrate", "--bench", str(bench), "--out", str(out), "--points", "5"]
    assert main([*options, "--yes", "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out.splitlines()[-1])
    assert {
        "path", "tesla_per_ampere", "tesla_per_ampere_error", "offset_T", "hysteresis_T",
        "residual_T", "differs_from_bench",
    } <= set(result)  # fmt: skip
    assert result["differs_from_bench"] is True
    assert "write `tesla_per_ampere" in said.err
    assert bench.read_bytes() == before
    assert main([*options, "--yes", "--json"]) == 2  # never overwritten
    assert main([*options[:-3], str(tmp_path / "d"), "--json"]) == 2  # nobody can answer
    assert "nobody can answer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--points", "3"], "points = 3"),
        (["--share", "1.2"], "share = 1.2"),
        (["--share", "1e-9"], "share = 1e-09 must be 0.001 to 1, of the limit"),
        (["--settle", "1e300"], "settle_s = 1e+300 s must be 0 to 3600 s"),
    ],
)
def test_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], words: str
) -> None:
    bench = tmp_path / "b.toml"
    bench.write_text(TEXT)
    out = ["--out", str(tmp_path / "c"), "--yes"]
    assert main(["bench", "calibrate", "--bench", str(bench), *out, *given]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("lost", [(4,), (4, 5)])
def test_a_lost_reading_is_asked_once_more_and_a_second_one_ends_it(
    tmp_path: Path, lost: tuple[int, ...]
) -> None:
    with connected() as bench:
        meter, asked = bench.teslameters["gap"], 0
        real = meter.field_T

        def field_T() -> float:
            nonlocal asked
            asked += 1
            if asked in lost:
                raise LinkError("gap", "no answer", resource="GPIB0::12", hint="Is it on?")
            return real()

        meter.field_T = field_T  # type: ignore[method-assign]
        events = calibrate(bench, tmp_path / "c", plan=PLAN)
        if len(lost) == 1:
            said = [event.text for event in events if isinstance(event, Note)]
            assert sum("measured once more" in words for words in said) == 1
        else:
            with pytest.raises(LinkError):
                list(events)
        assert is_off(bench)
    status = read_recording(tmp_path / "c").status
    assert status == ("done" if len(lost) == 1 else "failed")


def test_each_reading_of_a_point_is_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A teslameter that measures ten times a second tells what it measured last."""
    told, reading_T = dict[int, float](), Gaussmeter._reading_T

    def measured(meter: Gaussmeter) -> float:
        return told.setdefault(int(meter.time.now_s / 0.1), reading_T(meter))

    monkeypatch.setattr(Gaussmeter, "_reading_T", measured)
    run(tmp_path / "c")
    errors_T = read_recording(tmp_path / "c").response[:, 0, :, 3]
    assert np.nanmedian(errors_T) > 0  # its last digit is near the noise: some two are the same


def test_an_average_that_is_longer_than_a_point_settles_is_no_hysteresis(tmp_path: Path) -> None:
    """Asked for its last average, a teslameter tells of the point before for so long."""

    class Averaging:
        def __init__(self, real: Any, bench: Bench) -> None:
            self._real, self._bench, self._whole_T = real, bench, 0.0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def settings(self) -> dict[str, Any]:
            return {**self._real.settings(), "averaging_s": 1.5}

        def field_T(self) -> float:
            if self._bench.clock.now_s() - self._bench.magnets["x"].there_s >= 1.5:
                self._whole_T = self._real.field_T()
            return self._whole_T

    with connected() as bench:
        bench.teslameters["gap"] = Averaging(bench.teslameters["gap"], bench)  # type: ignore[assignment]
        *_, result = calibrate(bench, tmp_path / "c", plan=PLAN)
    assert isinstance(result, Result)
    assert result.values["hysteresis_T"] < 1e-6  # a step between two points is 1e-3
    assert result.values["tesla_per_ampere"] == pytest.approx(TRUE, rel=1e-3)
