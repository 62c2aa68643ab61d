"""The data folder: claimed by one at a time, and never somebody else's."""

from __future__ import annotations

import stat

import pytest

from sintalk.config import ConfigError, Settings
from sintalk.servers import folder, ports, start_stack


def test_a_claimed_folder_is_refused_to_the_next_one_until_it_is_released(tmp_path):
    first = folder.claim(tmp_path / "var")
    with pytest.raises(ConfigError, match=r"Sintalk runs on .*/var already \(process \d+\)"):
        folder.claim(tmp_path / "var")
    first.release()
    assert not folder.claim(tmp_path / "var").after_crash


def test_a_folder_that_was_not_released_tells_of_a_crash(tmp_path):
    folder.claim(tmp_path / "var").lock.close()
    assert folder.claim(tmp_path / "var").after_crash


def test_a_fresh_volume_is_taken_and_made_private(tmp_path):
    volume = tmp_path / "volume"
    (volume / "lost+found").mkdir(parents=True)
    folder.claim(volume).release()
    assert stat.S_IMODE(volume.stat().st_mode) == 0o700


def test_a_path_that_is_no_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be used \(Not a directory\); set SINTALK_DATA"):
        folder.claim(tmp_path / "file" / "var")


def test_the_secret_key_is_made_once_and_private(tmp_path):
    made = folder.secret_key(tmp_path)
    assert folder.secret_key(tmp_path) == made
    assert len(made) >= 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_ports_stay_the_same_while_they_are_free(tmp_path):
    first = ports.pick(["a", "b"], tmp_path / "ports.json", apart=10_000)
    assert len(set(first.values())) == 2
    assert ports.pick(["a", "b"], tmp_path / "ports.json", apart=10_000) == first


def test_a_wish_that_is_no_port_is_not_granted(tmp_path):
    assert ports.pick(["a"], tmp_path / "ports.json", wishes={"a": 65_536})["a"] < 65_536


def test_a_folder_with_spaces_and_a_comma_in_its_name_works(tmp_path):
    data = tmp_path / "my data, here"
    settings = Settings.from_env({"SINTALK_DATA": str(data)})
    running = start_stack(data, settings, durable=False, only=["postgres", "valkey"])
    running.stop()
    assert set(running.env) == {"DATABASE_URL", "REDIS_URL"}
