"""Every error Pacewright raises on purpose, and the exit code that each one ends a command with.

PacewrightError                 1   (never raised itself)
├── OperationFailed             1   the cluster tried, and an instance did not come up
├── UsageError                  2   the command line or a file of ours is wrong
│   └── ConfigError             2   ... a file: says which file, line and key
├── UnknownService              4   neither the cluster nor systemd knows the name
├── Refused                     5   it would do more than was asked, or somebody forbade it
│   └── NothingComes            5   ... on a copy of the cluster: after some step nothing more would happen
├── ClusterError                6   (never raised itself)
│   ├── ClusterDown             6   Pacemaker does not run here, or is still starting
│   ├── NoQuorum                6   this partition may not decide anything
│   └── NodeUnclean             6   a node is waiting to be fenced
├── DeadlinePassed              7   not finished in time; says what was seen
├── ToolError                   8   (never raised itself)
│   ├── ToolMissing             8   a program that we need is not installed
│   ├── ToolHung                8   a program did not answer in time
│   ├── ToolFailed              8   a program said no, in a way that we do not expect
│   │   └── OutcomeUnknown      8   ... and what it was to write may be written or not (the loop looks, and goes on)
│   └── ToolOutput              8   a program printed something that we cannot read
├── NodeError                   9   this machine: full disk, missing right, no root
└── CommitConflict              10  the cluster moved on between reading and writing (retried by the loop)

`docs/exit-codes.md` is the same table for people; a test holds the two together.
"""

from __future__ import annotations

__all__ = [
    "ClusterDown",
    "ClusterError",
    "CommitConflict",
    "ConfigError",
    "DeadlinePassed",
    "NoQuorum",
    "NodeError",
    "NodeUnclean",
    "NothingComes",
    "OperationFailed",
    "OutcomeUnknown",
    "PacewrightError",
    "Refused",
    "ToolError",
    "ToolFailed",
    "ToolHung",
    "ToolMissing",
    "ToolOutput",
    "UnknownService",
    "UsageError",
]


class PacewrightError(Exception):
    """An error meant for a person.

    Args:
        message: what was seen, in one sentence that starts with the thing it is about.
        hint: what to do next, as an instruction; empty when there is nothing to add.
        output: the last lines that a failing program printed, shown below the message.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.output = output.strip()

    def __str__(self) -> str:
        """The message, the hint behind it, and the output on lines of its own."""
        text = f"{self.message} {self.hint}".strip()
        if self.output:
            text += "".join(f"\n    {line}" for line in self.output.splitlines())
        return text


class OperationFailed(PacewrightError):
    """The cluster carried the operation out and an instance failed.

    Args:
        node, resource: where and what, so that whoever is on that node can add what it printed; empty if not known.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", output: str = "", node: str = "", resource: str = "") -> None:
        super().__init__(message, hint=hint, output=output)
        self.node = node
        self.resource = resource


class UsageError(PacewrightError):
    """The request itself is wrong; nothing was done."""

    exit_code = 2


class ConfigError(UsageError):
    """A file that people write for us is wrong; the message says file, line and key."""


class UnknownService(PacewrightError):
    """No resource, no alias and no systemd unit has this name."""

    exit_code = 4


class Refused(PacewrightError):
    """Possible, but it would surprise: effects beyond the service, or a state that somebody set."""

    exit_code = 5


class NothingComes(Refused):
    """A rehearsal came to a point where the cluster has nothing more to do, and what was asked for is not done."""


class ClusterError(PacewrightError):
    """The cluster cannot be asked, or may not act."""

    exit_code = 6


class ClusterDown(ClusterError):
    """Pacemaker is not running on this node, or has not finished starting."""


class NoQuorum(ClusterError):
    """This partition has no quorum, so nothing may be written."""


class NodeUnclean(ClusterError):
    """A node has failed and is not fenced yet; Pacemaker acts on nothing until it is."""


class DeadlinePassed(PacewrightError):
    """The deadline came before the end; what is owed stays owed."""

    exit_code = 7


class ToolError(PacewrightError):
    """A program that we call let us down."""

    exit_code = 8


class ToolMissing(ToolError):
    """The program is not installed."""


class ToolHung(ToolError):
    """The program did not answer within its time-out and was killed."""


class ToolFailed(ToolError):
    """The program exited with a code that its manual does not promise here."""


class OutcomeUnknown(ToolFailed):
    """The program gave no clear answer about what it was to write: it may be written, or not, or later."""


class ToolOutput(ToolError):
    """The program succeeded and printed something else than its format."""


class NodeError(PacewrightError):
    """This machine cannot do it: no space, no right, no such unit."""

    exit_code = 9


class CommitConflict(PacewrightError):
    """The CIB changed between the snapshot and the commit; nothing was written."""

    exit_code = 10
