"""The command `trunkline` as pages run it: this checkout's code, and a folder `s3/BUCKET/...` as Amazon S3."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STAND_IN = Path("s3")


def _serve_folder() -> None:
    """Run the command with moto as S3: its objects are the files of the folder, before and after."""
    import boto3
    from moto import mock_aws

    os.environ |= {"AWS_ACCESS_KEY_ID": "page", "AWS_SECRET_ACCESS_KEY": "page", "AWS_DEFAULT_REGION": "us-east-1"}
    with mock_aws():
        client = boto3.client("s3")
        for bucket in sorted(path for path in STAND_IN.iterdir() if path.is_dir()):
            client.create_bucket(Bucket=bucket.name)
            for path in sorted(path for path in bucket.rglob("*") if path.is_file()):
                client.put_object(Bucket=bucket.name, Key=path.relative_to(bucket).as_posix(), Body=path.read_bytes())
        try:
            _run()
        finally:
            for bucket in client.list_buckets()["Buckets"]:
                for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
                    for found in page.get("Contents", ()):
                        path = STAND_IN / bucket["Name"] / found["Key"]
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(client.get_object(Bucket=bucket["Name"], Key=found["Key"])["Body"].read())


def _run() -> None:
    from trunkline.cli.main import main

    main()


if __name__ == "__main__":
    sys.argv[0] = "trunkline"
    if STAND_IN.is_dir():
        _serve_folder()
    else:
        _run()
