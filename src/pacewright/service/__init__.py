"""One service over the cluster: its name, its state, the next step (pure), the loop that takes it."""

from pacewright.service.catalog import Answer, Catalog
from pacewright.service.config import DEFAULT_PATH
from pacewright.service.jobs import Options
from pacewright.service.lost import Lost
from pacewright.service.native import Native
from pacewright.service.operations import Planned, Services
from pacewright.service.revision import Debt
from pacewright.service.status import ServiceStatus, State
from pacewright.service.step import Outcome

__all__ = [
    "DEFAULT_PATH",
    "Answer",
    "Catalog",
    "Debt",
    "Lost",
    "Native",
    "Options",
    "Outcome",
    "Planned",
    "ServiceStatus",
    "Services",
    "State",
]
