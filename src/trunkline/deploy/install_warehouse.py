"""The custom resource by which a stack installs the warehouse, as `trunkline warehouse install` does.

CloudFormation waits an hour for an answer, a Lambda function runs for 15 minutes. An invocation that runs out of time
starts the next one, which finds the statements that are done or running; one of them answers. An invocation that Lambda
repeats, because the one before crashed, does the same. Creation and update install; deletion leaves everything.
"""

from __future__ import annotations

import json
import logging
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trunkline import clock
from trunkline.aws.clients import make_client
from trunkline.aws.cloudformation import ResourceRequest, Status, read_request, send_answer
from trunkline.aws.errors import RefusedError, translate_errors
from trunkline.aws.redshift_data import DataApi, SqlError
from trunkline.aws.redshift_once import is_conflict
from trunkline.aws.secrets import WAREHOUSE_URL, resolve_secrets
from trunkline.errors import TerminalError, TransientError
from trunkline.limits import INSTALL_MARGIN_S, INSTALL_PAUSE_S, INSTALL_S_MAX, INSTALL_TRIES
from trunkline.objects.catalogue import load, schemas, warehouse_views
from trunkline.pipelines.home import load_objects, own_object_files
from trunkline.pipelines.run.scrub import describe_error
from trunkline.settings.installation import PACKAGED_OBJECTS, Settings
from trunkline.settings.options import Options
from trunkline.warehouse.redshift.address import address_of
from trunkline.warehouse.redshift.install import catalogue_fingerprint, install
from trunkline.warehouse.redshift.resumable import OutOfTimeError, ResumableStatements
from trunkline.warehouse.redshift.session import RedshiftSession

PHYSICAL_ID: Final = "trunkline-warehouse"
"""The resource's id from its creation on, whatever its properties become: a new one would replace the resource."""
VERSION_PROPERTY: Final = "CatalogueVersion"
"""The property that changes with the catalogue, so that CloudFormation sends an update."""
_PROGRESS: Final = "TrunklineProgress"
_TOO_LONG: Final = (
    f"the installation took more than {INSTALL_S_MAX // 60} minutes. It may wait for a load that holds a table's lock: "
    "`trunkline warehouse status` names it. What is installed stays, and the next deployment goes on"
)
_LOG: Final = logging.getLogger("trunkline.install")


@dataclass(frozen=True, slots=True)
class Invocation:
    """The invocation that runs: when its time is over by the monotonic clock, and how to start the next one."""

    ends_s: float
    invoke: Callable[[Mapping[str, Any]], None]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Progress:
    """What one invocation hands to the next: when the first began (Unix time), and the number of this try."""

    began_s: float
    tries: int

    @property
    def is_over(self) -> bool:
        return clock.now().timestamp() - self.began_s > INSTALL_S_MAX


def lambda_invocation(arn: str, left_s: float, sleep: Callable[[float], None]) -> Invocation:
    """The invocation of the Lambda function of this ARN, which has `left_s` more seconds."""

    def invoke(event: Mapping[str, Any]) -> None:
        with translate_errors("lambda", arn):
            make_client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(event))

    return Invocation(clock.monotonic_s() + left_s - INSTALL_MARGIN_S, invoke, sleep)


def version_of(package: Path, zone: str, links: Sequence[str] | None = None) -> str:
    """What VERSION_PROPERTY is for the function of a zip: of its built-in objects and the user's own in the zip.

    `links` is the setting `contact_link`. Raises UsageError for an own object that is not valid.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(
                scratch, [name for name in archive.namelist() if name.startswith(f"{PACKAGED_OBJECTS}/")]
            )
        objects = load(own_object_files(Path(scratch) / PACKAGED_OBJECTS))
    views = warehouse_views(Options().contact_link if links is None else links)
    return catalogue_fingerprint(list(objects.values()), views, zone)


def answer_request(event: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    """Install what the request wants and answer it, or start the next invocation; `status` says which.

    Raises UsageError for an event that is no request, TransientError where CloudFormation cannot be reached: Lambda
    then invokes again.
    """
    request = read_request(event)
    given = event.get(_PROGRESS) or {}
    progress = _Progress(given.get("began_s", clock.now().timestamp()), given.get("tries", 0))
    if request.kind == "Delete":
        return _answered(request, "SUCCESS", "everything stays: delete schemas by hand where you do not need them")
    try:
        changes = _install(request, progress, invocation, event)
    except Exception as error:  # noqa: BLE001 - whatever happens, CloudFormation gets an answer
        _LOG.error("%s of %s failed: %s", request.kind, request.logical_id, describe_error(error))
        return _answered(request, "FAILED", describe_error(error))
    if changes is None:
        return {"status": "CONTINUED"}
    return _answered(request, "SUCCESS", f"{changes} changes of tables and views that were there")


def _install(
    request: ResourceRequest, progress: _Progress, invocation: Invocation, event: Mapping[str, Any]
) -> int | None:
    """Install; the number of changes to what was there, or None where the next invocation goes on."""
    settings = resolve_secrets(Settings.load(), WAREHOUSE_URL)
    tries = progress.tries
    while True:
        scope = f"{request.stack_id}|{request.request_id}|{tries}"
        try:
            return len(_install_once(request, settings, scope, invocation))
        except OutOfTimeError as error:
            if progress.is_over:
                raise TerminalError(f"{_TOO_LONG} ({error})") from error
            invocation.invoke({**event, _PROGRESS: {"began_s": progress.began_s, "tries": tries}})
            return None
        except (TransientError, RefusedError, SqlError) as error:
            # IAM grants what a new role allows after some seconds, so that a refusal is tried again as well.
            tries += 1
            if (isinstance(error, SqlError) and not is_conflict(error)) or tries >= INSTALL_TRIES:
                raise
            _LOG.warning("try %d of the installation failed, and is repeated: %s", tries, describe_error(error))
        invocation.sleep(INSTALL_PAUSE_S)


def _install_once(request: ResourceRequest, settings: Settings, scope: str, invocation: Invocation) -> list[str]:
    address = address_of(settings.warehouse)
    client = make_client("redshift-data", address.target.region)
    objects, views = list(load_objects(settings).values()), warehouse_views(settings.contact_link)
    wanted = request.properties.get(VERSION_PROPERTY)
    if wanted not in (None, catalogue_fingerprint(objects, views, settings.zone)):
        _LOG.warning("the request is for another version of the catalogue than this function's; its own is installed")
    try:
        api = ResumableStatements(DataApi(client, address.target, invocation.sleep), scope, invocation.ends_s)
        changes = install(RedshiftSession(api, address, schemas(objects)), objects, views, settings.zone)
    finally:
        client.close()
    for change in changes:
        _LOG.info("%s", change)
    return changes


def _answered(request: ResourceRequest, status: Status, reason: str) -> dict[str, Any]:
    send_answer(request, status, request.physical_id or PHYSICAL_ID, reason)
    return {"status": status, "reason": reason}
