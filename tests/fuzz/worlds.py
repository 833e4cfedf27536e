"""What readers are given to begin with: documents of each kind that are valid."""

from __future__ import annotations

from pathlib import Path

from pacewright.testing.clusters import Op, cib, clone, group, primitive, revision_on

__all__ = ["ANSWERS", "CIBS", "CONSTRAINTS", "DOCUMENTS", "INPUTS", "LOG", "SERVICES"]

_GOLDEN = Path(__file__).parents[1] / "golden"

CONSTRAINTS = (
    '<rsc_location id="l1" rsc="db" node="n1" score="INFINITY"/>'
    '<rsc_location id="l2" rsc-pattern="we(b)" node="n2" score="-10"/>'
    '<rsc_location id="pacewright-hold-web-clone-on-n2" rsc="web-clone"><rule id="r1" score="-INFINITY">'
    '<expression id="e1" attribute="#uname" operation="eq" value="n2"/>'
    '<date_expression id="d1" operation="lt" end="2026-11-22T20:20:00Z"/></rule></rsc_location>'
    '<rsc_location id="pacewright-gate-web-clone" rsc="web-clone"><rule id="r2" score="-INFINITY">'
    '<expression id="e2" attribute="#uname" operation="ne" value="n1"/></rule></rsc_location>'
    '<rsc_order id="o1" first="db" then="web-clone"/><rsc_colocation id="c1" rsc="db" with-rsc="web-clone"/>'
    '<rsc_order id="o2"><resource_set id="s1"><resource_ref id="db"/><resource_ref id="web"/></resource_set>'
    "</rsc_order>"
)
_MARKS = {
    "n1": {"pacewright-config-web": "abc@1700000100.000", "pacewright-begun-web": "5:1:0:web-n1@n2"},
    "n2": {"pacewright-owed-web": "20261122T200620Z-5e6507", "pacewright-ready-web-clone": "w7@1700000100@1700000400"},
    "n3": {"pacewright-missed-web-clone": "w7@1700000100", "pacewright-drained-web-clone": "1700000100"},
}
CIBS = (
    cib(
        clone("web-clone", primitive("web", "systemd:web", sets=revision_on("web", "n1", "abc"))),
        group("stack", primitive("db", timeouts={"start": "30s"}), primitive("vip", parameters={"ip": "10.0.0.1"})),
        clone("gate-clone", primitive("gate", "ocf:pacemaker:Stateful"), promotable="true"),
        primitive("fence", "stonith:fence_x"),
        histories={
            ("web", "n1"): (Op(task="start", run=1, call=10), Op(task="monitor", run=2, call=11, interval=10000)),
            ("web", "n2"): (Op(task="start", rc=1, run=3, call=12, reason="it broke", failure=True),),
            ("db", "n1"): (Op(task="stop", run=4, pending=True),),
            ("gate", "n1"): (Op(task="promote", run=5, call=14),),
            ("gate", "n2"): (Op(task="start", run=6, call=15),),
        },
        attributes=_MARKS,
        constraints=CONSTRAINTS,
        states={"n3": "unclean"},
    ),
    (_GOLDEN / "cibs" / "made-bundle.xml").read_bytes(),
    (_GOLDEN / "cibs" / "made-remote.xml").read_bytes(),
)
_ANSWER = (
    b'<pacemaker-result api-version="2.25" request="crm_simulate"><actions>'
    b'<node_action node="n3" task="fence" reason="it is gone"/>'
    b'<rsc_action action="Restart" resource="web:0" node="n1" reason="resource definition change"/>'
    b'<rsc_action action="Move" resource="web:1" source="n1" dest="n2"/>'
    b'<rsc_action action="Start" resource="web:2" dest="n1"/><rsc_action action="Stop" resource="db" node="n2"/>'
    b'<rsc_action action="Leave" resource="vip" node="n1"/>'
    b'</actions><status code="0" message="OK"/></pacemaker-result>'
)
ANSWERS = (_ANSWER,)
INPUTS = ({"web": ["/etc/web/web.conf", "/etc/web/*.d"], "db": []},)
DOCUMENTS = (
    {
        "resources": [
            {"id": "web", "agent": "systemd:web", "clone": True, "operations": {"monitor": {"interval": "10s"}}},
            {
                "id": "db",
                "agent": "ocf:heartbeat:Dummy",
                "group": "stack",
                "parameters": {"x": "1"},
                "meta": {"a": "b"},
            },
            {"id": "gate", "agent": "ocf:pacemaker:Stateful", "promotable": True, "clone": {"id": "gate-clone"}},
            {"id": "old", "ensure": "absent"},
        ],
        "constraints": [
            {"kind": "location", "resource": "web", "node": "n1", "score": "INFINITY"},
            {"kind": "order", "first": "db", "then": "web"},
        ],
    },
)
LOG = (_GOLDEN / "pictures" / "history.jsonl").read_bytes()
_SERVICES = (
    b"services:\n"
    b"  web:\n    resource: web-clone\n    config: [/etc/web, '/etc/x*']\n    max_unavailable: 25%\n"
    b"    health: {http: 'http://{node}:80/', timeout: 5, stable_for: 1}\n    timeout: 30\n    gate: true\n"
    b"    barrier: {timeout: 5, on_timeout: proceed, window: 60}\n"
    b"    order: [promoted_last, dc_last]\n    on_failure: continue\n"
    b"  db:\n    drain: {haproxy: {sockets: [/run/h.sock, 'h:99'], server: 'web/{node}'}, timeout: 3}\n"
    b"  vip: {drain: {before: [drain, '{node}'], after: give}, strategy: together, health: {command: [check]}}\n"
)
SERVICES = (_SERVICES,)
