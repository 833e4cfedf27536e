"""Every reader of something from outside, as a function that may raise nothing but a PacewrightError."""

from __future__ import annotations

import gzip
import json
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st

from pacewright.cli.catalog import _read as read_inputs
from pacewright.cli.history import rows as history_rows
from pacewright.cli.history.picture import picture
from pacewright.cli.service_json import debt_as_dict, service_as_dict
from pacewright.cli.service_state import _show
from pacewright.cli.streams import clean
from pacewright.cli.tables import moment as shown
from pacewright.clock import SYSTEM_CLOCK
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.cib.values import duration, is_true, moment, number
from pacewright.cluster.commit import _guarded_by_epoch, changes_nothing
from pacewright.cluster.edits.change import Change
from pacewright.cluster.forecast import Forecast, _joined, _parse
from pacewright.cluster.names import NodeName
from pacewright.cluster.snapshot import Snapshot
from pacewright.errors import PacewrightError, ToolOutput
from pacewright.lab import power_switch
from pacewright.lab.state import LabState
from pacewright.node import logs, place, units
from pacewright.operation.step import Commit, Wait
from pacewright.process import Completed
from pacewright.record.call_history import stories
from pacewright.record.lines import LIMIT, line
from pacewright.record.reading import read_log
from pacewright.record.redaction import covered, failures, plain
from pacewright.record.timeline import timeline
from pacewright.record.wording import changes, edits, foreseen, states
from pacewright.resource import load as load_document
from pacewright.resource.edits import edits as shaped
from pacewright.service import package_guard as guard
from pacewright.service.barrier.waiting import deadlock
from pacewright.service.catalog import look
from pacewright.service.instance import health
from pacewright.service.instance import load_balancer as balancer
from pacewright.service.ledger.debts import debts
from pacewright.service.ledger.record import Ready, Report
from pacewright.service.ledger.revision import Revision
from pacewright.service.lookup import find
from pacewright.service.names import every_service, service_names
from pacewright.service.reconcile import to_reconcile
from pacewright.service.requests import Options, make_job
from pacewright.service.settings import Drain, HAProxy, Health, HealthKind, Settings
from pacewright.service.settings_file import load
from pacewright.service.status import hindrance, leftovers, status_of
from tests.fuzz import worlds
from tests.fuzz.odd import json_documents, odd_texts, spoilt_bytes, spoilt_xml

__all__ = ["READERS", "Reader"]

_NOW = 1_700_000_500.0
_VERBS = ("start", "stop", "restart", "refresh", "report", "owe", "reconcile", "enable", "disable")
_GOOD = parse(worlds.CIBS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A reader, and what it is given.

    Attributes:
        share: of the examples that others get.
    """

    inputs: st.SearchStrategy[object]
    read: Callable[..., object]
    share: float = 1.0


def as_json(value: object) -> None:
    """It is JSON, and nothing that only Python takes for it."""
    json.loads(json.dumps(value, allow_nan=False))


# --- the cluster


def a_cib(document: bytes) -> None:
    """All that is said of a cluster, and the first decision of every operation on every service of it."""
    snapshot = parse(document)
    settings = Settings()
    for target in (*service_names(snapshot, settings), *every_service(snapshot, settings)):
        here = next(iter(snapshot.nodes), None)
        as_json(service_as_dict(status_of(target, snapshot, here)))
        as_json([debt_as_dict(debt) for debt in (*debts(target, snapshot), *leftovers(target, snapshot))])
        hindrance(target, snapshot)
        seen = states(snapshot, target.primitives)
        as_json([dict(told) for told in changes({}, seen)])
        if here is not None:
            deadlock(here, target.outermost, snapshot, now=_NOW, window=60.0)
    covered(["x"], (), failures(snapshot))
    to_reconcile(snapshot, settings, options=Options(), here=next(iter(snapshot.nodes), None), now=_NOW)
    with mock.patch("builtins.print"):
        _show(
            [status_of(target, snapshot, None) for target in service_names(snapshot, settings)],
            as_json=False,
            listing=True,
        )


NOTHING = Forecast(actions=())


def a_decision(document: bytes, verb: str, odd: str) -> None:
    """The first step of an operation, and what it would write."""
    snapshot = parse(document)
    here = next(iter(snapshot.nodes), None)
    for target in service_names(snapshot, Settings())[:3]:
        options = Options(node=odd if verb == "restart" else None, barrier=verb == "start", wave="w7")
        said = target.settings
        try:
            job = make_job(verb, target, snapshot, lambda: NOTHING, said=said, options=options, here=here, now=_NOW)
            step = job.decide(snapshot, NOTHING, _NOW)
        except PacewrightError:
            continue
        if isinstance(step, Commit):
            written(step.change, snapshot)
            job.examine(step, NOTHING, NOTHING)
        assert not isinstance(step, Wait) or step.reason


def written(change: Change, snapshot: Snapshot) -> None:
    """What it writes can be written, is a CIB again, and changes nothing the second time."""
    after = ET.tostring(change.apply(snapshot))
    again = parse(after)
    assert changes_nothing(again.root, change.apply(again)), "a change is not the same twice"
    as_json([dict(told) for told in edits(change, snapshot)])


def an_answer(document: bytes) -> None:
    """What crm_simulate answers."""
    forecast = _parse(ET.fromstring(document), b"", b"")
    as_json(foreseen(forecast))
    _joined(forecast.actions, forecast.actions)


def a_patch(document: bytes) -> None:
    """What crm_diff prints."""
    _guarded_by_epoch(document)


def a_value(text: str) -> None:
    """Whatever stands in an attribute or a mark."""
    assert 0 <= duration(text, 1.0) < 1e10
    is_true(text)
    number(text)
    shown(moment(text))
    Revision.read(text)
    for read in (Report.read, Ready.read):
        found = read(text)
        assert found is None or read(str(found)) is not None
    as_json([moment(text), Revision.read(text).asked])


def a_name(name: str) -> None:
    """A name that somebody gives for a service, and what the guard is asked about."""
    find(name, _GOOD, Settings())
    with (
        mock.patch.object(guard, "_cluster", return_value=(_GOOD, "down")),
        mock.patch.object(units, "run", _no_systemd),
    ):
        guard.guard(name, ["restart"], config=Path("/nonexistent"))


def names_of_units(document: bytes) -> None:
    """The names that needrestart gets are units' own, and nothing else."""
    snapshot = parse(document)
    with (
        mock.patch.object(guard, "_cluster", return_value=(snapshot, "")),
        mock.patch.object(units, "run", _no_systemd),
    ):
        for unit in guard.guarded_units():
            assert "\n" not in unit


def _some_systemd(argv: Sequence[str], **kwargs: object) -> Completed:
    names = argv[argv.index("--") + 1 :]
    told = "\n\n".join("LoadState=not-found\nMainPID=0" for _ in names).encode()
    return Completed(argv=tuple(argv), code=0, stdout=told, stderr=b"")


def _no_systemd(*args: object, **kwargs: object) -> object:
    raise ToolOutput("systemctl: none here.")


# --- files and what callers give


def services_yaml(text: bytes) -> None:
    """The site's file, and all that is asked of it."""
    with _file(text) as path:
        settings = load(path)
    service_names(_GOOD, settings)
    every_service(_GOOD, settings)


def a_document(text: bytes) -> None:
    """A document of `resource apply`, and what it would write."""
    wanted = load_document(text, "x")
    written(Change(edits=shaped(wanted, _GOOD, {}), reason="apply"), _GOOD)


def inputs_json(text: bytes) -> None:
    """What `--inputs` names, up to the fingerprint of it."""
    with _file(text) as path:
        given = read_inputs(str(path))
    with mock.patch.object(units, "run", _some_systemd):
        look({n: tuple(p) for n, p in given.items() if p}, Settings(), _GOOD, NodeName("n1"), None)


def a_log(text: bytes, packed: bytes) -> None:
    """A history, in a table and in a picture."""
    with _file(text) as path:
        rotated = path.with_name(f"{path.name}.1.gz")
        rotated.write_bytes(packed)
        try:
            found = read_log(path)
        finally:
            rotated.unlink()
    calls = stories(found.entries)
    as_json([entry.told for entry in found.entries])
    for call in calls:
        history_rows.row_of(call)
        list(history_rows.rows_of(call))
        call.is_about("web")
    if calls:
        ET.fromstring(picture(timeline(calls)))


def corosync_conf(text: bytes) -> None:
    """What this machine's own configuration says."""
    with _file(text) as path:
        place.configured_nodes(path)
        with mock.patch.object(place, "_DEFAULTS", (path,), create=True):
            place.local_names()


class _file:  # noqa: N801 - a function, to those who use it
    """A file for a moment."""

    def __init__(self, text: bytes) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz")
        self._text = text

    def __enter__(self) -> Path:
        path = Path(self._folder.name) / "file"
        path.write_bytes(self._text)
        return path

    def __exit__(self, *args: object) -> None:
        self._folder.cleanup()


# --- programs, servers, other nodes


def systemctl(text: bytes) -> None:
    """What `systemctl show` prints."""
    done = mock.Mock(stdout=text, code=0)
    done.checked.return_value = done
    with mock.patch.object(units, "run", return_value=done):
        units.show("web")
        units.also_called(["web"])


def journal(text: bytes) -> None:
    """What another node's journal prints."""
    done = mock.Mock(stdout=text, code=0)
    with mock.patch.object(logs, "run", return_value=done):
        for told in (logs.unit_lines("web", "n2"), logs.agent_lines("Dummy", "db", "n2")):
            assert len(told) <= 2000


def haproxy(answer: str, node: str) -> None:
    """What HAProxy answers about a server."""
    how = Drain(haproxy=HAProxy(sockets=("h:1",), server="web/{node}"), timeout=0.0)
    with mock.patch.object(balancer, "_ask", lambda address, question: answer if "stat" in question else ""):
        balancer.Balancer("web", how, SYSTEM_CLOCK).drain(NodeName(node))


def a_url(target: str, kind: HealthKind) -> None:
    """A health check of anything, with nobody there."""
    with mock.patch("socket.create_connection", side_effect=ConnectionRefusedError(111, "Connection refused")):
        why, _ = health._why_not(Health(kind=kind, target=(target,)), NodeName("n1"), 0.1)
    assert why


def a_request(text: bytes) -> None:
    """What a node asks the lab's power switch."""
    with mock.patch.object(power_switch, "nodes", mock.Mock(is_on=lambda *a: True)):
        switch = power_switch.PowerSwitch(LabState(name="x", nodes=2))
        with mock.patch.object(switch, "_switch"):
            as_json(switch.answer(power_switch.parsed(text)))


# --- what goes out


def a_text(text: str) -> None:
    """What is printed and recorded."""
    assert "\x1b" not in clean(text)
    assert len(line({"time": 1.0, "kind": "end", "call": "c", "message": text, text: [text] * 30})) <= LIMIT
    plain(text)


READERS = {
    "a CIB": Reader(inputs=spoilt_xml(worlds.CIBS).map(lambda d: (d,)), read=a_cib, share=2.0),
    "a decision": Reader(
        inputs=st.tuples(spoilt_xml(worlds.CIBS[:1]), st.sampled_from(_VERBS), st.sampled_from(("n1", "n2", "n9"))),
        read=a_decision,
        share=2.0,
    ),
    "bytes of a CIB": Reader(inputs=spoilt_bytes(worlds.CIBS[:1]).map(lambda d: (d,)), read=a_cib),
    "crm_simulate's answer": Reader(inputs=spoilt_xml(worlds.ANSWERS).map(lambda d: (d,)), read=an_answer),
    "crm_diff's patch": Reader(
        inputs=spoilt_bytes([b"<diff><version><source epoch='1'/></version><change path='/x'/></diff>"]).map(
            lambda d: (d,)
        ),
        read=a_patch,
    ),
    "a value": Reader(
        inputs=st.tuples(odd_texts | st.builds(lambda *p: "@".join(p), odd_texts, odd_texts, odd_texts)),
        read=a_value,
        share=2.0,
    ),
    "a name": Reader(inputs=st.tuples(odd_texts), read=a_name),
    "names of units": Reader(inputs=spoilt_xml(worlds.CIBS[:1]).map(lambda d: (d,)), read=names_of_units),
    "services.yaml": Reader(inputs=spoilt_bytes(worlds.SERVICES).map(lambda d: (d,)), read=services_yaml),
    "a resource document": Reader(
        inputs=json_documents(worlds.DOCUMENTS).map(lambda d: (d,)), read=a_document, share=2.0
    ),
    "--inputs": Reader(inputs=json_documents(worlds.INPUTS).map(lambda d: (d,)), read=inputs_json),
    "a history": Reader(
        inputs=st.tuples(
            spoilt_bytes([worlds.LOG])
            | st.lists(json_documents([json.loads(t) for t in worlds.LOG.splitlines()])).map(b"\n".join),
            spoilt_bytes([gzip.compress(worlds.LOG)]),
        ),
        read=a_log,
    ),
    "corosync.conf": Reader(
        inputs=spoilt_bytes(
            [b"nodelist {\n node {\n  name: n1\n  ring0_addr: 10.0.0.1\n }\n}\nPCMK_node_name='n1'\n"]
        ).map(lambda d: (d,)),
        read=corosync_conf,
    ),
    "systemctl": Reader(
        inputs=spoilt_bytes(
            [b"Id=web.service\nNames=web.service\nLoadState=loaded\nMainPID=12\nActiveState=active\n\nId=x\n"]
        ).map(lambda d: (d,)),
        read=systemctl,
    ),
    "a journal": Reader(
        inputs=spoilt_bytes([b'{"MESSAGE": "it broke", "SYSLOG_IDENTIFIER": "Dummy(db)"}\n{"MESSAGE": [1, 2]}\n']).map(
            lambda d: (d,)
        ),
        read=journal,
    ),
    "HAProxy's answer": Reader(
        inputs=st.tuples(
            spoilt_bytes([b"# pxname,svname,qcur,scur\nweb,n1,0,3\nweb,n2,0,\n"]).map(
                lambda b: b.decode(errors="replace")
            ),
            st.just("n1") | odd_texts,
        ),
        read=haproxy,
    ),
    "a health check's target": Reader(
        inputs=st.tuples(
            odd_texts
            | spoilt_bytes([b"http://u:p@{node}:80/x?y=1", b"https://[::1]:80/", b"h:80"]).map(
                lambda b: b.decode(errors="replace")
            ),
            st.sampled_from((HealthKind.HTTP, HealthKind.TCP)),
        ),
        read=a_url,
    ),
    "the power switch's request": Reader(
        inputs=json_documents([{"action": "off", "node": "n1"}]).map(lambda d: (d,)), read=a_request
    ),
    "what is printed": Reader(inputs=st.tuples(st.text() | odd_texts), read=a_text),
}
