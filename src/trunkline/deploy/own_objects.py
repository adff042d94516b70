"""A user's own objects as they are deployed with the Lambda functions: their files in the zip, and what roles allow.

They are part of the zip rather than of a bucket: all functions of one version have the same objects, a hook is deployed
and reviewed as the code that it is, and a cold start makes no call for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from trunkline.deploy.functions import Grant, LambdaFunction
from trunkline.errors import UsageError
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.objects.origins import FilesOrigin, secrets_of
from trunkline.pipelines.home import own_object_files
from trunkline.settings.installation import PACKAGED_OBJECTS
from trunkline.settings.secrets import SecretName

Statement = dict[str, Any]
REGION: Final = "${AWS::Region}"
ACCOUNT: Final = "${AWS::AccountId}"
"""What stands for the Region and the account in a CloudFormation template."""
_QUEUE_URL: Final = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com/(\d{12})/([^/]+)")
_QUEUE_ACTIONS: Final = (
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
)


def own_objects(folder: Path) -> dict[str, Object]:
    """The objects that a folder declares in `objects.toml` and `objects/`, by name.

    Raises UsageError for a declaration that is not valid, where there is none, and for a secret in a file, which a
    function does not have.
    """
    files = own_object_files(folder)
    loaded = catalogue.load(files)
    objects = {name: obj for name, obj in loaded.items() if name not in catalogue.OBJECTS}
    if not objects:
        raise UsageError(f"{folder} declares no object; name the folder that has objects.toml or the folder objects")
    for obj in objects.values():
        for secret in secrets_of(obj.origin):
            if secret.store == "file":
                raise UsageError(
                    f"the source of object {obj.name} has its secret in {secret}, and a function has no such file; "
                    "store it in Secrets Manager or Parameter Store, and name it as secretsmanager:NAME or ssm:NAME"
                )
    return objects


def packaged_files(folder: Path) -> dict[str, bytes]:
    """Path in a function's zip and bytes: the declarations of a folder, and all of its `hooks`.

    Raises UsageError as `own_objects` does, and for a hook that is not in the folder `hooks`: a function has no other
    packages than those of its zip.
    """
    objects = own_objects(folder)
    hooks = [path for path in sorted((folder / "hooks").rglob("*")) if path.is_file() and _is_wanted(path)]
    files = {
        f"{PACKAGED_OBJECTS}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in [*own_object_files(folder), *hooks]
    }
    for obj in objects.values():
        module = f"{PACKAGED_OBJECTS}/hooks/{obj.hook.module.replace('.', '/')}" if obj.hook else ""
        if module and not {f"{module}.py", f"{module}/__init__.py"} & set(files):
            raise UsageError(
                f"the hook {obj.hook and obj.hook.name} of object {obj.name} is not in {folder / 'hooks'}; put its "
                "module there, since a function has no other packages than those of its zip"
            )
    return files


def _is_wanted(path: Path) -> bool:
    return "__pycache__" not in path.parts and not path.name.startswith(".")


def with_own_objects(function: LambdaFunction, objects: Iterable[Object]) -> LambdaFunction:
    """The function with these objects among those whose rows it may write; the stages of runs may write any."""
    if function.module != "stream_processor":
        return function
    folders = tuple(f"{obj.lake_folder}/" for obj in objects)
    return replace(function, grants=tuple(_with_folders(grant, folders) for grant in function.grants))


def _with_folders(grant: Grant, folders: tuple[str, ...]) -> Grant:
    is_of_rows = grant.kind == "lake" and "s3:PutObject" in grant.actions and grant.prefixes
    return replace(grant, prefixes=(*folders, *grant.prefixes)) if is_of_rows else grant


def source_statements(objects: Iterable[Object], region: str = REGION, account: str = ACCOUNT) -> list[Statement]:
    """What the role of the stage `extract` must allow to read these objects' declared sources, as IAM statements.

    A key of KMS that encrypts them is not known here, and has to be allowed besides.
    """
    by_actions: dict[tuple[str, ...], list[str]] = {}
    prefixes: dict[str, list[str]] = {}
    for obj in objects:
        for actions, arn in _needed(obj, region, account):
            by_actions.setdefault(actions, []).append(arn)
        for bucket, prefix in _places(obj):
            by_actions.setdefault(("s3:GetObject",), []).append(f"arn:aws:s3:::{bucket}/{prefix}*")
            prefixes.setdefault(bucket, []).append(f"{prefix}*")
    allowed: list[Statement] = [
        {"Effect": "Allow", "Action": list(actions), "Resource": sorted(set(arns))}
        for actions, arns in by_actions.items()
    ]
    return allowed + [_listing(bucket, listed) for bucket, listed in prefixes.items()]


def _listing(bucket: str, prefixes: Iterable[str]) -> Statement:
    condition: Mapping[str, Any] = {"StringLike": {"s3:prefix": sorted(set(prefixes))}}
    return {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}"],
        "Condition": condition,
    }


def _places(obj: Object) -> Iterator[tuple[str, str]]:
    """Bucket and fixed beginning of the keys of each path in S3 that an object is read from."""
    for path in obj.origin.paths if isinstance(obj.origin, FilesOrigin) else ():
        if path.startswith("s3://"):
            bucket, _, key = path.removeprefix("s3://").partition("/")
            yield bucket, re.split(r"[*?]", key, maxsplit=1)[0]


def _needed(obj: Object, region: str, account: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for secret in secrets_of(obj.origin):
        yield from _secret(secret, region, account)
    if isinstance(obj.origin, FilesOrigin) and obj.origin.queue:
        match = _QUEUE_URL.match(obj.origin.queue)
        place = match.groups() if match else (region, account, obj.origin.queue)
        yield _QUEUE_ACTIONS, f"arn:aws:sqs:{':'.join(place)}"


def _secret(secret: SecretName, region: str, account: str) -> Iterator[tuple[tuple[str, ...], str]]:
    is_arn = secret.name.startswith("arn:")
    if secret.store == "secretsmanager":
        # Secrets Manager adds a hyphen and six characters of its own to a secret's name.
        arn = secret.name if is_arn else f"arn:aws:secretsmanager:{region}:{account}:secret:{secret.name}-??????"
        yield ("secretsmanager:GetSecretValue",), arn
    if secret.store == "ssm":
        name = secret.name.lstrip("/")
        yield ("ssm:GetParameter",), secret.name if is_arn else f"arn:aws:ssm:{region}:{account}:parameter/{name}"
