from __future__ import annotations

import json

import pytest

from app.config import Settings, load_settings, save_settings, settings_path


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
