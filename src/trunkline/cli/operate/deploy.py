"""`trunkline deploy`: the configuration of an installation on AWS, and what it creates and costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.cli.shared import Output
from trunkline.errors import UsageError

app = typer.Typer(help="An installation on AWS: configure, plan.", no_args_is_help=True, rich_markup_mode=None)

Config = Annotated[Path, typer.Argument(metavar="[CONFIG]", help="The file that `deploy init` writes.")]
_FILE = Path("trunkline-deploy.toml")


@app.command()
def init(
    account: Annotated[str, typer.Option(help="The AWS account's number.")],
    region: Annotated[str, typer.Option(help="The Region.")] = "eu-west-2",
    out: Annotated[Path, typer.Option(help="The file to write.")] = _FILE,
) -> None:
    """Write the configuration of a deployment: every key with its default and what it means.

    An existing file is not overwritten.

    Example: trunkline deploy init --account 111122223333
    """
    from trunkline.deploy.config_file import config_text, parse_config

    text = config_text(account, region)
    parse_config(text, str(out))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{out} exists already: name another with --out, or edit it.") from None
    output.text(f"{out} is written: edit it, then run trunkline deploy plan")


@app.command()
def plan(
    config: Config = _FILE,
    contacts: Annotated[int, typer.Option("--contacts", min=0, help="Contacts a day.")] = 10_000,
    agents: Annotated[int | None, typer.Option(min=0, help="Agents a day; by default one for 40 contacts.")] = None,
    templates: Annotated[Path, typer.Option(help="The folder of synthesised templates.")] = Path("cdk.out"),
    output_format: Output = Format.TABLE,
) -> None:
    """Show what a deployment costs a month at a stated volume, and what it creates.

    The cost is an estimate by list prices; each line has its arithmetic. Resources are read from the templates that
    `python infra/cdk/app.py CONFIG cdk.out` writes; without them the cost is shown alone. AWS is not called.

    Example: trunkline deploy plan --contacts 20000
    """
    from trunkline.deploy.config_file import read_config
    from trunkline.deploy.cost import CONTACTS_PER_AGENT, PRICES_DATE, Volume, monthly_cost
    from trunkline.deploy.templates import created_resources, read_templates

    chosen = read_config(config)
    volume = Volume(contacts, -(-contacts // CONTACTS_PER_AGENT) if agents is None else agents)
    created = list(created_resources(read_templates(templates))) if templates.is_dir() else []
    alarms = sum(resource.kind == "CloudWatch Alarm" for resource in created)
    items = monthly_cost(chosen, volume, alarms or 20)
    if created and output_format is Format.TABLE:
        output.rows(
            ["stack", "resource", "name", "kept"],
            [(resource.stack, resource.kind, resource.name, resource.is_kept) for resource in created],
            output_format,
        )
    elif not created:
        output.note(f"{templates} has no templates, so what is created is not listed (see --help).")
    output.rows(
        ["service", "item", "arithmetic", "quantity", "price_usd", "monthly_usd"],
        [
            (item.service, item.item, item.arithmetic, item.quantity, item.price, round(item.monthly_usd, 2))
            for item in items
        ],
        output_format,
    )
    total = sum(item.monthly_usd for item in items)
    output.note(f"{total:,.2f} USD a month for {contacts:,} contacts and {volume.agents:,} agents a day.")
    output.note(
        f"List prices of us-east-1 as noted in {PRICES_DATE}, without free tiers; other Regions differ by up to 20 %. "
        "Check them in AWS's calculator."
    )
