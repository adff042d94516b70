"""Which source reads the files of an object: records one after another, or a transcript each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trunkline.objects.model import Object
from trunkline.objects.transcript import TRANSCRIPT
from trunkline.positions import Plan, Progress
from trunkline.records import Framed
from trunkline.settings import Settings
from trunkline.sources.files import listing
from trunkline.sources.files import reader as s3_files
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.transcripts import files as transcripts


def list_of(obj: Object, paths: Sequence[str]) -> list[SourceFile]:
    """The files that a load of the object reads. UsageError where a path names nothing."""
    return transcripts.list_transcripts(paths) if obj == TRANSCRIPT else listing.list_files(paths)


def read_batches(
    settings: Settings,
    obj: Object,
    files: Sequence[SourceFile],
    done: Mapping[tuple[str, str], Progress],
    client: Any = None,
) -> Iterator[Framed]:
    """What the files hold beyond `done`, as batches. `client` is a boto3 S3 client (made where needed)."""
    if obj == TRANSCRIPT:
        return transcripts.read_batches(files, done, obj.name, settings.transcript_keys, settings.batch_bytes, client)
    return s3_files.read_batches(files, done, obj.name, settings.batch_bytes, client)


def reread(settings: Settings, plan: Plan) -> Framed:
    """The batch of a plan once more. SourceChangedError where a file is another version now."""
    if plan.source == transcripts.NAME:
        return transcripts.reread(plan, settings.transcript_keys)
    return s3_files.reread(plan)
