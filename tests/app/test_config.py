from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.config import Settings, keep_settings, load_settings, save_settings, settings_path


def test_settings_come_back(tmp_path) -> None:
    path = tmp_path / "deep" / "window.json"
    settings = Settings("dark", "rig.toml", "01ff", {"record": {"steps": 120}})
    assert save_settings(path, settings) == ""
    assert load_settings(path) == (settings, "")


def test_a_missing_file_is_no_news(tmp_path) -> None:
    assert load_settings(tmp_path / "none.json") == (Settings(), "")


@pytest.mark.parametrize("text", ["{", "[1, 2]", "\x00\xff", "", "[" * 100_000])
def test_a_broken_file_never_stops_the_start(tmp_path, text: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(text, "utf-8")
    settings, note = load_settings(path)
    assert settings == Settings()
    assert "default settings" in note


def test_one_wrong_value_costs_only_itself(tmp_path) -> None:
    path = tmp_path / "window.json"
    path.write_text(json.dumps({"theme": "pink", "bench": "b.toml", "forms": {"record": 3}}))
    settings, note = load_settings(path)
    assert settings == Settings(bench="b.toml")
    assert "theme" in note
    assert "forms" in note


def test_a_disk_that_refuses_is_said_not_raised(tmp_path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "can't be written" in save_settings(blocked / "window.json", Settings())


def test_another_folder_can_be_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TWINRIG_CONFIG", str(tmp_path))
    assert settings_path() == tmp_path / "window.json"


def test_a_second_window_on_the_file_writes_over_nothing_but_what_it_changed(tmp_path) -> None:
    path = tmp_path / "window.json"
    begun = Settings("dark", "rig.toml", "01", {"record": {"steps": 100, "queue": []}}, "record")
    save_settings(path, begun)
    queued = {"record": {"steps": 100, "queue": ["for the night"]}}
    assert keep_settings(path, begun, replace(begun, forms=queued)) == ""
    other = {"record": {"steps": 60, "queue": []}, "twin": {"iterations": 300}}
    assert keep_settings(path, begun, replace(begun, geometry="02", forms=other)) == ""
    kept, note = load_settings(path)
    assert note == ""
    assert kept == replace(
        begun,
        geometry="02",
        forms={
            "record": {"steps": 60, "queue": ["for the night"]},
            "twin": {"iterations": 300},
        },
    )


@pytest.mark.parametrize("text", [None, "{"])
def test_where_the_file_has_gone_or_is_broken_all_is_written(tmp_path, text: str | None) -> None:
    path = tmp_path / "window.json"
    if text is not None:
        path.write_text(text)
    now = Settings("dark", "rig.toml", forms={"record": {"steps": 100}})
    assert keep_settings(path, now, replace(now, theme="light")) == ""
    assert load_settings(path) == (replace(now, theme="light"), "")
