"""What each task holds: its definition, its split, what it is scaled by."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.errors import InputError
from training.tasks import Task, known_tasks, make_task, options_of, series
from training.tasks.emg import GESTURES, excerpt
from training.tasks.images import IDX_NAMES, digit_images
from training.tasks.windowed import stratified_folds

if TYPE_CHECKING:
    from pathlib import Path


def parts(task: Task) -> list[np.ndarray]:
    return [np.flatnonzero(task.answers(m)) for m in (task.train, task.validation, task.test)]


def test_narma_follows_its_equation() -> None:
    drive, after, seed = series.narma_10_series(400, 3)
    assert seed == 3
    y, u = after[:-1], drive[1:]  # after[t] = y(t+1): so y[t] is y at the time of u[t]
    t = np.arange(9, len(y))
    total = sum(y[t - i] for i in range(10))
    expected = 0.3 * y[t] + 0.05 * y[t] * total + 1.5 * u[t - 9] * u[t] + 0.1
    np.testing.assert_allclose(after[1:][t], expected, rtol=1e-12)
    assert 0 <= drive.min() < 0.01
    assert 0.49 < drive.max() <= 0.5
    task = make_task("narma-10:train=300,validation=50,test=900")  # the longer part has extremes
    known = task.targets[:300]
    assert (known.min(), known.max()) == (0.0, 1.0)
    assert np.ptp(task.targets) > 1.0


def test_a_narma_series_that_runs_away_is_passed_over_and_the_seed_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound set among what bounded series reach: some seeds pass it, others don't."""
    monkeypatch.setattr(series, "NARMA_LOST", 0.74)
    task = make_task("narma-10:train=300,validation=50,test=100")
    taken = task.options["seed"]
    assert taken > 0
    assert f"seed {taken}" in task.describe()
    assert f"({taken} diverged before it)" in task.describe()
    monkeypatch.setattr(series, "NARMA_LOST", 0.3)
    with pytest.raises(InputError, match="none of the seeds 0…49 stays bounded"):
        make_task("narma-10")


def test_the_laser_is_the_users_own_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"santa-fe:file=PATH is missing.*reservoirpy"):
        make_task("santa-fe")
    values = np.random.default_rng(0).integers(0, 255, 900)
    np.savetxt(tmp_path / "laser.txt", values, fmt="%d")
    np.save(tmp_path / "laser.npy", values)
    options = "train=500,validation=100,test=200,washout=50,h=2"
    task = make_task(f"santa-fe:file={tmp_path / 'laser.txt'},{options}")
    same = make_task(f"santa-fe:file={tmp_path / 'laser.npy'},{options}")
    np.testing.assert_array_equal(task.inputs, same.inputs)
    np.testing.assert_array_equal(task.targets[:-2], task.inputs[2:])
    damaged = (tmp_path / "laser.npy").read_bytes().replace(b"}", b" ", 1)
    (tmp_path / "damaged.npy").write_bytes(damaged)
    with pytest.raises(InputError, match="can't be read"):
        make_task(f"santa-fe:file={tmp_path / 'damaged.npy'},{options}")
    low, high = values[:500].min(), values[:500].max()
    np.testing.assert_allclose(task.inputs[:, 0], (values[:750] - low) / (high - low))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1\n2\nthree\n", "can't be read"),
        ("1\n2\n3\n", "holds 3 numbers, 4101 are needed"),
        ("nan\n" * 4200, "not finite"),
        ("7\n" * 4200, "stays at 7 over its training part: look at"),
        ("1 0.5\n" * 4200, r"a table of shape \(4200, 2\): one series is needed"),
    ],
)
def test_a_laser_file_that_can_not_serve_is_refused(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "laser.txt").write_text(body)
    with pytest.raises(InputError, match=words):
        make_task(f"santa-fe:file={tmp_path / 'laser.txt'}")


def test_the_digits_folds_are_those_of_scikit_learn() -> None:
    """`StratifiedKFold(5, shuffle=True, random_state=0)` of scikit-learn 1.7.2 on these labels."""
    _, labels = digit_images()
    folds = stratified_folds(labels, 5, 0)
    assert np.bincount(folds).tolist() == [360, 360, 359, 359, 359]
    assert folds[:10].tolist() == [1, 0, 2, 0, 1, 1, 3, 0, 4, 2]
    assert int((folds * np.arange(len(folds))).sum()) == 3277810
    for fold in range(5):
        share = np.bincount(labels[folds == fold], minlength=10) / np.bincount(labels)
        np.testing.assert_allclose(share, 0.2, atol=0.005)


def test_every_digit_is_unseen_in_one_fold_and_shown_row_by_row() -> None:
    images, _ = digit_images()
    unseen = []
    for fold in range(5):
        task = make_task(f"digits:fold={fold}")
        train, validation, test = parts(task)
        windows = task.inputs.reshape(-1, 8, 8)
        unseen.append(windows[test])
        assert len(train) + len(validation) + len(test) == 1797
        assert task.run == slice(8 * (test[0] - 8), 8 * (test[-1] + 1))
        known = {one.tobytes() for one in windows[train]}
        assert all(one.tobytes() in known for one in windows[test[0] - 8 : test[0]])
    order = sorted(one.tobytes() for one in np.concatenate(unseen))
    assert order == sorted(one.tobytes() for one in images)


def test_neighbours_tell_nothing_of_a_class() -> None:
    task = make_task("emg")
    assert task.labels is not None
    for part in parts(task):
        labels = task.labels[part]
        same = float(np.mean(labels[1:] == labels[:-1]))
        by_chance = float(np.sum((np.bincount(labels) / len(labels)) ** 2))
        assert same == pytest.approx(by_chance, abs=0.08)


def test_emg_trains_on_two_sessions_and_is_tested_on_the_third() -> None:
    data = excerpt()
    task = make_task("emg:participant=2")
    assert task.options["participant"] == 54321
    train, validation, test = parts(task)
    own = data.participant == 54321
    assert len(test) == int((own & (data.session == 3)).sum())
    assert len(train) + len(validation) == int((own & (data.session < 3)).sum())
    assert task.classes == GESTURES
    assert "excerpt" in task.describe()
    seen = task.inputs[task.train]
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-9)


def test_emg_is_validated_on_a_session_as_it_is_tested_on_one() -> None:
    data = excerpt()
    own = data.participant == 12345
    for validation, trained in ((2, 1), (1, 2)):
        task = make_task(f"emg:validation={validation}")
        train, judged, test = parts(task)
        assert len(train) == int((own & (data.session == trained)).sum())
        assert len(judged) == int((own & (data.session == validation)).sum())
        assert len(test) == int((own & (data.session == 3)).sum())
        assert f"session {trained} trains, {validation} is for validation" in task.describe()
    train, judged, _ = parts(make_task("emg:validation=0"))
    late = own & (data.session < 3) & (data.late >= 5 / 6)
    assert len(judged) == int(late.sum()) < len(train)
    with pytest.raises(InputError, match="validation = 3 must be session 1 or 2, or 0"):
        make_task("emg:validation=3")


def raw_recording(rng: np.random.Generator, gesture: int, loud: float) -> np.ndarray:
    """Twelve stretches of 2.1 s, rest and gesture in turn, as the armband gives them."""
    label = np.repeat(np.arange(12) % 2 * gesture, 420)
    amplitude = np.where(label > 0, loud, 5)[:, None]
    values = np.clip(rng.normal(0, amplitude, (len(label), 8)).round(), -128, 127)
    return np.column_stack([values, label]).astype(np.int64)


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    """The public layout: <five digits>-<session>/<gesture>.txt; and the same as NPZ."""
    rng = np.random.default_rng(0)
    arrays = {}
    for session in (1, 2, 3):
        place = tmp_path / "readings" / f"11111-{session}"
        place.mkdir(parents=True)
        for gesture in range(8):
            table = raw_recording(rng, gesture, 10 + 10 * gesture)
            np.savetxt(place / f"{gesture}.txt", table, fmt="%d", delimiter=",")
            arrays[f"participant11111_session{session}_gesture{gesture}"] = table.astype(np.int8)
    (tmp_path / "readings" / "curated.txt").write_text("11111-1\n")
    np.savez(tmp_path / "readings.npz", **arrays)
    return tmp_path


def test_emg_is_read_from_the_public_layout_and_from_npz(readings: Path) -> None:
    task = make_task(f"emg:validation=0,folder={readings / 'readings'}")
    same = make_task(f"emg:validation=0,participant=11111,file={readings / 'readings.npz'}")
    np.testing.assert_array_equal(task.inputs, same.inputs)
    train, validation, test = parts(task)
    # a stretch of 2.1 s holds two whole seconds; the last two of twelve stretches are validation;
    # the recording of rest alone is one stretch of 25.2 s
    assert (len(train), len(test)) == (2 * (7 * 20 + 21), 7 * 24 + 25)
    assert len(validation) == 2 * 8 * 4
    assert "raw samples" in task.describe()


def test_emg_data_that_are_something_else_are_refused(readings: Path) -> None:
    folder = readings / "readings"
    with pytest.raises(InputError, match="participant = 7 is none of 11111, nor of 1…1"):
        make_task(f"emg:participant=7,folder={folder}")
    with pytest.raises(InputError, match="exclude each other"):
        make_task(f"emg:file=a,folder={folder}")
    with pytest.raises(InputError, match="no folder"):
        make_task("emg:folder=nowhere")
    (folder / "11111-2" / "3.txt").write_text("1,2,3\n")
    (folder / "11111-3" / "4.txt").write_text("1,2,3,4,5,6,7,500,0\n")
    with pytest.raises(InputError, match=r"2 problems(.|\n)*expected \(samples, 9\)(.|\n)*±128"):
        make_task(f"emg:folder={folder}")
    (folder / "11111-1" / "0.txt").write_text("1,2,x\n")
    with pytest.raises(InputError, match=r"0\.txt"):
        make_task(f"emg:folder={folder}")
    (folder / "11111-1" / "0.txt").write_text("")
    with pytest.raises(InputError, match=r"11111-1/0\.txt: .*no data"):  # and no warning of NumPy's
        make_task(f"emg:folder={folder}")
    (readings / "no.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(InputError, match="can't be read as NPZ"):
        make_task(f"emg:file={readings / 'no.npz'}")


def test_emg_samples_as_fractions_are_refused_by_the_name_of_their_array(readings: Path) -> None:
    """They were taken for zeros."""
    with np.load(readings / "readings.npz") as stored:
        arrays = {name: stored[name].astype(float) for name in stored.files}
    np.savez(readings / "floats.npz", **arrays)  # whole numbers still
    make_task(f"emg:file={readings / 'floats.npz'}")
    name = "participant11111_session2_gesture3"
    arrays[name][:, :8] /= 128.0
    np.savez(readings / "fractions.npz", **arrays)
    with pytest.raises(InputError, match=f"{name}: holds other than whole numbers"):
        make_task(f"emg:file={readings / 'fractions.npz'}")


def test_a_participant_without_the_third_session_is_refused(readings: Path) -> None:
    for path in (readings / "readings" / "11111-3").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="participant 11111 has no session 3"):
        make_task(f"emg:folder={readings / 'readings'}")


def write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    body = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)


@pytest.fixture
def idx(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, count, end in (("train", 120, ""), ("test", 60, ".gz")):
        labels = np.arange(count) % 3
        images = rng.integers(0, 100, (count, 28, 28)) + 50 * labels[:, None, None]
        write_idx(tmp_path / (IDX_NAMES[f"{part} images"] + end), images)
        write_idx(tmp_path / (IDX_NAMES[f"{part} labels"] + end), labels)
    return tmp_path


def test_mnist_files_are_read_packed_or_not_and_shrunk(idx: Path) -> None:
    sizes = "train=80,validation=30,test=40"
    task = make_task(f"mnist:folder={idx},{sizes}")
    assert task.inputs.shape == (28 * (80 + 30 + 4 + 40), 28)
    assert task.window == 28
    assert 0 <= task.inputs.min() <= task.inputs.max() <= 1
    small = make_task(f"mnist:folder={idx},{sizes},shrink=2,pool=all")
    assert (small.window, small.inputs.shape[1], small.pool) == (14, 14, "all")
    whole, shrunk = task.inputs[:28], small.inputs[:14]
    np.testing.assert_allclose(shrunk[0, 0], whole[:2, :2].mean())


def test_mnist_files_that_are_missing_or_damaged_are_refused(idx: Path) -> None:
    with pytest.raises(InputError, match=r"mnist:folder=PATH is missing.*https"):
        make_task("mnist")
    with pytest.raises(
        InputError, match=r"train . validation = 200 images, but the files hold 120"
    ):
        make_task(f"mnist:folder={idx},train=100,validation=100,test=40")
    with pytest.raises(InputError, match="shrink = 3 doesn't divide 28×28"):
        make_task(f"mnist:folder={idx},train=80,validation=30,test=40,shrink=3")
    path = idx / IDX_NAMES["train labels"]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="holds 115 values, its head says"):
        make_task(f"mnist:folder={idx}")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="no IDX file of bytes"):
        make_task(f"mnist:folder={idx}")
    counts = np.random.default_rng(0).integers(0, 9, 5000, dtype=np.uint8).tobytes()
    packed = bytearray(gzip.compress(counts))
    packed[60] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(InputError, match="can't be read: Error -3 while decompressing"):
        make_task(f"mnist:folder={idx}")
    path.unlink()
    with pytest.raises(InputError, match="holds neither train-labels-idx1-ubyte nor"):
        make_task(f"mnist:folder={idx}")


def test_mnist_images_of_two_sizes_or_of_nothing_are_refused(idx: Path) -> None:
    sizes = "train=80,validation=30,test=40"
    write_idx(idx / IDX_NAMES["train images"], np.zeros((120, 28, 28)))
    with pytest.raises(InputError, match="all inputs of the training part are constant"):
        make_task(f"mnist:folder={idx},{sizes}")
    write_idx(idx / IDX_NAMES["train images"], np.zeros((120, 14, 14)))
    with pytest.raises(InputError, match="images are of 14×14 and 28×28 pixels"):
        make_task(f"mnist:folder={idx},{sizes}")


def test_a_mnist_head_beyond_any_memory_is_a_damaged_file(idx: Path) -> None:
    huge = struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4)
    (idx / IDX_NAMES["train images"]).write_bytes(huge)
    with pytest.raises(InputError, match="holds 0 values, its head says"):
        make_task(f"mnist:folder={idx}")


def test_sines_and_squares_have_the_same_power_and_mean() -> None:
    task = make_task("signals:noise=0.001,train=2000,validation=100,test=100")
    assert task.labels is not None
    waves = task.inputs.reshape(-1, 16)
    for label in (0, 1):
        own = waves[task.labels == label]
        assert own.mean() == pytest.approx(0, abs=0.02)
        assert (own**2).mean() == pytest.approx(0.5, rel=0.03)
    assert np.abs(waves[task.labels == 1]).std() < 0.0015


def test_the_harmonics_are_those_of_the_input_and_the_wave_never_repeats() -> None:
    task = make_task("transform")
    x, (double, triple) = task.inputs[:, 0], task.targets.T
    np.testing.assert_allclose(triple, 3 * x - 4 * x**3, atol=1e-9)
    np.testing.assert_allclose(double**2, 4 * x**2 * (1 - x**2), atol=1e-9)
    with pytest.raises(InputError, match="period = 5 steps must be at least 6"):
        make_task("transform:period=5")


def test_every_known_task_says_what_it_is_and_its_defaults_fit_its_options() -> None:
    known = known_tasks()
    assert list(known)[:3] == ["mackey-glass", "narma-10", "santa-fe"]
    for name, words in known.items():
        assert words.endswith(".")
        for value in options_of(name).values():
            assert isinstance(value, int | float | str)


def test_a_task_is_the_same_each_time_and_another_with_another_seed() -> None:
    for name in ("narma-10", "digits", "emg", "signals", "transform"):
        one, two, other = make_task(name), make_task(name), make_task(f"{name}:seed=5")
        np.testing.assert_array_equal(one.inputs, two.inputs)
        assert not np.array_equal(one.inputs, other.inputs)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("digits:fold=5", "fold = 5 must be within 0…4"),
        ("digits:washout=0", "washout = 0 windows must be within 1…"),
        ("digits:pool=sum", "pool 'sum' of step, last"),
        ("signals:noise=loud", "must read noise=number"),
        ("signals:window=4,test=2,noise=0", "3 problems"),
        ("emg:participant=3", "participant = 3 is none of 12345, 54321, nor of 1…2"),
        ("digits:fold", "option 'fold' must read name=value"),
        ("digits:seed=-1", "seed = -1 must be 0 or above"),
        ("narma-10:seed=-1", "seed = -1 must be 0 or above"),
    ],
)
def test_what_a_task_can_not_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_task(text)


def test_classes_count_alike_where_the_error_is_balanced() -> None:
    task = make_task("emg")
    trained = task.answers(task.train)
    each = task.targets[trained].T @ task.answer_weights[trained]
    np.testing.assert_allclose(each, each[0])
    assert task.targets[trained].sum(axis=0).max() > 4 * task.targets[trained].sum(axis=0).min()
    assert set(make_task("digits").answer_weights) == {1.0}
