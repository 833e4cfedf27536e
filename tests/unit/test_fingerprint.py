"""The fingerprint of config inputs: what changes it, and what does not."""

from __future__ import annotations

import contextlib
import glob
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacewright.errors import NodeError
from pacewright.node import fingerprint as printing
from pacewright.node.fingerprint import KEY, fingerprint
from pacewright.node.matching import _globbed
from pacewright.node.regular import opened


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


def test_a_folder_that_comes_later_is_a_change(etc: Path) -> None:
    before = of(f"{etc}/later/**")
    assert before != of()
    (etc / "later").mkdir()
    assert of(f"{etc}/later/**") != before


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
    def refuse(path: Path) -> None:
        if path == KEY:
            raise FileNotFoundError
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(printing, "opened", refuse)
    with pytest.raises(NodeError, match=r"main\.conf: a config input that cannot be read: Permission denied"):
        of(etc / "main.conf")


# --- links to what has no end


@pytest.mark.timeout(20)
@pytest.mark.parametrize("target", ["/dev/zero", "/dev/random", "/proc/kmsg", "fifo"])
def test_what_is_no_file_or_gives_nothing_is_not_waited_for(etc: Path, target: str) -> None:
    os.mkfifo(etc / "fifo")
    (etc / "conf.d" / "link").symlink_to(etc / target)
    with contextlib.suppress(NodeError):  # what the kernel calls a file may be read, or may not
        assert of(etc)


@pytest.mark.timeout(20)
def test_a_fifo_that_takes_the_place_of_a_file_is_not_waited_for(etc: Path) -> None:
    os.mkfifo(etc / "fifo")
    with pytest.raises(OSError, match="no regular file"):
        opened(etc / "fifo")


def test_a_file_without_end_is_refused(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (etc / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (etc / "conf.d" / "link").symlink_to(etc / "sparse")
    monkeypatch.setattr(printing, "_MOST_BYTES", 8 << 20)
    with pytest.raises(NodeError, match=r"conf\.d/link: a config input of more than 8 MiB"):
        of(etc / "conf.d")


def test_more_files_than_any_config_has_are_refused(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_MOST_PATHS", 3)
    with pytest.raises(NodeError, match="more than 3 files"):
        of(etc)


def test_reading_has_a_deadline(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_SECONDS", 0.0)
    with pytest.raises(NodeError, match="than can be read in 0 s"):
        of(etc)


@pytest.mark.timeout(20)
def test_links_in_a_circle_end(etc: Path) -> None:
    for name in ("one", "two"):
        (etc / "conf.d" / name).symlink_to(".")
    assert fingerprint([f"{etc}/**/*.conf"]).files == 2
    assert of(f"{etc}/**")


NAMES = st.sampled_from(["a", "b.conf", ".hidden", "c d", "[x]"])
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.booleans(), max_size=8)
PATTERNS = st.lists(st.sampled_from(["a", "*", "**", "*.conf", ".*", "**x"]), min_size=1, max_size=4).map("/".join)


@settings(deadline=None)
@given(tree=TREES, pattern=PATTERNS)
def test_globs_mean_what_python_means(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bool], pattern: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name, folder in tree.items():
        with contextlib.suppress(OSError):
            (root / name if folder else (root / name).parent).mkdir(parents=True, exist_ok=True)
            (root / name).touch()
    theirs = glob.glob(f"{root}/{pattern}", recursive=True)  # noqa: PTH207
    there = {path.rstrip("/") for path in theirs if os.path.lexists(path)}  # theirs has `file/` too
    assert {path.rstrip("/") for path in _globbed(f"{root}/{pattern}")} == there


# --- a key of the site


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "fingerprint.key"
    monkeypatch.setattr(printing, "KEY", path)
    return path


def test_with_a_key_nobody_without_it_can_try_passwords(etc: Path, key: Path) -> None:
    without = of(etc / "main.conf")
    key.touch(0o600)
    key.write_text("0123456789abcdef\n")
    mine = of(etc / "main.conf")
    key.write_text("fedcba9876543210\n")
    assert len({without, mine, of(etc / "main.conf")}) == 3
    key.write_text("0123456789abcdef")
    assert of(etc / "main.conf") == mine, "the end of the line is not part of it"


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [("0123456789abcdef", 0o640, "others than root"), ("", 0o600, "at least 16"), ("short", 0o600, "at least 16")],
)
def test_a_key_that_protects_nothing_is_refused(etc: Path, key: Path, text: str, mode: int, says: str) -> None:
    key.write_text(text)
    key.chmod(mode)
    with pytest.raises(NodeError, match=says):
        of(etc / "main.conf")


def test_a_key_that_is_no_file_is_refused(etc: Path, key: Path) -> None:
    key.mkdir()
    with pytest.raises(NodeError, match="cannot be read"):
        of(etc / "main.conf")
