"""One service over the cluster: its name, its state, the next step (pure), the loop that takes it."""

from pacewright.operation.step import Outcome
from pacewright.service.catalog import Answer, Catalog
from pacewright.service.ledger.debts import Debt
from pacewright.service.native import Native
from pacewright.service.overwritten import Lost
from pacewright.service.requests import Options
from pacewright.service.services import Planned, Services
from pacewright.service.settings import DEFAULT_PATH
from pacewright.service.status import ServiceStatus, State

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
