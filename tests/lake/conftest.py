"""Real folders and real loads; only the preparation of flatteners is shared."""

from __future__ import annotations

from sharing import shared_flatteners

__all__ = ["shared_flatteners"]
