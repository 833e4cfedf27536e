"""A commit looks once more whether what it was decided on is so, and a roll decided before a failure is not written."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest

from pacewright.clock import Deadline
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.commit import commit
from pacewright.cluster.edits.change import Change, SetMark
from pacewright.cluster.forecast import Forecast
from pacewright.cluster.names import NodeName, ResourceId
from pacewright.cluster.snapshot import Snapshot
from pacewright.cluster.tools import cibadmin
from pacewright.errors import CommitConflict
from pacewright.frozen import replace
from pacewright.operation.loop import Means, Turn, take
from pacewright.process import Begun
from pacewright.service.lookup import find
from pacewright.service.requests import Options, make_job
from pacewright.service.rolling.restart import Restart
from pacewright.service.rolling.turns import Lead
from pacewright.service.settings import ServiceSettings, Settings
from pacewright.testing.clusters import Op, action, after, cib, clone, cluster, forecast, primitive, run
from tests.unit.test_loop import Hands

MARK = Change(edits=(SetMark(node=NodeName("n1"), name="pacewright-x", value="1"),), reason="test")
WEB = clone("web-clone", primitive("web"))


class Pacemaker:
    """Its programs, for a commit: what it has by now, and whether a patch has come."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.patched = False
        self.read = 0

    def root(self) -> bytes:
        found = re.search(rb"<cib [^>]*>", self.document)
        assert found is not None
        return found[0][:-1] + b"/>"

    def query(self, *, begun: Begun | None = None, timeout: float = 30.0) -> bytes:
        del begun, timeout
        self.read += 1
        return self.document

    def patch(self, document: bytes) -> None:
        assert b"num_updates" not in document.partition(b"<target")[0]
        self.patched = True

    def commit(self, based_on: Snapshot, still: bool | None) -> bool:  # noqa: FBT001
        asked = None if still is None else (lambda snapshot: still and snapshot.version != based_on.version)
        with (
            patch.object(cibadmin, "patch", self.patch),
            patch.object(cibadmin, "query_root", self.root),
            patch.object(cibadmin, "query", self.query),
        ):
            return commit(MARK, based_on=based_on, still=asked)


def later(document: bytes) -> bytes:
    return document.replace(b'num_updates="1"', b'num_updates="2"')


@pytest.mark.parametrize("still", [True, False])
def test_a_status_that_has_not_moved_is_not_read_again(still: bool) -> None:  # noqa: FBT001
    document = cib(WEB)
    pacemaker = Pacemaker(document)
    assert pacemaker.commit(parse(document), still)
    assert (pacemaker.patched, pacemaker.read) == (True, 0)


def test_one_that_has_moved_on_is_decided_on_again_before_anything_is_written() -> None:
    document = cib(WEB)
    pacemaker = Pacemaker(later(document))
    with pytest.raises(CommitConflict, match="no longer so"):
        pacemaker.commit(parse(document), still=False)
    assert not pacemaker.patched
    assert pacemaker.commit(parse(document), still=True)
    assert (pacemaker.patched, pacemaker.read) == (True, 2)


def test_a_quorum_that_was_lost_since_it_was_decided_keeps_it_from_being_written() -> None:
    """Found by the model check: a report would be decided again as it was, so it was on its way to the cluster."""
    document = cib(WEB)
    pacemaker = Pacemaker(later(document).replace(b'have-quorum="1"', b'have-quorum="0"'))
    with pytest.raises(CommitConflict, match="no longer so"):
        pacemaker.commit(parse(document), still=True)
    assert not pacemaker.patched


def test_what_has_to_be_written_whatever_happens_is_not_held_up() -> None:
    document = cib(WEB)
    pacemaker = Pacemaker(later(document))
    assert pacemaker.commit(parse(document), still=None)
    assert pacemaker.read == 0


class Moving:
    """A cluster to which something happens between a decision and its patch."""

    def __init__(self, meanwhile: Snapshot) -> None:
        self.meanwhile = meanwhile
        self.written = False

    def read(self) -> Snapshot:
        return self.meanwhile

    def what_if(self, snapshot: Snapshot, change: Change | None = None, then: Change | None = None) -> Forecast:
        del snapshot, then
        return forecast(action("restart", "web", "n2")) if change is not None else forecast()

    def commit(self, change: Change, *, based_on: Snapshot, still: object = None) -> bool:
        del change, based_on
        assert callable(still)
        if not still(self.meanwhile):
            raise CommitConflict("moved on")
        self.written = True
        return True

    def cleanup(self, resource: ResourceId, node: NodeName) -> None:
        raise AssertionError

    def wait(self, seconds: float) -> bool:
        del seconds
        return False


@pytest.mark.parametrize(
    ("what", "written"),
    [
        ((), True),
        ((Op(task="monitor", run=1, call=11, interval=10_000),), True),
        ((Op(task="monitor", run=9, call=90, rc=7, interval=10_000, failure=True),), False),
        ((Op(task="stop", run=9, pending=True),), False),
        ((Op(task="stop", run=9, call=90),), False),
    ],
)
def test_a_roll_that_was_decided_before_another_instance_failed_is_not_written(
    what: tuple[Op, ...],
    written: bool,  # noqa: FBT001
) -> None:
    before = cluster(WEB, running={"web": ("n1", "n2", "n3")})
    target, clock = find("web", before, Settings()), Hands()
    assert target is not None
    job = make_job(
        "restart",
        target,
        before,
        forecast,
        said=ServiceSettings(),
        options=Options(),
        here=None,
        now=clock.now(),
    )
    assert isinstance(job, Restart)
    world = Moving(after(before, None, {("web", "n3"): (*run(), *what)}))
    means = Means(deadline=Deadline.after(60, clock), clock=clock, progress=lambda line: None)
    turn = take(Turn(job=replace(job, lead=Lead(mine=True))), before, world, means)
    assert isinstance(turn, Turn)
    assert world.written is written
    assert isinstance(turn.job, Restart)
    assert turn.job.commits == int(written), "else it is decided again"
