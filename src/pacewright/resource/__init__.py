"""Resources of a document: what the cluster is to have, compared with what it has, and written in one commit."""

from pacewright.resource.document import load
from pacewright.resource.model import Document
from pacewright.resource.resources import Applied, Options, Resources

__all__ = ["Applied", "Document", "Options", "Resources", "load"]
