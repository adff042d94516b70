"""What the function `RedshiftS3SP2` and `trunkline release` take from the environment, under the mission's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from trunkline.errors import UsageError
from trunkline.settings import environment

_RELEASE_VARIABLES: Final = {
    "region": "AWS_DEFAULT_REGION",
    "cluster": "CLUSTER_ID",
    "database": "DATABASE",
    "db_user": "DB_USER",
    "workgroup": "WORKGROUP",
    "secret_arn": "SECRET_ARN",
    "bucket": "RELEASE_BUCKET",
    "prefix": "RELEASE_PREFIX",
    "pick": "RELEASE_PICK",
    "on_failure": "RELEASE_ON_FAILURE",
    "call_s": "RELEASE_TIMEOUT",
}


class ReleaseVariables(msgspec.Struct, frozen=True, kw_only=True):
    """What the function `RedshiftS3SP2` and `trunkline release` take from the environment.

    The first four have the mission's names: AWS_DEFAULT_REGION, CLUSTER_ID, DATABASE, DB_USER. The others are
    WORKGROUP (instead of a cluster), SECRET_ARN, RELEASE_BUCKET, RELEASE_PREFIX, RELEASE_PICK, RELEASE_ON_FAILURE and
    RELEASE_TIMEOUT (seconds until a procedure is cancelled).
    """

    region: str | None = None
    cluster: str | None = None
    database: str | None = None
    db_user: str | None = None
    workgroup: str | None = None
    secret_arn: str | None = None
    bucket: str = "daab-lab-jfr-datalake"
    prefix: str = "Redshift/Rel"
    pick: Literal["first", "latest"] = "first"
    on_failure: Literal["continue", "stop"] = "continue"
    call_s: int = 300

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> ReleaseVariables:
        """An empty variable sets nothing. Raises UsageError naming variable, value and what is valid."""
        variables = environment() if environ is None else environ
        found = {field: text for field, name in _RELEASE_VARIABLES.items() if (text := variables.get(name, "").strip())}
        for field, valid in {"pick": ("first", "latest"), "on_failure": ("continue", "stop")}.items():
            if found.get(field, valid[0]) not in valid:
                raise UsageError(f"{_RELEASE_VARIABLES[field]} is {found[field]!r}; valid are {' and '.join(valid)}.")
        seconds = found.get("call_s", "300")
        if not (seconds.isascii() and seconds.isdigit() and 1 <= int(seconds[:9]) <= 86_400):
            raise UsageError(f"RELEASE_TIMEOUT is {seconds!r}; valid are whole seconds from 1 to 86400.")
        return msgspec.convert(found, cls, strict=False)
