"""What is kept of a run that went wrong: plan, timeline, violations, CIBs, journals, what callers said."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from campaign.lab_access import Site
from campaign.observations import Record, Violation
from campaign.plan import Plan
from pacewright.errors import PacewrightError

__all__ = ["keep"]


def keep(
    folder: Path,
    site: Site,
    plan: Plan,
    *,
    begun: float,
    violations: tuple[Violation, ...],
    timeline: tuple[str, ...],
    record: Record | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> None:
    """Write it all into a folder, which may hold what the callers wrote already."""
    folder.mkdir(parents=True, exist_ok=True)
    told = [f"{v.invariant.value}: {v.text}" for v in violations]
    text = ["Violations", *told, "", "Plan", *plan.lines(), "", "What happened", *timeline]
    (folder / "README.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    (folder / "plan.json").write_text(
        json.dumps(asdict(plan), indent=1, default=lambda kind: kind.name), encoding="utf-8"
    )
    if record is not None:
        lines = [f"{e.at - begun:8.3f} {e.primitive} {e.node} {e.what} {e.config} {e.revision}" for e in record.entries]
        lines += [f"{t.at - begun:8.3f} balancer {t.node} {t.what} {t.service}" for t in record.turns if t.at >= begun]
        (folder / "services.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "samples.txt").write_text("\n".join(_samples(record)) + "\n", encoding="utf-8")
    for node, document in (documents or {}).items():
        (folder / f"cib-{node}.xml").write_bytes(document)
    since = datetime.fromtimestamp(begun, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    for node in site.lab.nodes:
        with contextlib.suppress(PacewrightError):
            argv = ["journalctl", "--no-pager", "-o", "short-precise", "--since", since]
            (folder / f"journal-{node}.txt").write_bytes(site.lab.run(node, argv, timeout=30).stdout)
        with contextlib.suppress(OSError):
            shutil.copy(site.lab.paths.root(node) / "var/log/pacemaker/pacemaker.log", folder / f"pacemaker-{node}.log")
    with contextlib.suppress(OSError):
        shutil.copy(site.lab.paths.power_log, folder / "power.log")


def _samples(record: Record) -> list[str]:
    lines = []
    for sample in record.samples:
        quorum = "quorate" if sample.quorate else "NO QUORUM"
        lines.append(f"{sample.at - record.begun:8.3f} {sample.node} epoch {sample.epoch} {quorum} dc {sample.dc}")
        lines += [f"             {mark}" for mark in sample.marks]
    return lines
