"""The fingerprint of config inputs: what changes it, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pacewright.errors import NodeError
from pacewright.node.fingerprint import fingerprint


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "main.conf").write_text("a = 1\n")
    (tmp_path / "conf.d" / "10-x.conf").write_text("x = 1\n")
    return tmp_path


def of(*inputs: object) -> str:
    return fingerprint([str(path) for path in inputs]).fingerprint


def test_the_same_config_written_again_is_the_same(etc: Path) -> None:
    before = of(etc)
    (etc / "main.conf").write_text("a = 1\n")
    os.utime(etc / "main.conf", (1, 1))
    assert of(etc) == before


@pytest.mark.parametrize("change", ["content", "mode", "new", "gone", "renamed", "link"])
def test_every_change_is_seen(etc: Path, change: str) -> None:
    (etc / "link").symlink_to("main.conf")
    before = of(etc)
    match change:
        case "content":
            (etc / "conf.d" / "10-x.conf").write_text("x = 2\n")
        case "mode":
            (etc / "main.conf").chmod(0o600)
        case "new":
            (etc / "conf.d" / "20-y.conf").write_text("")
        case "gone":
            (etc / "conf.d" / "10-x.conf").unlink()
        case "renamed":
            (etc / "conf.d" / "10-x.conf").rename(etc / "conf.d" / "11-x.conf")
        case "link":
            (etc / "link").unlink()
            (etc / "link").symlink_to("conf.d/10-x.conf")
    assert of(etc) != before


def test_content_behind_a_link_counts(etc: Path) -> None:
    (etc / "link").symlink_to("main.conf")
    before = of(etc / "link")
    (etc / "main.conf").write_text("a = 2\n")
    assert of(etc / "link") != before


def test_what_is_not_there_counts_as_not_there_and_its_arrival_as_a_change(etc: Path) -> None:
    missing = etc / "later.conf"
    before = fingerprint([str(missing)])
    assert (before.files, before.changed) == (0, 0.0)
    missing.write_text("")
    assert of(missing) != before.fingerprint


def test_globs_and_their_order(etc: Path) -> None:
    assert fingerprint([f"{etc}/conf.d/*.conf"]).files == 1
    assert of(f"{etc}/conf.d/*.conf", etc / "main.conf") == of(etc / "main.conf", f"{etc}/conf.d/*.conf")
    assert of(etc, etc / "main.conf") == of(etc), "named twice, counted once"


def test_when_it_changed(etc: Path) -> None:
    newest = max(os.lstat(path).st_ctime for path in (etc, *etc.rglob("*")))
    assert fingerprint([str(etc)]).changed == newest


def test_a_file_in_the_way_and_a_loop_end_well(etc: Path) -> None:
    (etc / "loop").symlink_to("loop")
    os.mkfifo(etc / "fifo")
    assert of(etc, f"{etc}/main.conf/not-a-folder")


def test_what_cannot_be_read_is_said(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NodeError, match=r"main\.conf: a config input that cannot be read: Permission denied"):
        of(etc / "main.conf")
