"""What a deployment costs a month at a stated volume, with the arithmetic. Pure.

Prices are Amazon's list prices of us-east-1 as of PRICES_DATE, without free tiers, discounts and taxes; London is some
10 to 20 % above them. They are here to compare and to find the large items, not to replace AWS's own calculator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS
from trunkline.deploy.stages import MACHINE_STAGES, STAGES
from trunkline.schedules.schedule import bounds, make_schedule

PRICES_DATE: Final = "June 2025"
PRICES: Final[Mapping[str, float]] = {
    "lambda_gb_s": 0.0000133334,  # arm64
    "lambda_million": 0.20,
    "kinesis_stream_h": 0.04,  # on demand
    "kinesis_gb_in": 0.08,
    "kinesis_gb_out": 0.04,
    "s3_gb_month": 0.023,
    "s3_put_thousand": 0.005,
    "s3_get_thousand": 0.0004,
    "kms_key": 1.00,
    "sqs_million": 0.40,
    "alarm": 0.10,
    "dashboard": 3.00,
    "log_gb": 0.50,
    "firehose_gb": 0.029,
    "crawler_dpu_h": 0.44,
    "rpu_h": 0.375,
    "timestream_million": 0.50,
    "timestream_memory_gb_h": 0.036,
    "grafana_editor": 9.00,
    "transition_thousand": 0.025,
}
"""US dollars, as the pricing pages had them (aws.amazon.com/<service>/pricing). They change: check large items."""

DAYS: Final = 30
# Ours, of simulated centres: bytes on the wire, and how many of each a contact and an agent make.
RECORD_KB, VERSIONS = 4.0, 2
EVENT_KB, EVENTS_PER_CONTACT = 1.0, 8
AGENT_EVENT_KB, AGENT_EVENTS_PER_DAY = 2.0, 600  # a heartbeat every two minutes of a shift, and each change of state
CONTACTS_PER_AGENT = 40
PARQUET_SHARE = 0.25  # of the bytes on the wire that are left in Parquet
BATCH_S: Final = 5  # the longest that a batch of a stream waits
# The states that an execution enters, each of which is paid as a transition: of a run that loads, and of one with
# nothing due, which is how the night's run of all objects finds them.
RUN_STATES: Final = (
    "Start",
    "Begin",
    "IsDue",
    "Extract",
    "Stage",
    "HowToLoad",
    "CopyAndMerge",
    "IsAllLoaded",
    "IsAllRead",
    "Verify",
    "Notify",
    "Done",
)
IDLE_STATES: Final = ("Start", "Begin", "IsDue", "NothingDue")
PARENT_STATES: Final = ("Start", "Dimensions", "Facts", "Summarize", "IsRedriven", "Done")
OBJECT_STATES_OF_PARENT: Final = 2
STAGE_S: Final = 3.0  # ours: a function of a run opens lake and warehouse, and waits for a few statements
_RUN_FUNCTIONS: Final = [module for module in MACHINE_STAGES.values() if module != "stages.record_failure"]
_MONTH: Final = datetime(2026, 6, 1, tzinfo=UTC)  # whose firings are counted


@dataclass(frozen=True, slots=True)
class Volume:
    """What a day brings."""

    contacts: int
    agents: int
    stored_months: int = 12

    @property
    def gb_in(self) -> float:
        """Bytes into streams in a month, GB."""
        records = self.contacts * VERSIONS * RECORD_KB
        return (records + self.agents * AGENT_EVENTS_PER_DAY * AGENT_EVENT_KB) * DAYS / 1e6

    @property
    def batches(self) -> float:
        """Invocations for a stream in a month: one each five seconds, or one a record where there are fewer."""
        records = self.contacts * VERSIONS + self.agents * AGENT_EVENTS_PER_DAY
        return float(min(records, 86_400 / BATCH_S) * DAYS)


@dataclass(frozen=True, slots=True)
class CostItem:
    """One line of the bill: quantity times price, US dollars a month. `arithmetic` says where the quantity is from."""

    service: str
    item: str
    arithmetic: str
    quantity: float
    price: float

    @property
    def monthly_usd(self) -> float:
        """Quantity times price."""
        return self.quantity * self.price


def monthly_cost(config: DeployConfig, volume: Volume, alarms: int = 20) -> list[CostItem]:
    """Every item of a deployment, the dearest first. `alarms` is how many the templates have."""
    items = [*_storage(config, volume), *_watch(config, volume, alarms)]
    if config.streams.is_on:
        items += _streams(config, volume)
    if config.live.store != "none":
        items += _live(config, volume)
    if config.orchestration.objects:
        items += _runs(config)
    if config.warehouse.mode == "serverless":
        hours = 1.0 * DAYS
        quantity = config.warehouse.base_rpu * hours
        text = f"{config.warehouse.base_rpu} RPU x {hours:.0f} hours (an hour of loads and queries a day)"
        items.append(CostItem("Redshift", "RPU hours", text, quantity, PRICES["rpu_h"]))
    return sorted(items, key=lambda item: (-item.monthly_usd, item.service, item.item))


def _storage(config: DeployConfig, volume: Volume) -> Iterator[CostItem]:
    stored = volume.gb_in * PARQUET_SHARE * volume.stored_months
    text = f"{volume.gb_in:,.1f} GB a month x {PARQUET_SHARE} in Parquet x {volume.stored_months} months"
    yield CostItem("S3", "stored GB", text, stored, PRICES["s3_gb_month"])
    puts = volume.batches * 4 / 1000
    yield CostItem("S3", "thousand puts", f"{volume.batches:,.0f} batches x 4 objects", puts, PRICES["s3_put_thousand"])
    keys = sum((not config.lake.bucket_arn and not config.lake.key_arn, config.streams.is_on, bool(config.watch.email)))
    yield CostItem("KMS", "keys", "lake, stream and alarms, where they are made", keys, PRICES["kms_key"])
    if config.lake.crawlers:
        runs, crawlers = 24 * DAYS, 10
        hours = runs * crawlers * 2 / 6
        text = f"{crawlers} crawlers x {runs} runs x 2 DPU x 10 minutes at least"
        yield CostItem("Glue", "crawler DPU hours", text, hours, PRICES["crawler_dpu_h"])


def _watch(config: DeployConfig, volume: Volume, alarms: int) -> Iterator[CostItem]:
    yield CostItem("CloudWatch", "alarms", f"{alarms} alarms", alarms, PRICES["alarm"])
    yield CostItem("CloudWatch", "dashboard", "1", 1, PRICES["dashboard"])
    logs = volume.batches * 0.5 / 1e6
    yield CostItem("CloudWatch", "log GB", f"{volume.batches:,.0f} invocations x 0.5 KB", logs, PRICES["log_gb"])
    del config


def _streams(config: DeployConfig, volume: Volume) -> Iterator[CostItem]:
    if not config.streams.contact_stream_arn:
        hours = 24.0 * DAYS
        yield CostItem("Kinesis", "stream hours", f"1 stream x {hours:.0f} hours", hours, PRICES["kinesis_stream_h"])
    text = (
        f"({volume.contacts:,} contacts x {VERSIONS} versions x {RECORD_KB:.0f} KB + {volume.agents:,} agents x "
        f"{AGENT_EVENTS_PER_DAY} events x {AGENT_EVENT_KB:.0f} KB) x {DAYS} days"
    )
    yield CostItem("Kinesis", "GB in", text, volume.gb_in, PRICES["kinesis_gb_in"])
    readers = 1 + (config.live.store != "none") + config.streams.firehose
    text = f"{volume.gb_in:,.1f} GB x {readers} readers"
    yield CostItem("Kinesis", "GB out", text, volume.gb_in * readers, PRICES["kinesis_gb_out"])
    yield from _invocations("event_processor", volume.batches, 1.0)
    if config.streams.contact_events:
        events = volume.contacts * EVENTS_PER_CONTACT * DAYS / 1e6
        text = f"{volume.contacts:,} contacts x {EVENTS_PER_CONTACT} events x {DAYS} days x 3 requests"
        yield CostItem("SQS", "million requests", text, 3 * events, PRICES["sqs_million"])
    if config.streams.firehose:
        yield CostItem("Firehose", "GB", f"{volume.gb_in:,.1f} GB", volume.gb_in, PRICES["firehose_gb"])


def _live(config: DeployConfig, volume: Volume) -> Iterator[CostItem]:
    yield from _invocations("persist_agent_event", volume.batches, 0.2)
    if config.connect.instances:
        yield from _invocations("persist_instance_data", 1440.0 * DAYS * len(config.connect.instances), 5.0)
    if config.live.store == "timestream":
        points = (volume.agents * AGENT_EVENTS_PER_DAY + volume.contacts * EVENTS_PER_CONTACT) * DAYS / 1e6
        text = f"({volume.agents:,} agents x {AGENT_EVENTS_PER_DAY} + {volume.contacts:,} contacts x 8) x {DAYS} days"
        yield CostItem("Timestream", "million writes", text, points, PRICES["timestream_million"])
        stored_gb = points * 1e6 / DAYS / 24 * config.live.memory_hours * 0.5 / 1e6
        text = f"{stored_gb:,.2f} GB in the memory store x {24 * DAYS} hours"
        yield CostItem("Timestream", "memory GB hours", text, stored_gb * 24 * DAYS, PRICES["timestream_memory_gb_h"])
    if config.live.grafana:
        yield CostItem("Grafana", "editors", "1 editor; viewers are 5 USD each", 1, PRICES["grafana_editor"])


def _runs(config: DeployConfig) -> Iterator[CostItem]:
    """State transitions and functions of scheduled runs, without retries."""
    chosen, objects = config.orchestration, len(config.orchestration.objects)
    zone = chosen.zone if chosen.trigger == "scheduler" else "UTC"
    month = bounds(make_schedule(chosen.schedule, zone), _MONTH, _MONTH + timedelta(days=DAYS))
    runs, nights = len(list(month)) * objects, DAYS if chosen.trigger == "scheduler" else 0
    night = len(PARENT_STATES) + objects * (OBJECT_STATES_OF_PARENT + len(IDLE_STATES))
    text = f"{runs:,} runs x {len(RUN_STATES)} states" + (f" + {nights} nights x {night} states" if nights else "")
    transitions = (runs * len(RUN_STATES) + nights * night) / 1000
    yield CostItem("Step Functions", "thousand transitions", text, transitions, PRICES["transition_thousand"])
    calls = runs * len(_RUN_FUNCTIONS)
    memory_gb = max(STAGES[module].memory_mb for module in _RUN_FUNCTIONS) / 1024
    text = f"{runs:,} runs x {len(_RUN_FUNCTIONS)} functions"
    yield CostItem("Lambda", "runs, million requests", text, calls / 1e6, PRICES["lambda_million"])
    text = f"{text} x {STAGE_S:g} s x {memory_gb:g} GB"
    yield CostItem("Lambda", "runs, GB seconds", text, calls * STAGE_S * memory_gb, PRICES["lambda_gb_s"])


def _invocations(module: str, times: float, seconds: float) -> Iterator[CostItem]:
    """A function's invocations and its memory time."""
    memory_gb = FUNCTIONS[module].memory_mb / 1024
    text = f"{times:,.0f} invocations"
    yield CostItem("Lambda", f"{module}, million requests", text, times / 1e6, PRICES["lambda_million"])
    text = f"{times:,.0f} invocations x {seconds:g} s x {memory_gb:g} GB"
    yield CostItem("Lambda", f"{module}, GB seconds", text, times * seconds * memory_gb, PRICES["lambda_gb_s"])
