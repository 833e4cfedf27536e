"""The campaign: one lab, many runs, each judged; what went wrong is kept, and the next run goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaign import clocks
from campaign.counted_services import NODES, furnish
from campaign.evidence import keep
from campaign.figures import Figures
from campaign.invariants import judge
from campaign.lab_access import Site
from campaign.observations import Invariant, Record, Violation
from campaign.observer import Poller
from campaign.one_run import Run
from campaign.plan import FaultKind, Plan, make_plan
from pacewright import lab as labs
from pacewright.clock import SYSTEM_CLOCK
from pacewright.errors import PacewrightError
from pacewright.lab import Lab

__all__ = ["Campaign"]

PACKAGES = (clocks.PACKAGE,)
_DISK = 1024
"""MiB. It is only there to be filled, and holds logs and the journal of all runs."""
_VERBS = ("restart", "refresh", "report", "start", "stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What was asked for.

    Attributes:
        name: the lab's; one that exists is removed.
        numbers: of the runs.
        evidence: folder for what is kept of runs that went wrong.
        say: told a line for each step.
    """

    name: str
    distro: str
    seed: int
    numbers: tuple[int, ...]
    evidence: Path
    say: Callable[[str], None]

    def carry_out(self, figures: Figures) -> None:
        """All runs, counted as they come, so that an interrupted campaign has its figures too."""
        begun = SYSTEM_CLOCK.monotonic()
        left = list(self.numbers)
        while left:
            with self._stage() as (site, poller, verbs):
                while left:
                    whole = self._one(make_plan(self.seed, left.pop(0), NODES), site, poller, verbs, figures)
                    figures.seconds = SYSTEM_CLOCK.monotonic() - begun
                    if not whole:
                        figures.fresh_labs += 1
                        break

    @contextmanager
    def _stage(self) -> Iterator[tuple[Site, Poller, frozenset[str]]]:
        labs.down(self.name)
        lab = labs.up(self.name, nodes=len(NODES), distro=self.distro, packages=PACKAGES, disk=_DISK)
        try:
            verbs = known_verbs(lab)
            self.say(f"lab {self.name} ({self.distro}) is up; pacewright knows: {', '.join(sorted(verbs))}")
            furnish(lab, with_inputs="refresh" in verbs)
            site = Site(lab)
            missing = site.settle(90)
            if missing:
                raise PacewrightError(f"The campaign's services do not start: {', '.join(map(str, missing))}.")
            with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
                poller = Poller(lab, Path(folder) / "answers")
                try:
                    yield site, poller, verbs
                finally:
                    poller.close()
        finally:
            lab.down()

    def _one(self, plan: Plan, site: Site, poller: Poller, verbs: frozenset[str], figures: Figures) -> bool:
        """One run; False if the lab is beyond repair."""
        folder = self.evidence / f"{self.distro}-seed{self.seed}-run{plan.run}"
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(site=site, plan=plan, verbs=verbs, poller=poller, folder=folder)
        record: Record | None = None
        documents: dict[str, bytes] = {}
        violations: tuple[Violation, ...]
        try:
            record, documents = run.carry_out()
        except PacewrightError as error:
            violations = (Violation(invariant=Invariant.LAB, text=str(error)),)
        else:
            violations = judge(record)
            figures.count(record)
        figures.runs += 1
        figures.add(plan, violations)
        timeline = tuple(run.timeline)
        self._tell(plan, violations, SYSTEM_CLOCK.now() - run.begun)
        if violations:
            keep(
                folder,
                site,
                plan,
                begun=run.begun,
                violations=violations,
                timeline=timeline,
                record=record,
                documents=documents,
            )
        else:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        return not _contagious(violations) and self._ready_again(site, plan)

    def _ready_again(self, site: Site, plan: Plan) -> bool:
        try:
            for fault in plan.faults:
                if fault.kind is FaultKind.NODE_CLOCK:
                    site.by_the_true_clock(fault.nodes[0])
            site.cleanup()
            return not site.settle(60)
        except PacewrightError:
            return False

    def _tell(self, plan: Plan, violations: tuple[Violation, ...], seconds: float) -> None:
        faults = ", ".join(fault.kind.value for fault in plan.faults) or "no fault"
        calls = f"{len(plan.calls)} calls of {', '.join(plan.services)}"
        verdict = f"{len(violations)} VIOLATIONS" if violations else "well"
        self.say(f"run {plan.run}: {verdict} after {seconds:.0f} s ({calls}; {faults})")
        for violation in violations:
            self.say(f"    {violation.invariant.value}: {violation.text}")
        if violations:
            again = f"script/campaign --seed {self.seed} --run {plan.run} --distro {self.distro}"
            self.say(f"    to reproduce: {again}; evidence: {self.evidence}")


def known_verbs(lab: Lab) -> frozenset[str]:
    """Those that the program in the nodes has, of those that we can use."""
    node = lab.nodes[0]
    words = lab.run(node, ["pacewright", "service", "--help"]).stdout.decode().split()
    top = lab.run(node, ["pacewright", "--help"]).stdout.decode().split()
    return frozenset(verb for verb in _VERBS if verb in words) | ({"reconcile"} & set(top))


def _contagious(violations: tuple[Violation, ...]) -> bool:
    """True if what went wrong would go on in the next run: the lab has to be made anew."""
    return any(violation.invariant in {Invariant.ONE_CIB, Invariant.CLEAN, Invariant.LAB} for violation in violations)
