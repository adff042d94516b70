"""`python infra/cdk/app.py [CONFIG [OUT]]`: the stacks of one deployment, checked by cdk-nag's AwsSolutions.

CONFIG is the file that `trunkline deploy init` writes, by default trunkline-deploy.toml. `cdk deploy` runs this by
cdk.json; with OUT the templates are written there without the cdk command.
"""

from __future__ import annotations

import sys
from pathlib import Path

from acknowledged import acknowledge
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from data_pipeline import DataPipelineStack
from orchestration import OrchestrationStack
from parts import TrunklineStack
from stream import StreamStack

from live import LiveStack, TimestreamStack
from trunkline.deploy.config import DeployConfig
from trunkline.deploy.config_file import read_config
from trunkline.errors import TrunklineError
from warehouse import WarehouseStack


def stacks(app: App, config: DeployConfig) -> list[TrunklineStack]:
    """The stacks that a configuration chooses, in the order in which they refer to each other."""
    lake = DataPipelineStack(app, config)
    made: list[TrunklineStack] = [lake]
    streams = None
    if config.streams.is_on:
        streams = StreamStack(app, config, lake)
        made.append(streams)
    if config.warehouse.mode != "none":
        made.append(WarehouseStack(app, config, lake))
    if config.live.store == "timestream":
        made.append(TimestreamStack(app, config))
    if config.live.store != "none":
        made.append(LiveStack(app, config, streams, lake))
    made.append(OrchestrationStack(app, config, lake, list(made)))
    return made


def main(arguments: list[str]) -> int:
    """Exit status: 0 written, 1 a finding of cdk-nag or a configuration that is not valid."""
    path = Path(arguments[0] if arguments else "trunkline-deploy.toml")
    try:
        config = read_config(path)
    except TrunklineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    app = App(outdir=arguments[1] if len(arguments) > 1 else None)
    for stack in stacks(app, config):
        acknowledge(stack)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
