"""How a contact of Connect is linked to Salesforce's cases and tasks, by setting `contact_link`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from trunkline.errors import UsageError
from trunkline.objects.business.salesforce import TASK

TASK_COLUMNS: Final = tuple(c.name for c in TASK.data_columns if c.type == "text" and c.name not in TASK.key)
LINKS_DEFAULT: Final = ("attribute:crmCaseId", "task:call_object")


@dataclass(frozen=True, slots=True)
class ContactLinks:
    """`attribute` is the contact attribute that has the id or number of a case; `task_column` the column of tasks that
    has the contact's id. Empty: contacts are not linked this way.
    """

    attribute: str = ""
    task_column: str = ""


def contact_links(links: Iterable[str], where: str = "contact_link") -> ContactLinks:
    """The links of a setting. Raises UsageError naming the entry that is not valid."""
    attribute = task_column = ""
    for link in links:
        kind, _, name = link.partition(":")
        if kind == "attribute" and name and not attribute:
            attribute = name
        elif kind == "task" and name in TASK_COLUMNS and not task_column:
            task_column = name
        else:
            raise UsageError(
                f"{where} has {link!r}, which is not valid; valid are, each at most once, attribute:NAME, a contact "
                f"attribute that has the id or number of a case, and task:COLUMN, a column of task that has the "
                f"contact's id: {', '.join(TASK_COLUMNS)}"
            )
    return ContactLinks(attribute, task_column)
