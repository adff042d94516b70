"""All views for analysts in the order in which they can be created."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.engines.model import Engine
from trunkline.objects.catalogue import VIEWS
from trunkline.objects.model import Object
from trunkline.sql.family import family_statements
from trunkline.sql.star import star_statements
from trunkline.sql.views import create_view, views_on


def analysis_statements(objects: Iterable[Object], engine: Engine) -> tuple[str, ...]:
    """The catalogue's views, the star and the contact families; the tables must be there, and decide which."""
    listed = tuple(objects)
    views = (create_view(view, engine.name) for view in views_on(listed, VIEWS.values()))
    return *views, *star_statements(listed, engine), *family_statements(listed, engine)
