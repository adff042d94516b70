"""The `record_*` columns that every object carries: which copy this is, where it came from, when it came."""

from __future__ import annotations

from trunkline.objects.model import Column, Json

OURS = "Trunkline"

FIDELITY_STREAM = "stream"
"""An exported record. Sorts above `api`: the export knows talk, hold and queue times, the API does not."""
FIDELITY_API = "api"
"""A row rebuilt from the Connect API."""

FIDELITY = Column(
    "record_fidelity", "text", None, "How complete the source of this copy is: stream above api. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=16,
)  # fmt: skip
VERSION = Column(
    "record_version", "text", None,
    "Which copy is newer, as text that sorts like the version. NULL when the source gave none; sorts lowest.",
    is_amazon=False, source=OURS, length_max=128,
)  # fmt: skip
REDACTED = Column(
    "record_is_redacted", "boolean", None, "Whether personal data was taken out of this copy on request. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
CATALOGUE = Column(
    "record_catalogue_version", "integer", None,
    "The catalogue version that flattened this copy; a newer one may fill new columns. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
HASH = Column(
    "record_hash", "text", None,
    "MD5 of the stored row without direct personal data, 32 hexadecimal digits. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=32,
)  # fmt: skip
POSITION = Column(
    "record_position", "text", None, "Where the source bytes are: file, version and offset. Never NULL.",
    nullable=False, is_amazon=False, source=OURS, length_max=4096,
)  # fmt: skip
ARRIVED_AT = Column(
    "record_arrived_at", "timestamp", None, "When this copy reached the stream or the bucket, UTC. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
LOADED_AT = Column(
    "record_loaded_at", "timestamp", None, "When Trunkline wrote this copy to the lake, UTC. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip
UNMAPPED = Column(
    "record_unmapped", Json(), None,
    "Source fields that the catalogue does not know, by dotted path, as canonical JSON. NULL when there are none.",
    is_amazon=False, source=OURS,
)  # fmt: skip
IS_DELETED = Column(
    "record_is_deleted", "boolean", None, "Whether this copy says that the row no longer exists. Never NULL.",
    nullable=False, is_amazon=False, source=OURS,
)  # fmt: skip

RECORD_COLUMNS = (
    VERSION, FIDELITY, REDACTED, CATALOGUE, HASH, POSITION, ARRIVED_AT, LOADED_AT, UNMAPPED, IS_DELETED,
)  # fmt: skip

PER_DELIVERY = frozenset({POSITION.name, ARRIVED_AT.name, LOADED_AT.name})
"""Columns that differ between two deliveries of one copy, and so are no part of what must come out the same."""
