"""The list of objects. Adding one takes a file beside this one and a line here, or a user's TOML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from trunkline.errors import UsageError
from trunkline.objects.agents.activity import AGENT_ACTIVITY, AGENT_CONTACT_STATE, AGENT_EVENT_CONTACT
from trunkline.objects.agents.adherence import AGENT_ADHERENCE
from trunkline.objects.agents.agent_event import AGENT_EVENT
from trunkline.objects.agents.evaluations import CONTACT_EVALUATION, CONTACT_EVALUATION_ITEM, CONTACT_EVALUATION_RECORD
from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES, USERS
from trunkline.objects.agents.scheduling import SHIFT_ACTIVITIES, STAFF_SHIFT_ACTIVITIES, STAFF_SHIFTS
from trunkline.objects.agents.statistics import AGENT_QUEUE_STATISTIC_RECORD, AGENT_STATISTIC_RECORD
from trunkline.objects.business.instance import AGENT, QUEUE
from trunkline.objects.business.links import LINKS_DEFAULT, contact_links
from trunkline.objects.business.salesforce import CASE, CUSTOMER_CONTACT, MATTER, TASK, USER
from trunkline.objects.business.star import business_views
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.objects.ledger import LEDGER_SCHEMA
from trunkline.objects.model import Object, check
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.calls_view import CALLS_VIEW
from trunkline.objects.post_call.scorecard import SCORECARD
from trunkline.objects.post_call.transcript import CONTACT_LENS_VIEW, TRANSCRIPT, TRANSCRIPT_TURN
from trunkline.objects.user.declare import place_of, read_objects
from trunkline.objects.view import View

OBJECTS: dict[str, Object] = {
    CONTACT_RECORD.name: CONTACT_RECORD,
    CALL.name: CALL,
    SCORECARD.name: SCORECARD,
    TRANSCRIPT.name: TRANSCRIPT,
    AGENT_EVENT.name: AGENT_EVENT,
    CONTACT_EVENT.name: CONTACT_EVENT,
    USERS.name: USERS,
    ROUTING_PROFILES.name: ROUTING_PROFILES,
    AGENT_HIERARCHY_GROUPS.name: AGENT_HIERARCHY_GROUPS,
    QUEUE.name: QUEUE,
    AGENT.name: AGENT,
    USER.name: USER,
    CUSTOMER_CONTACT.name: CUSTOMER_CONTACT,
    MATTER.name: MATTER,
    CASE.name: CASE,
    TASK.name: TASK,
    CONTACT_EVALUATION.name: CONTACT_EVALUATION,
    STAFF_SHIFTS.name: STAFF_SHIFTS,
    STAFF_SHIFT_ACTIVITIES.name: STAFF_SHIFT_ACTIVITIES,
    SHIFT_ACTIVITIES.name: SHIFT_ACTIVITIES,
}

VIEWS: dict[str, View] = {
    CONTACT_STATISTIC_RECORD.name: CONTACT_STATISTIC_RECORD,
    CONTACT_LENS_VIEW.name: CONTACT_LENS_VIEW,
    TRANSCRIPT_TURN.name: TRANSCRIPT_TURN,
    CALLS_VIEW.name: CALLS_VIEW,
    AGENT_EVENT_CONTACT.name: AGENT_EVENT_CONTACT,
    AGENT_ACTIVITY.name: AGENT_ACTIVITY,
    AGENT_STATISTIC_RECORD.name: AGENT_STATISTIC_RECORD,
    AGENT_CONTACT_STATE.name: AGENT_CONTACT_STATE,
    AGENT_QUEUE_STATISTIC_RECORD.name: AGENT_QUEUE_STATISTIC_RECORD,
    CONTACT_EVALUATION_ITEM.name: CONTACT_EVALUATION_ITEM,
    CONTACT_EVALUATION_RECORD.name: CONTACT_EVALUATION_RECORD,
    AGENT_ADHERENCE.name: AGENT_ADHERENCE,
}
"""Views over one object or several, each after those that it reads."""

BUSINESS_VIEWS: dict[str, View] = {view.name: view for view in business_views(contact_links(LINKS_DEFAULT))}
"""Dimensions, facts and the bridge of the business objects: views over the warehouse's tables, which no lake has."""


def warehouse_views(links: Iterable[str] = LINKS_DEFAULT) -> tuple[View, ...]:
    """All views of a warehouse. `links` is the setting `contact_link`. Raises UsageError where that is not valid."""
    return *VIEWS.values(), *business_views(contact_links(links))


CONTACT_VIEWS = (
    "d_agent",
    "d_queue",
    "d_date",
    "d_time",
    "v_fact_call",
    "v_fact_call_pii",
    "v_contact_leg",
    "v_contact_family",
)
"""Views that `sql/star.py` and `sql/family.py` create beside the contact table."""


def find(name: str, objects: Mapping[str, Object] = OBJECTS) -> Object:
    """The object of this name. Raises UsageError naming the valid ones."""
    if name not in objects:
        import difflib

        near = difflib.get_close_matches(name.lower(), objects, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ";"
        raise UsageError(f"there is no object {name!r}{guess} objects are {', '.join(objects)}")
    return objects[name]


def find_view(name: str) -> View | None:
    """The view of this name, as the default settings have it; None where there is none."""
    return VIEWS.get(name) or BUSINESS_VIEWS.get(name)


def load(user_files: Iterable[Path] = ()) -> dict[str, Object]:
    """The built-in objects and those of users' files, by name.

    Raises UsageError for a file that is not valid, and where two objects have one name or one table; ValueError where
    a built-in object breaks a rule of `objects.model.check`.
    """
    objects = dict(OBJECTS)
    for obj in objects.values():
        check(obj)
    views = {view.public_view: view.name for view in warehouse_views()}
    beside = {f"{CONTACT_RECORD.warehouse_table.split('.')[0]}.{name}": name for name in CONTACT_VIEWS}
    tables = views | beside | {table: obj.name for obj in objects.values() for table in _tables(obj)}
    for file in user_files:
        for obj in read_objects(file):
            if obj.name in objects:
                raise UsageError(f"{place_of(file, obj.name)}: [object.{obj.name}] {_why_taken(obj.name)}")
            for table in _tables(obj):
                if table in tables:
                    key = "warehouse_table" if table.startswith(obj.warehouse_table) else "database"
                    raise UsageError(
                        f"{place_of(file, obj.name, key)}: [object.{obj.name}] uses {table}, which {tables[table]} "
                        "has; choose another database or warehouse_table"
                    )
                tables[table] = obj.name
            objects[obj.name] = obj
    return objects


def _why_taken(name: str) -> str:
    if name not in OBJECTS:
        return f"is declared in another file already; choose another name, such as my_{name}, or remove one of them"
    return (
        f"is the name of a built-in object, which cannot be declared again; choose another name, such as my_{name}. To "
        f"use the built-in one, remove this table: fields that it has no column for are kept in record_unmapped "
        f"(trunkline object show {name} lists its columns)"
    )


def schemas(objects: Iterable[Object]) -> tuple[str, ...]:
    """The schemas that these objects and their views have in a warehouse, each once, the ledger's last.

    Names without a schema are looked up in this order; locks and grants concern all of them.
    """
    known = tuple(objects)
    names = {obj.name for obj in known}
    of_tables = [part for obj in known for part in (obj.database, obj.warehouse_table.split(".", maxsplit=1)[0])]
    of_views = [view.database for view in warehouse_views() if names.issuperset(view.needs)]
    return tuple(dict.fromkeys([*of_tables, *of_views, LEDGER_SCHEMA]))


def _tables(obj: Object) -> tuple[str, ...]:
    lake = (obj.public_view, obj.lake_table, f"{obj.lake_table}_versions", f"{obj.lake_table}_files", obj.plain_view)
    return tuple(dict.fromkeys((*lake, obj.warehouse_table, f"{obj.warehouse_table}_staging")))
