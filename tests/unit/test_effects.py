"""What follows from a restart for other resources."""

from __future__ import annotations

from pacewright.cluster.names import NodeName, ResourceId
from pacewright.operation.collateral import down_everywhere
from pacewright.testing.clusters import action, forecast

WEB, ADDRESS = ResourceId("web"), ResourceId("address")
N1, N2 = NodeName("n1"), NodeName("n2")


def test_what_moves_along_with_a_role_is_not_taken_down_everywhere() -> None:
    moves = action("move", "address", "n1", to="n2")
    restart = action("restart", "web", "n1")
    others = {ADDRESS: {N1}}
    assert down_everywhere(forecast(restart, moves, action("promote", "web", "n2")), (WEB,), others) == {}
    assert down_everywhere(forecast(restart, moves), (WEB,), others) == others
    assert down_everywhere(forecast(restart, action("restart", "address", "n1")), (WEB,), others) == others
    assert down_everywhere(forecast(restart, moves), (WEB,), {ADDRESS: {N1, N2}}) == {}
