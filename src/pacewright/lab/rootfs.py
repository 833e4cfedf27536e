"""Root file systems of Debian releases, built once per package set by mmdebstrap and kept in a cache.

A build runs in its own mount and process namespaces and dies with us, so a crash leaves one folder `*.building`
and nothing else; whoever needs that root file system next, clears it away and starts again.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pacewright import process
from pacewright.errors import NodeError, ToolFailed, UsageError
from pacewright.lab import contents
from pacewright.lab.paths import CACHE
from pacewright.lab.state import Gone, LabState, existing, load, lock

__all__ = ["clear_unfinished", "ensure", "folder", "is_cached", "key", "prune"]

MIRROR = "http://deb.debian.org/debian"
_BUILD_SECONDS = 1800.0


def key(distro: str, packages: tuple[str, ...]) -> str:
    """The name of the root file system of a release with these packages beyond the base."""
    text = "\n".join((str(contents.VERSION), MIRROR, distro, *contents.PACKAGES, "+", *sorted(set(packages))))
    return f"{distro}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def folder(state: LabState) -> Path:
    """Where this lab's root file system is, or will be."""
    return CACHE / (state.rootfs or key(state.distro, state.packages))


def is_cached(state: LabState) -> bool:
    """Whether it need not be built any more."""
    return folder(state).is_dir()


def clear_unfinished() -> None:
    """Remove builds that were cut off."""
    for building in CACHE.glob("*.building"):
        with contextlib.suppress(NodeError), lock(building, what=building.name):
            shutil.rmtree(building)


def prune() -> tuple[str, ...]:
    """Remove every root file system that no lab uses; returns their names."""
    clear_unfinished()
    used = set()
    for name in existing():
        try:
            used.add(folder(load(name)))
        except UsageError:  # its `up` has not come that far, or never will
            continue
    mounts = Path("/proc/self/mountinfo").read_text()
    unused = [
        path
        for path in CACHE.glob("*-*")
        if path not in used and path.suffix != ".building" and str(path) not in mounts
    ]
    for path in unused:
        shutil.rmtree(path)
    return tuple(sorted(path.name for path in unused))


def ensure(state: LabState, say: Callable[[str], None]) -> Path:
    """The root file system for this lab, from the cache or built now (half a minute, more for many packages).

    Raises:
        NodeError: the disk is too full.
        UsageError: Debian has no such package.
        ToolFailed: mmdebstrap did not manage.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o700)  # there are programs in it that run as root whoever starts them
    ready = folder(state)
    building = ready.with_suffix(".building")
    while not ready.is_dir():
        building.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(_only_builder(building, say))
            except Gone:  # whoever built here has finished, or failed
                continue
            _build(state, building, ready, say)
    return ready


def _build(state: LabState, building: Path, ready: Path, say: Callable[[str], None]) -> None:
    say(f"building the {state.distro} root file system (once; about a minute)")
    for old in building.iterdir():
        shutil.rmtree(old)
    root = building / "root"
    _debootstrap(root, state)
    say("preparing the root file system")
    contents.prepare(root)
    root.rename(ready)
    shutil.rmtree(building)


@contextlib.contextmanager
def _only_builder(building: Path, say: Callable[[str], None]) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock(building, what=building.name))
        except Gone:
            raise
        except NodeError:
            say("waiting for another process that builds the same root file system")
            held.enter_context(lock(building, what=building.name, timeout=_BUILD_SECONDS))
        yield


def _debootstrap(root: Path, state: LabState) -> None:
    wanted = ",".join((*contents.PACKAGES, *state.packages))
    build = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={wanted}",
        '--aptopt=Apt::Install-Recommends "false"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=force-unsafe-io",
        '--essential-hook=mkdir -p "$1/usr/share/man/man1"',  # Java's packages link to their pages there
        state.distro,
        str(root),
        MIRROR,
    ]
    done = _dying_with_us(build, root.parent)
    if done.code:
        said = done.output
        if "Unable to locate package" in said or "no installation candidate" in said:
            bad = [line for line in said.splitlines() if line.startswith("E: ")]
            raise UsageError(f"--with {','.join(state.packages)}: Debian {state.distro} says {bad[0][3:]}.")
        if "No space left on device" in said:
            raise NodeError(f"{CACHE}: the disk is full.", hint="Make room, then try again.")
        raise ToolFailed(f"mmdebstrap: exit code {done.code}.", output=said[-1500:])


def _dying_with_us(argv: list[str], scratch: Path) -> process.Completed:
    cage = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    return process.run(
        ["setpriv", "--pdeathsig", "KILL", "--", *cage, *argv], timeout=_BUILD_SECONDS, env={"TMPDIR": str(scratch)}
    )
