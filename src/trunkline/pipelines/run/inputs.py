"""Where an object's records come from when it is run, and the one call that reads them into lake and warehouse.

The place that `run_sources` names (files, an `s3://` prefix, the stream of a DynamoDB table, or `lake://`, for which
others put records into the lake and a run merges them), else the origin that the object declares, else the Connect API
where the object is collected on a schedule, or listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from trunkline.accounting import Counts, total
from trunkline.aws.clients import make_client
from trunkline.errors import TrunklineError, UsageError
from trunkline.objects.model import Object
from trunkline.objects.origins import FilesOrigin
from trunkline.pipelines.connect.collect import (
    Collector,
    CollectResult,
    ConnectService,
    chosen_instances,
    for_each_instance,
)
from trunkline.pipelines.connect.list_instance import list_instance
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import follow, load, merge_waiting
from trunkline.pipelines.jobs.pull import pull
from trunkline.pipelines.run.due import in_dependency_order, is_collected, is_listed
from trunkline.pipelines.runner import LoadResult
from trunkline.settings.installation import Settings
from trunkline.sources.connect_api.quota import TokenBuckets
from trunkline.sources.dynamodb.shards import Following
from trunkline.sources.model import Source, SourceContext
from trunkline.sources.registry import file_source, list_files, origin_source

_TABLE = "dynamodb://"
_LAKE = "lake://"


@dataclass(frozen=True, slots=True)
class InputOptions:
    """What a caller may add: Connect instances and the API's URL, a clock with a deadline, progress.

    `progress` is called with how much was read since the last call: bytes of files, contacts, or changes.
    """

    instances: Sequence[str] = ()
    endpoint: str | None = None
    service: ConnectService = field(default_factory=ConnectService)
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class InputRead:
    """What was read. `collected` has a result or an error for each Connect instance; `is_done`: nothing is left."""

    results: Sequence[LoadResult]
    collected: Sequence[CollectResult | TrunklineError] = ()
    is_done: bool = True

    @property
    def counts(self) -> Counts:
        """The counts of all."""
        return total(result.counts for result in self.results)

    @property
    def bytes_read(self) -> int:
        """Decoded bytes."""
        return sum(result.bytes_read for result in self.results)

    @property
    def errors(self) -> list[TrunklineError]:
        """The errors of instances; the others went on."""
        return [outcome for outcome in self.collected if isinstance(outcome, TrunklineError)]

    def seconds(self, step: str) -> float:
        """Time spent in a step."""
        if step == "stage":
            whole = sum(result.seconds for result in self.results)
            return max(0.0, whole - self.seconds("extract") - self.seconds("merge"))
        return sum(result.step_seconds.get(step, 0.0) for result in self.results)


def has_input(settings: Settings, obj: Object) -> bool:
    """Whether the object can be run with these settings."""
    if obj.name in settings.run_sources or obj.origin is not None:
        return True
    is_of_connect = is_collected(settings, obj) or is_listed(settings, obj)
    return is_of_connect and bool(settings.connect_instances)


def runnable(settings: Settings, objects: Iterable[Object]) -> list[Object]:
    """The objects that can be run, dimensions before facts."""
    return in_dependency_order(obj for obj in objects if has_input(settings, obj))


def check_input(settings: Settings, obj: Object, options: InputOptions) -> None:
    """Raises UsageError where the object has nowhere to read from, or the place cannot be."""
    place = settings.run_sources.get(obj.name)
    if is_collected(settings, obj) or is_listed(settings, obj):
        chosen_instances(settings, options.instances, options.endpoint)
    elif place is None and obj.origin is None:
        raise UsageError(
            f"{obj.name} has no source to run from: name one in the setting run_sources (TRUNKLINE_RUN_SOURCES), such "
            f"as {obj.name}=s3://bucket/prefix, {obj.name}=/path/to/files or {obj.name}=dynamodb://TABLE. Without one: "
            f"trunkline load {obj.name} PATH"
        )
    elif place is not None and "://" in place and place != _LAKE and not place.startswith((_TABLE, "s3://")):
        raise UsageError(
            f"run_sources has {obj.name}={place!r}; valid are a path, s3://bucket/prefix, dynamodb://TABLE, and "
            f"{_LAKE} for what others put into the lake"
        )


def read_input(home: Home, obj: Object, options: InputOptions) -> InputRead:
    """Read what is new into lake and warehouse. Raises what the source raises; safe to repeat at any point."""
    check_input(home.settings, obj, options)
    place = home.settings.run_sources.get(obj.name)
    if is_listed(home.settings, obj):
        return _list(home, obj, options)
    if is_collected(home.settings, obj):
        return _collect(home, obj, options)
    if place is None:
        return InputRead([pull(home, obj, options.progress)])
    if place == _LAKE:
        return InputRead([merge_waiting(home, obj, options.progress)])
    if place.startswith(_TABLE):
        table = place.removeprefix(_TABLE)
        following = Following(table, make_client("dynamodbstreams"), until_idle=True)
        return InputRead([follow(home, obj, following, options.progress)])
    return InputRead([load(home, obj, [place], options.progress)])


def open_input(settings: Settings, context: SourceContext, obj: Object) -> Source | None:
    """The source of the object's files or origin, for who puts into the lake alone.

    None where reading and merging cannot be parted: the Connect API, whose windows move on as they are merged, and the
    stream of a table. Raises UsageError for an origin that cannot be read as declared.
    """
    place = settings.run_sources.get(obj.name)
    is_of_connect = is_collected(settings, obj) or is_listed(settings, obj)
    if is_of_connect or (place or "").startswith(_TABLE):
        return None
    if place is None and isinstance(obj.origin, FilesOrigin) and obj.origin.discovery == "list":
        return file_source(context, list_files(obj, obj.origin.paths))
    if place is None:
        return origin_source(context)
    return file_source(context, [] if place == _LAKE else list_files(obj, [place]))


def _collect(home: Home, obj: Object, options: InputOptions) -> InputRead:
    chosen = chosen_instances(home.settings, options.instances, options.endpoint)
    collector = Collector(home, obj, options.service, advance=options.progress)
    outcomes = list(for_each_instance(chosen, collector.run_due))
    results = [outcome for outcome in outcomes if isinstance(outcome, CollectResult)]
    loaded = [replace(result.loaded, counts=result.counts) for result in results]
    return InputRead(loaded, outcomes, all(result.is_done for result in results))


def _list(home: Home, obj: Object, options: InputOptions) -> InputRead:
    """List every instance; one that fails does not stop the others. They share the account's quotas."""
    chosen = chosen_instances(home.settings, options.instances, options.endpoint)
    buckets = TokenBuckets(home.settings.connect_share, options.service.clock, home.settings.connect_quota)
    results: list[LoadResult] = []
    failed: list[TrunklineError] = []
    for instance in chosen:
        try:
            results.append(list_instance(home, obj, instance, options.service, buckets, options.progress).loaded)
        except UsageError:
            raise
        except TrunklineError as error:
            failed.append(error)
    return InputRead(results, failed)
