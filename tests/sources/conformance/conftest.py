"""Real folders and real loads; only the preparation of flatteners is shared."""

from __future__ import annotations

from sharing import forgotten_flatteners, one_thread, shared_flatteners

__all__ = ["forgotten_flatteners", "one_thread", "shared_flatteners"]
