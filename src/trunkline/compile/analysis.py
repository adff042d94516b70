"""All views for analysts in the order in which they can be created."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.compile.family import family_statements
from trunkline.compile.star import star_statements
from trunkline.compile.views import create_view
from trunkline.engines.model import Engine
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD
from trunkline.objects.model import Object


def analysis_statements(objects: Iterable[Object], engine: Engine) -> tuple[str, ...]:
    """Amazon's statistics, the star and the contact families; the tables must be there. None without contacts."""
    listed = tuple(objects)
    if CONTACT_RECORD not in listed:
        return ()
    statistics = create_view(CONTACT_STATISTIC_RECORD, engine.name)
    return statistics, *star_statements(listed, engine), *family_statements(listed, engine)
