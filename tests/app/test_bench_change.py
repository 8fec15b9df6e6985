"""An open bench's file, changed: the old one is kept, nothing wrong is ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.bench_change import since_opened, write_change
from instruments.bench_edit import edited
from instruments.bench_file import read_bench
from models.errors import InputError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

VIRTUAL = read_bench("virtual")


def test_the_file_is_replaced_and_the_old_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(VIRTUAL.text)
    for number in (1, 2):
        spec = read_bench(path)
        text = edited(spec.text, {("magnet.x", "max_current_A"): 11.0 - number / 4})
        written, kept = write_change(spec, text, tmp_path)
        assert written == path
        assert kept == tmp_path / f"rig.before-{number}.toml"
        assert kept.read_text() == spec.text
        assert read_bench(path).magnets["x"].limits.max_current_A == 11.0 - number / 4


def test_a_built_in_rig_becomes_a_new_file(tmp_path: Path) -> None:
    text = edited(VIRTUAL.text, {("magnet.x", "max_current_A"): 10.5})
    first, kept = write_change(VIRTUAL, text, tmp_path / "library")
    second, _ = write_change(VIRTUAL, text, tmp_path / "library")
    assert kept is None
    assert first != second
    assert read_bench(first).magnets["x"].limits.max_current_A == 10.5
    with pytest.raises(TwinrigError, match="is a file"):
        write_change(VIRTUAL, text, first / "library")


def test_what_a_link_leads_to_is_changed_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "rig.toml").write_text(VIRTUAL.text)
    link = tmp_path / "rig.toml"
    try:
        link.symlink_to(tmp_path / "lab" / "rig.toml")
    except OSError:
        pytest.skip("this system makes no links for everybody")
    spec = read_bench(link)
    text = edited(spec.text, {("magnet.x", "max_current_A"): 10.5})
    assert write_change(spec, text, tmp_path)[0] == link
    assert link.is_symlink()
    assert read_bench(tmp_path / "lab" / "rig.toml").magnets["x"].limits.max_current_A == 10.5


def test_what_is_no_bench_or_was_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(VIRTUAL.text)
    spec = read_bench(path)
    with pytest.raises(InputError, match="max_current_A"):
        write_change(spec, edited(spec.text, {("magnet.x", "max_current_A"): -9.0}), tmp_path)
    path.write_text(VIRTUAL.text + "# mine\n")
    with pytest.raises(InputError, match="somebody else"):
        write_change(spec, edited(spec.text, {("magnet.x", "max_current_A"): 10.5}), tmp_path)
    assert path.read_text().endswith("# mine\n")
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_begins_with_the_mark_of_windows_editors_is_changed_all_the_same(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(VIRTUAL.text, "utf-8-sig")
    spec = read_bench(path)
    write_change(spec, edited(spec.text, {("magnet.x", "max_current_A"): 10.5}), tmp_path)
    assert read_bench(path).magnets["x"].limits.max_current_A == 10.5


def test_what_became_of_the_file_since_it_was_opened_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(VIRTUAL.text.replace("\n", "\r\n").encode("utf-8-sig"))
    spec = read_bench(path)
    assert since_opened(spec) == ""
    assert since_opened(VIRTUAL) == ""
    path.write_text(VIRTUAL.text.replace("11.0", "3.0"))
    assert "rig.toml was changed since" in since_opened(spec)
    path.write_bytes(b"\xff\xfe")
    assert "rig.toml was changed since" in since_opened(spec)
    path.unlink()
    assert "rig.toml can't be read any more" in since_opened(spec)
    with pytest.raises(InputError, match="no such file"):
        write_change(spec, edited(spec.text, {("magnet.x", "max_current_A"): 10.5}), tmp_path)
    assert list(tmp_path.iterdir()) == []
