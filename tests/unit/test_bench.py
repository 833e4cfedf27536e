"""What the bench makes of the cluster's log, of its own figures, and of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import detail_log, performance_page
from bench.figures import Figure, human, seconds
from bench.large_cib import large_cib
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.names import NodeName, ResourceId, Role

_HISTORY = "/cib/status/node_state[@id='{node}']/lrm[@id='{node}']/lrm_resources/lrm_resource[@id='web']/lrm_rsc_op"


def line(at: float, text: str) -> detail_log.Landed:
    return detail_log.Landed(at=at, text=f"(cib_perform_op) \tinfo: +  {text}")


def commit(at: float, epoch: int) -> detail_log.Landed:
    return line(at, f"/cib:  @epoch={epoch}, @num_updates=0")


def begun(at: float, node: int, task: str) -> detail_log.Landed:
    values = f"@operation_key=web_{task}_0, @operation={task}, @call-id=-1, @rc-code=193, @op-status=-1"
    return line(at, f"{_HISTORY.format(node=node)}[@id='web_last_0']:  {values}")


def ended(at: float, node: int, status: int = 0) -> detail_log.Landed:
    values = f"@call-id=7, @rc-code=0, @op-status={status}, @exec-time=4"
    return line(at, f"{_HISTORY.format(node=node)}[@id='web_last_0']:  {values}")


RESTART = (
    commit(10.0, 5),
    line(10.01, "/cib:  @num_updates=1"),
    begun(10.01, 2, "stop"),
    ended(10.02, 2),
    begun(10.03, 2, "start"),
    ended(10.05, 2),
    line(10.06, f"{_HISTORY.format(node=2)}[@id='web_monitor_10000']:  @call-id=8, @rc-code=0, @op-status=0"),
)


def test_the_operations_of_one_restart() -> None:
    found = detail_log.operations(RESTART, "web")
    assert [(o.at, o.node, o.name) for o in found] == [(10.02, "2", "stop"), (10.05, "2", "start")]
    assert detail_log.operations(RESTART, "db") == ()


def test_an_operation_that_failed_is_no_result() -> None:
    assert detail_log.operations((begun(1, 2, "start"), ended(2, 2, status=1)), "web") == ()


def test_only_a_change_of_the_configuration_is_a_commit() -> None:
    assert detail_log.commits(RESTART) == (10.0,)


def test_the_floor_is_from_each_commit_to_the_last_result_that_follows_from_it() -> None:
    second = (commit(20.0, 6), begun(20.01, 3, "stop"), ended(20.02, 3), begun(20.03, 3, "start"), ended(20.09, 3))
    lines = (*RESTART, *second, commit(30.0, 7))
    assert detail_log.floor(detail_log.commits(RESTART), detail_log.operations(RESTART, "web")) == pytest.approx(0.05)
    assert detail_log.floor(detail_log.commits(lines), detail_log.operations(lines, "web")) == pytest.approx(
        0.05 + 0.09
    )


def test_when_a_value_landed() -> None:
    lines = (line(1, "nvpair[@id='a']:  @value=one"), line(2, "nvpair[@id='a']:  @value=two"))
    assert detail_log.landed(lines, "two") == 2
    assert detail_log.landed(lines, "three") is None


def test_figures() -> None:
    figure = Figure.of((0.3, None, 0.1, 0.2))
    assert (figure.median, figure.least, figure.most) == (0.2, 0.1, 0.3)
    assert seconds(figure) == "200 ms (100 to 300)"
    assert seconds(Figure.of(())) == "-"
    assert [human(value) for value in (0.0623, 4.058, 13.27)] == ["62 ms", "4.06 s", "13.3 s"]


def test_the_page_keeps_what_is_written_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance_page, "tables", lambda _: "NEW")
    target = tmp_path / "performance.md"
    target.write_text(f"before\n{performance_page.BEGIN}\nold\n{performance_page.END}\nafter\n", encoding="utf-8")
    performance_page.write(target, None)  # type: ignore[arg-type]
    performance_page.write(target, None)  # type: ignore[arg-type]
    assert (
        target.read_text(encoding="utf-8")
        == f"before\n{performance_page.BEGIN}\n\nNEW\n\n{performance_page.END}\nafter\n"
    )


def test_a_page_without_the_markers_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "performance.md"
    target.write_text("all mine\n", encoding="utf-8")
    with pytest.raises(ValueError, match="markers"):
        performance_page.write(target, None)  # type: ignore[arg-type]
    assert target.read_text(encoding="utf-8") == "all mine\n"


def test_the_real_page_has_the_markers() -> None:
    text = (Path(__file__).parents[2] / "docs/performance.md").read_text(encoding="utf-8")
    assert text.count(performance_page.BEGIN) == text.count(performance_page.END) == 1


def test_the_large_cib_is_what_it_says() -> None:
    snapshot = parse(large_cib().encode())
    assert len(snapshot.nodes) == 32
    assert sum(resource.agent is not None for resource in snapshot.resources.values()) == 1000
    assert {i.role for i in snapshot.instances[ResourceId("cloned00")]} == {Role.PROMOTED, Role.UNPROMOTED}
    assert [i.node for i in snapshot.instances[ResourceId("alone000")]] == [NodeName("node01")]
