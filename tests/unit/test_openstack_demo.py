"""What the demo of Neutron on a cluster makes of a journal, of Pacemaker's log, of its own acts, and of the API."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pacewright.cli.demo.openstack import summary
from pacewright.demo.openstack import (
    ACTS,
    Before,
    Data,
    Episode,
    Told,
    commits,
    instance_starts,
    puppet_on_nodes,
    unmet,
)
from pacewright.demo.openstack.client import Client
from pacewright.demo.openstack.commits import Commit
from pacewright.demo.openstack.instance_starts import Start
from pacewright.demo.openstack.puppet_on_nodes import Run
from pacewright.demo.tally import Count

API, RPC = instance_starts.SERVICES
NODES = ("n1", "n2", "n3")
STARTED, STOPPING = "39f53479d3a045ac8e11786248231fbf", "de5b426a63be47a7b6ac3eaac82e2f6f"


# --- the journal


def entry(message: str, life: str, at: float) -> str:
    moment = str(int(at * 1_000_000))
    told = {"MESSAGE_ID": message, "INVOCATION_ID": life, "UNIT": f"{API}.service", "__REALTIME_TIMESTAMP": moment}
    return json.dumps(told)


def life(node: str, began: float, ended: float = float("inf"), service: str = API) -> Start:
    return Start(node=node, service=service, began=began, ended=ended)


def test_the_lives_of_a_unit() -> None:
    journal = [entry(STARTED, "a", 1.0), entry(STOPPING, "a", 2.0), entry(STARTED, "b", 3.0)]
    assert instance_starts.read("n1", journal) == [life("n1", 1.0, 2.0), life("n1", 3.0)]


def test_what_a_power_cut_has_ended_was_over_when_it_began_again() -> None:
    journal = [entry(STARTED, "a", 1.0), entry(STARTED, "b", 3.0)]
    assert instance_starts.read("n1", journal) == [life("n1", 1.0, 3.0), life("n1", 3.0)]


def test_how_many_were_down_at_once() -> None:
    rolling = [life("n1", 0, 10), life("n2", 0, 20), life("n1", 12), life("n2", 22), life("n3", 0)]
    assert instance_starts.most_down(rolling, API, NODES, since=5, until=30) == 1
    together = [life("n1", 0, 10), life("n2", 0, 11), life("n1", 12), life("n2", 13), life("n3", 0)]
    assert instance_starts.most_down(together, API, NODES, since=5, until=30) == 2
    assert instance_starts.counts(together, NODES)[API] == [2, 2, 1]


# --- Pacemaker's log


LOG = """\
Nov 24 08:33:48 n2 pacemaker-based [44] (cib_perform_op) \tinfo: Diff: --- 0.19.4 2
Nov 24 08:33:48 n2 pacemaker-based [44] (cib_perform_op) \tinfo: Diff: +++ 0.21.0 (null)
Nov 24 08:33:48 n2 pacemaker-based [44] (cib_perform_op) \tinfo: -- /cib/clone/nvpair[@name='target-role']
Nov 24 08:33:48 n2 pacemaker-based [44] (cib_process_request) \tinfo: Completed cib_apply_diff operation for section \
'all': OK (rc=0, origin=n1/cibadmin/2, version=0.21.0)
Nov 24 08:33:49 n2 pacemaker-based [44] (cib_perform_op) \tinfo: Diff: --- 0.21.0 2
Nov 24 08:33:49 n2 pacemaker-based [44] (cib_perform_op) \tinfo: Diff: +++ 0.21.1 (null)
Nov 24 08:33:49 n2 pacemaker-based [44] (cib_process_request) \tinfo: Completed cib_modify operation for section \
status: OK (rc=0, origin=n3/crmd/63, version=0.21.1)
"""


def test_who_changed_the_configuration() -> None:
    (found,) = commits.read(LOG.splitlines())
    assert (found.epoch, found.node, found.program) == (21, "n1", "cibadmin")
    assert found.touches("target-role")
    assert not found.touches("revision")


# --- the data


def test_the_data_change_rabbitmqs_parameters_and_nothing_else() -> None:
    before, after = json.loads(Data().text()), json.loads(Data().turned().text())
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"neutron::default_transport_url", "neutron::rabbit_heartbeat_timeout_threshold"}
    assert Data().turned().turned() == Data()


def test_an_upgrade_is_in_the_data_of_both_classes_that_have_packages() -> None:
    told = json.loads(Data(version="9").text())
    assert told["neutron::package_ensure"] == told["neutron::server::package_ensure"] == "9"


# --- the ways


def test_an_agent_has_its_site_on_the_server_alone_and_says_what_an_apply_says() -> None:
    way = puppet_on_nodes.agent("n1")
    assert way.homes == ("n1",)
    command = way.command("--noop")
    assert command[:2] == ["puppet", "agent"]
    assert command[-1] == "--noop"
    assert {"--detailed-exitcodes", "--log_level=notice", "--onetime", "--no-usecacheonfailure"} <= set(command)


# --- the acts


def run_of(node: str, *said: str, code: int | None = 2) -> Run:
    return Run(node=node, code=code, said=said, seconds=1.0)


def episode(*lives: Start, runs: tuple[Run, ...] = (), written: int = 1, failed: int = 0) -> Episode:
    return Episode(
        nodes=NODES,
        before=Before(at=100.0, clock=0.0, epoch=1),
        until=200.0,
        runs=runs or (run_of("n1", "Exec[neutron-db-sync]: Triggered 'refresh' from 1 event"), run_of("n2")),
        lives=lives,
        commits=(Commit(epoch=2, node="n1", program="cibadmin", changes=()),) * written,
        count=Count(served=10, failed=failed, gap=0.5, slowest=0.1, errors=Counter()),
    )


def rolled(service: str) -> list[Start]:
    old = [life(node, 1.0, 110.0 + 10 * place, service) for place, node in enumerate(NODES)]
    return [*old, *(life(node, 112.0 + 10 * place, service=service) for place, node in enumerate(NODES))]


ROLLED = (*rolled(API), *rolled(RPC))


def test_an_act_that_keeps_its_promises() -> None:
    deploy, change = ACTS[:2]
    assert unmet([Told(act=deploy, episode=episode(*ROLLED)), Told(act=change, episode=episode(*ROLLED))]) == ()


@pytest.mark.parametrize(
    ("act", "happened", "told"),
    [
        (ACTS[1], episode(*ROLLED, life("n3", 150.0)), "change: neutron-api was to start 1 times on each node"),
        (ACTS[1], episode(*ROLLED, failed=2), "change: 2 requests failed"),
        (ACTS[0], episode(*ROLLED, runs=(run_of("n1"),)), "deploy: the database was to be brought up to date 1 times"),
        (ACTS[1], episode(*ROLLED, runs=(run_of("n2", code=6),)), "change: Puppet on n2 ended with 6"),
        (ACTS[2], episode(runs=(run_of("n1", code=0),)), "no change: the cluster's configuration was changed 1 times"),
    ],
)
def test_an_act_that_does_not_keep_its_promises_says_which(act: object, happened: Episode, told: str) -> None:
    assert told in "; ".join(unmet([Told(act=act, episode=happened)]))  # type: ignore[arg-type]


def test_all_down_at_once_is_no_rolling_restart() -> None:
    old = [life(node, 1.0, 110.0, service) for node in NODES for service in (API, RPC)]
    new = [life(node, 112.0, service=service) for node in NODES for service in (API, RPC)]
    told = unmet([Told(act=ACTS[1], episode=episode(*old, *new))])
    assert "change: neutron-api was down on 3 nodes at once" in told


def test_the_table_at_the_end() -> None:
    told = [Told(act=ACTS[0], episode=episode(*ROLLED)), Told(act=ACTS[1], episode=episode(*ROLLED))]
    lines = [" ".join(line.split()) for line in summary(told).splitlines()]
    assert lines[0] == "DEPLOY CHANGE"
    assert "starts of neutron-api on n1, n2, n3 1, 1, 1 1, 1, 1" in lines
    assert "requests served - 10" in lines
    assert f"change {ACTS[1].title}" in lines


# --- the client


class Networks(BaseHTTPRequestHandler):
    known: dict[str, str] = {}  # noqa: RUF012 - one server at a time
    refuses = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.known["7"] = body["network"]["name"]
        self.reply(201, {"network": {"id": "7"}})

    def do_GET(self) -> None:
        self.reply(200, {"networks": [{"name": name} for name in self.known.values()]})

    def do_DELETE(self) -> None:
        self.known.pop("7")
        self.reply(204, None)

    def reply(self, status: int, body: object) -> None:
        self.send_response(503 if self.command == self.refuses else status)
        self.send_header("X-Served-By", "n2")
        self.end_headers()
        if body is not None:
            self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def api(refuses: str = "") -> Iterator[Client]:
    Networks.known, Networks.refuses = {}, refuses
    server = ThreadingHTTPServer(("127.0.0.1", 0), Networks)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield Client(host="127.0.0.1", port=server.server_address[1])
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_the_client_makes_a_network_lists_it_and_deletes_it() -> None:
    with api() as client:
        answers = client.once("one")
    assert [(a.version, a.node, a.error) for a in answers] == [
        ("POST", "n2", ""),
        ("GET", "n2", ""),
        ("DELETE", "n2", ""),
    ]
    assert Networks.known == {}


@pytest.mark.parametrize(("verb", "asked"), [("POST", 1), ("GET", 3), ("DELETE", 3)])
def test_the_client_counts_what_is_refused(verb: str, asked: int) -> None:
    with api(verb) as client:
        answers = client.once("one")
    assert len(answers) == asked
    assert [a.error for a in answers if a.error] == [f"{verb}: 503"]


def test_the_client_counts_a_network_that_is_not_there_as_a_failure() -> None:
    with api() as client:
        Networks.do_GET, kept = lambda self: self.reply(200, {"networks": []}), Networks.do_GET  # type: ignore[method-assign]
        try:
            answers = client.once("one")
        finally:
            Networks.do_GET = kept  # type: ignore[method-assign]
    assert [a.error for a in answers if a.error] == ["GET: not what was made"]


def test_the_client_counts_nobody_there() -> None:
    with api() as client:
        gone = client
    assert [a.error for a in gone.once("one")] == ["POST: ConnectionRefusedError"]
