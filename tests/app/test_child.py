from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from app.operations.child import ORPHAN_ENDS_WITHIN_S, ChildDiedError, in_child
from app.operations.events import Note, Progress
from models.errors import InputError, RefusedError, StoppedError, TwinrigError

pytestmark = pytest.mark.usefixtures("spawned")

OPERATIONS = """
    import os, sys, time
    from pathlib import Path
    from app.operations.events import Note, Progress
    from models.errors import RefusedError

    def count(total, until=None):
        for i in range(total):
            yield Progress("count", i + 1, total, "step", 0.0)
        return total

    def stoppable(mark):
        try:
            while True:
                yield Note("alive")
                time.sleep(0.02)
        finally:
            Path(mark).write_text(str(os.getpid()))

    def refuse():
        yield Note("before")
        raise RefusedError("12 A is above the limit of 11 A")

    def bug():
        yield Note("before")
        {}["no such key"]

    def die():
        yield Note("before")
        os._exit(9)

    def silent(mark):
        Path(mark).write_text("started")
        time.sleep(1.0)
        yield Note("late")

    def deaf(mark):
        Path(mark).write_text(str(os.getpid()))
        yield Note("computes")
        for _ in range(600):
            time.sleep(0.1)

    def loaded():
        yield Note(",".join(sorted(m for m in ("torch", "PyQt6") if m in sys.modules)))
"""


@pytest.fixture(autouse=True)
def operations(tmp_path, monkeypatch):
    (tmp_path / "child_operations.py").write_text(textwrap.dedent(OPERATIONS))
    monkeypatch.syspath_prepend(str(tmp_path))


def gone(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return True
    return False


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_events_arrive_in_order_and_the_value_comes_back():
    value = []

    def keep():
        value.append((yield from in_child("child_operations.count", {"total": 3})))

    got = list(keep())
    assert value == [3]
    assert [e.done for e in got] == [1, 2, 3]
    assert all(isinstance(e, Progress) for e in got)


def test_close_lets_the_operation_finish_and_leaves_no_process(tmp_path):
    mark = tmp_path / "mark"
    events = in_child("child_operations.stoppable", {"mark": str(mark)})
    assert next(events) == Note("alive")
    events.close()
    wait_for(lambda: gone(int(mark.read_text())))


def test_an_error_keeps_its_class_and_message_and_shows_where_it_was():
    events = in_child("child_operations.refuse", {})
    next(events)
    with pytest.raises(RefusedError, match="12 A is above the limit of 11 A") as caught:
        next(events)
    assert "child_operations.py" in caught.value.__notes__[0]


def test_a_bug_in_the_child_is_an_error_here():
    with pytest.raises(TwinrigError, match="unexpected KeyError"):
        list(in_child("child_operations.bug", {}))


def test_a_child_that_is_killed_is_said_so():
    with pytest.raises(TwinrigError, match=r"^what computes \(die\) ended .*exit code 9"):
        list(in_child("child_operations.die", {}))


def test_a_child_that_died_between_two_events_is_said_so_on_windows_too(tmp_path, monkeypatch):
    """There the first look into the pipe raises; elsewhere reading from it does."""

    def broken(connection, timeout=0.0):
        raise BrokenPipeError("the pipe has been ended")

    events = in_child("child_operations.stoppable", {"mark": str(tmp_path / "mark")})
    next(events)
    [child] = multiprocessing.active_children()
    child.kill()
    monkeypatch.setattr(type(multiprocessing.Pipe()[0]), "poll", broken)
    with pytest.raises(ChildDiedError, match="ended without a word"):
        list(events)


def test_an_operation_that_does_not_exist():
    with pytest.raises(InputError, match="there is none"):
        list(in_child("child_operations.nothing", {}))


def test_a_stop_is_noticed_while_the_child_is_silent(tmp_path):
    mark = tmp_path / "mark"
    events = in_child("child_operations.silent", {"mark": str(mark)}, stop=mark.exists)
    with pytest.raises(StoppedError):
        next(events)


def test_what_keeps_nothing_is_ended_in_the_middle_of_what_it_computes(tmp_path):
    mark = tmp_path / "mark"
    asked = {"mark": str(mark)}
    events = in_child("child_operations.deaf", asked, stop=mark.exists, keeps_nothing=True)
    with pytest.raises(StoppedError):
        list(events)
    assert gone(int(mark.read_text()))


def test_it_works_from_a_worker_thread():
    got = []
    thread = threading.Thread(
        target=lambda: got.extend(in_child("child_operations.count", {"total": 2}))
    )
    thread.start()
    thread.join()
    assert len(got) == 2


def test_the_caller_never_imports_torch(tmp_path):
    code = """
        import sys
        from app.operations.child import ChildDiedError, in_child
        if __name__ == "__main__":
            list(in_child("child_operations.count", {"total": 2}))
            print("torch" in sys.modules)
    """
    output, _ = start(tmp_path, code).communicate(timeout=60)
    assert output.strip() == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_child_that_is_told_to_end_by_the_system_ends_in_order(tmp_path, name):
    """A closed terminal, `timeout` and a cluster's scheduler tell all processes of a job."""
    mark, told = tmp_path / "mark", getattr(signal, name)
    events = in_child("child_operations.stoppable", {"mark": str(mark)})
    next(events)
    (child,) = multiprocessing.active_children()
    os.kill(child.pid, told)
    with pytest.raises(StoppedError, match=f"stopped by {name}"):
        list(events)
    assert mark.read_text()  # its own finally ran


PARENT = """
    import sys
    from app.operations.child import ChildDiedError, in_child
    if __name__ == "__main__":
        for event in in_child("child_operations.stoppable", {"mark": sys.argv[1]}):
            print("event", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_child_does_not_outlive_a_parent_that_is_killed(tmp_path):
    mark = tmp_path / "mark"
    parent = start(tmp_path, PARENT, str(mark))
    parent.stdout.readline()
    parent.kill()
    parent.communicate()
    wait_for(mark.exists)  # its own finally ran
    wait_for(lambda: mark.read_text() != "" and gone(int(mark.read_text())))


STOPPING_PARENT = """
    import sys
    from app.operations.child import in_child
    if __name__ == "__main__":
        events = in_child("child_operations.deaf", {"mark": sys.argv[1]}, stop=lambda: asked)
        asked = False
        next(events)
        print("stops", flush=True)
        asked = True
        next(events)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_child_that_was_stopped_does_not_outlive_a_parent_killed_meanwhile(tmp_path):
    """`timeout -k` stops and then kills: the child between two events computed on for minutes."""
    mark = tmp_path / "mark"
    parent = start(tmp_path, STOPPING_PARENT, str(mark))
    parent.stdout.readline()
    time.sleep(1.0)  # the stop is sent
    parent.kill()
    parent.communicate(timeout=20)
    wait_for(lambda: gone(int(mark.read_text())), seconds=ORPHAN_ENDS_WITHIN_S + 5.0)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_is_the_parents_to_answer_and_the_child_finishes(tmp_path):
    mark = tmp_path / "mark"
    parent = start(tmp_path, PARENT, str(mark), start_new_session=True)
    parent.stdout.readline()
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert errors.count("Traceback") == 1  # the parent's; none from the child
    assert gone(int(mark.read_text()))


def environment(folder):
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, str(folder)])}


def start(folder, code, *arguments, **options):
    path = folder / "parent.py"
    path.write_text(textwrap.dedent(code))
    return subprocess.Popen(
        [sys.executable, str(path), *arguments],
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **options,
    )  # fmt: skip
