"""The demo: a counted web service on a real cluster, its config changed and the service restarted under load."""

from pacewright.demo.act import ACTS, Act, Result, unmet
from pacewright.demo.lab_under_load import Stage
from pacewright.demo.tally import Answer, Count
from pacewright.demo.view import Row, View
from pacewright.demo.web_cluster import ADDRESS, PACKAGES, build

__all__ = ["ACTS", "ADDRESS", "PACKAGES", "Act", "Answer", "Count", "Result", "Row", "Stage", "View", "build", "unmet"]
