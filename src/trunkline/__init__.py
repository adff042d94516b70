"""Trunkline: a contact-centre data platform for Amazon Connect.

The Python API: `with trunkline.open("./my-centre") as home: home.sql("SELECT ...").df()`.
"""

from typing import TYPE_CHECKING, Any

from trunkline.version import __version__

__all__ = ["HomeHandle", "Table", "__version__", "open"]

if TYPE_CHECKING:
    from trunkline.api import HomeHandle, open  # noqa: A004
    from trunkline.table import Table


def __getattr__(name: str) -> Any:
    """Imports what the API needs when it is first used, so that `import trunkline` stays cheap."""
    if name in ("HomeHandle", "open"):
        from trunkline import api

        return getattr(api, name)
    if name == "Table":
        from trunkline.table import Table

        return Table
    raise AttributeError(f"module 'trunkline' has no attribute {name!r}")
