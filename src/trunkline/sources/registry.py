"""The sources there are, by the name in their plans. A module is imported when its source is first opened."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Final

from trunkline.errors import TerminalError, UsageError
from trunkline.objects.model import Object
from trunkline.objects.origins import FilesOrigin, HttpOrigin, SalesforceOrigin, SheetOrigin
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.model import Source, SourceContext

SOURCES: Final = {
    "s3_files": "files.reader:FileSource",
    "mixed_files": "files.mixed:MixedFileSource",
    "mixed_files_rest": "files.mixed:rest_of_mixed_files",
    "transcripts": "transcripts.files:TranscriptSource",
    "connect_api": "connect_api.source:ContactSource",
    "connect_listing": "connect_api.listings:ListingSource",
    "dynamodb_stream": "dynamodb.shards:StreamSource",
    "dynamodb_scan": "dynamodb.scan:ScanSource",
    "dynamodb_export": "dynamodb.export:ExportSource",
    "kinesis": "kinesis.source:KinesisSource",
    "contact_events": "contact_events.source:ContactEventSource",
    "http_api": "http_api.source:HttpApiSource",
    "sheets": "sheets.source:SheetSource",
    "salesforce": "salesforce.source:SalesforceSource",
    "dead_letter": "dead_letters.source:DeadLetterSource",
}
"""Module below `sources/` and class, which is opened with a SourceContext alone."""

_ORIGINS: Final[dict[type[Any], tuple[str, str, str]]] = {
    HttpOrigin: ("http_api", "pages", "http_api.source:HttpPages"),
    SalesforceOrigin: ("salesforce", "pages", "salesforce.source:SalesforcePages"),
    SheetOrigin: ("sheets", "tab", "sheets.source:SheetTab"),
}
"""For each kind of origin: its source, and the option that is made from the object, its origin and the settings."""


def open_source(name: str, context: SourceContext, **options: Any) -> Source:
    """The source of this name, opened with its context and what else it takes.

    Raises TerminalError for a name that no source has.
    """
    if name not in SOURCES:
        raise TerminalError(
            f"a batch was planned by the source {name!r}, which this version of Trunkline does not have (it has "
            f"{', '.join(SOURCES)}); run the version that planned it once more, or a newer one"
        )
    source: Source = _class(name)(context, **options)
    return source


def origin_source(context: SourceContext) -> Source:
    """The source that reads the origin of the context's object. Raises UsageError where it has none of this kind."""
    obj = context.obj
    if isinstance(obj.origin, FilesOrigin) and obj.origin.discovery == "sqs":
        discovery = importlib.import_module("trunkline.sources.files.discovery")
        announced: Source = discovery.AnnouncedFileSource(context, discovery.AnnouncedFiles(obj.origin))
        return announced
    if type(obj.origin) not in _ORIGINS:
        raise UsageError(
            f"the object {obj.name} has no origin: declare one as [object.{obj.name}.source], or load files with "
            f"`trunkline load {obj.name} PATH`"
        )
    name, option, place = _ORIGINS[type(obj.origin)]
    return open_source(name, context, **{option: _named(place)(obj, obj.origin, context.settings)})


def file_source(context: SourceContext, files: Sequence[SourceFile], client: Any = None) -> Source:
    """The source that reads files of the context's object. `client` is a boto3 S3 client, made where needed."""
    return open_source(context.obj.file_source, context, files=files, client=client)


def list_files(obj: Object, paths: Sequence[str]) -> list[SourceFile]:
    """The files that a load of the object reads, each once, in order of uri. UsageError where a path names nothing."""
    listed: list[SourceFile] = _class(obj.file_source).list_files(paths)
    return listed


def _class(name: str) -> Any:
    return _named(SOURCES[name])


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"trunkline.sources.{module}"), name)
