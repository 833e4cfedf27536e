"""Reading and writing a file in a node: shell programs that run there.

From this machine a node's files could be had through /proc/PID/root as well, but there a link to /etc/passwd leads to
this machine's.
"""

from __future__ import annotations

__all__ = ["ABSENT", "READ", "WRITE"]

ABSENT = 44
"""Exit code of `READ` where there is no such file."""

READ = f"""\
[ -e "$1" ] || exit {ABSENT}
exec cat -- "$1"
"""
"""$1: the file."""

WRITE = """\
folder=$(dirname -- "$1")
mkdir -p -- "$folder"
fresh=$folder/.$(basename -- "$1").lab
rm -f -- "$fresh"
umask 077
cat >"$fresh"
chmod -- "$2" "$fresh"
mv -fT -- "$fresh" "$1"
"""
"""$1: the file, $2: its mode, in octal digits; standard input: what is in it. A reader sees the old one or the new."""
