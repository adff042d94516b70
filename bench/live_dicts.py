"""The rival of `live.py`: the rules of the folds in dictionary-style Python, as such boards are usually written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline.live.contacts import INTERRUPTIONS, SEEN, SEEN_AGENT, SEEN_OTHER

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = (
    "instance_arn", "channel", "method", "initiated_at", "system_at", "scheduled_at", "disconnected_at", "ended_at",
    "cleared_at", "work_s", "hold_s", "next_id", "touched_at",
)  # fmt: skip


class DictState:
    """Agents, contacts and open contacts in dictionaries that are changed in place."""

    def __init__(self) -> None:
        self.agents: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.open: dict[str, None] = {}
        self.names: dict[str, str] = {}
        self.profiles: set[str] = set()

    def apply(self, text: bytes, now: datetime) -> None:
        event = json.loads(text)
        if "AgentARN" in event:
            self.fold_agent(event, now)
        elif "AWSContactTraceRecordFormatVersion" in event:
            self.fold_record(event, now)
        elif event.get("source") == "aws.connect":
            self.fold_contact(event["detail"], now)

    def fold_agent(self, event: dict[str, Any], now: datetime) -> None:
        at = parsed(event["EventTimestamp"])
        if not EARLIEST <= at <= now + DAY:
            raise ValueError("implausible time")
        agent = self.agents.setdefault(event["AgentARN"], {"at": EARLIEST})
        if event["EventType"] in ("LOGIN", "LOGOUT"):
            agent[event["EventType"]] = max(agent.get(event["EventType"], EARLIEST), at)
        current = event.get("CurrentAgentSnapshot") or {}
        known = agent.get("contacts")
        contacts = current.get("Contacts") or []
        if at > agent["at"]:
            status = current.get("AgentStatus") or {}
            configuration = current.get("Configuration") or {}
            profile = configuration.get("RoutingProfile") or {}
            agent.update(
                at=at,
                event_id=event["EventId"],
                status=status.get("Name"),
                kind=status.get("Type"),
                since=parsed(status.get("StartTimestamp")),
                next_status=(current.get("NextAgentStatus") or {}).get("Name"),
                username=configuration.get("Username"),
                profile=profile.get("Name"),
                slots=profile.get("Concurrency"),
                levels=configuration.get("AgentHierarchyGroups"),
                contacts=contacts,
            )
            if profile.get("ARN") not in self.profiles:
                self.profiles.add(profile.get("ARN"))
                for queue in profile.get("InboundQueues") or ():
                    if queue.get("Name"):
                        self.names[queue["ARN"]] = queue["Name"]
        previous = (event.get("PreviousAgentSnapshot") or {}).get("Contacts") or []
        if (contacts or previous) and (contacts != previous or contacts != known):
            self.fold_contacts_of_agent(event, at, contacts, previous)

    def fold_contacts_of_agent(self, event: dict[str, Any], at: datetime, contacts: list, previous: list) -> None:
        before = {contact["ContactId"]: contact for contact in previous}
        for contact in contacts:
            earlier = before.pop(contact["ContactId"], None)
            said = self.of_agent(event, at, contact)
            if contact["State"] == "ENDED":
                said["ended_at"] = parsed(contact["StateStartTimestamp"])
            if (
                earlier is not None
                and earlier["State"] != contact["State"]
                and (contact["State"] in INTERRUPTIONS or earlier["State"] in INTERRUPTIONS)
            ):
                said["changes"] = {(at, contact["State"])}
            self.join(contact["ContactId"], said)
        for contact in before.values():
            said = self.of_agent(event, at, contact)
            if contact["State"] == "ENDED":
                said["ended_at"], said["cleared_at"] = parsed(contact["StateStartTimestamp"]), at
            elif contact.get("ConnectedToAgentTimestamp"):
                said["ended_at"] = said["cleared_at"] = at
            self.join(contact["ContactId"], said)

    def of_agent(self, event: dict[str, Any], at: datetime, contact: dict[str, Any]) -> dict[str, Any]:
        connected = parsed(contact.get("ConnectedToAgentTimestamp"))
        return {
            "instance_arn": event.get("InstanceARN"),
            "channel": channel(contact.get("Channel")),
            "method": contact.get("InitiationMethod"),
            "queue": ((contact.get("Queue") or {}).get("ARN"), parsed(contact.get("QueueTimestamp"))),
            "agent": (event["AgentARN"] if connected else None, connected),
            "seen": SEEN_AGENT,
            "touched_at": at,
        }

    def fold_contact(self, detail: dict[str, Any], now: datetime) -> None:
        if "contactId" not in detail or any(key[0].isupper() for key in detail):
            detail = {key[0].lower() + key[1:]: value for key, value in detail.items()}
        queue, agent = detail.get("queueInfo") or {}, detail.get("agentInfo") or {}
        times = {
            name: set_time(detail.get(key))
            for name, key in (
                ("initiated_at", "initiationTimestamp"),
                ("system_at", "connectedToSystemTimestamp"),
                ("scheduled_at", "scheduledTimestamp"),
                ("disconnected_at", "disconnectTimestamp"),
            )
        }
        for name, at in times.items():
            if at is not None and name != "scheduled_at" and at > now + DAY:
                raise ValueError("implausible time")
        enqueued, connected = set_time(queue.get("enqueueTimestamp")), set_time(agent.get("connectedToAgentTimestamp"))
        said = {
            "instance_arn": detail.get("instanceArn"),
            "channel": channel(detail.get("channel")),
            "method": detail.get("initiationMethod"),
            "queue": (queue.get("queueArn"), enqueued),
            "agent": (agent.get("agentArn"), connected),
            **times,
            "cleared_at": set_time(agent.get("afterContactWorkEndTimestamp")),
            "work_s": agent.get("afterContactWorkDuration"),
            "hold_s": agent.get("agentInitiatedHoldDuration"),
            "seen": SEEN.get(detail["eventType"], SEEN_OTHER),
            "touched_at": times["disconnected_at"]
            or connected
            or enqueued
            or times["system_at"]
            or times["initiated_at"],
        }
        self.join(detail["contactId"], said)
        if detail.get("previousContactId"):
            self.join(
                detail["previousContactId"], {"next_id": detail["contactId"], "touched_at": times["initiated_at"]}
            )

    def fold_record(self, record: dict[str, Any], now: datetime) -> None:
        times = {key: parsed(value) for key, value in record.items() if key.endswith("Timestamp") and value}
        for at in times.values():
            if not EARLIEST <= at <= now + 400 * DAY:
                raise ValueError("implausible time")
        queue, agent = record.get("Queue") or {}, record.get("Agent") or {}
        if queue.get("Name"):
            self.names[queue["ARN"]] = queue["Name"]
        row = {
            "channel": channel(record.get("Channel")),
            "method": record.get("InitiationMethod"),
            "reason": record.get("DisconnectReason"),
            "next": record.get("NextContactId"),
            **times,
            "endpoint": (record.get("TransferredToEndpoint") or {}).get("Type"),
            "queue": queue.get("ARN"),
            "queue_name": queue.get("Name"),
            "enqueued": parsed(queue.get("EnqueueTimestamp")),
            "queue_ms": ms(queue.get("Duration")),
            "agent": agent.get("ARN"),
            "connected": parsed(agent.get("ConnectedToAgentTimestamp")),
            "interaction_ms": ms(agent.get("AgentInteractionDuration")),
            "hold_ms": ms(agent.get("CustomerHoldDuration")),
            "holds": agent.get("NumberOfHolds"),
            "pause_ms": ms(agent.get("AgentPauseDuration")),
            "work_ms": ms(agent.get("AfterContactWorkDuration")),
            "work_end": parsed(agent.get("AfterContactWorkEndTimestamp")),
        }
        said = {
            "instance_arn": record.get("InstanceARN"),
            "touched_at": times.get("DisconnectTimestamp") or times.get("InitiationTimestamp"),
            "record": row,
            "version": times.get("LastUpdateTimestamp"),
        }
        self.join(record["ContactId"], said)

    def join(self, contact_id: str, said: dict[str, Any]) -> None:
        contact = self.contacts.setdefault(contact_id, {"seen": 0})
        for name in LATER:
            value = said.get(name)
            if value is not None and (contact.get(name) is None or value > contact[name]):
                contact[name] = value
        for name in ("queue", "agent"):
            label, at = said.get(name, (None, None))
            known, known_at = contact.get(name, (None, None))
            if (label, at) != (None, None) and (at or EARLIEST, label or "") > (known_at or EARLIEST, known or ""):
                contact[name] = label, at
        contact["seen"] |= said.get("seen", 0)
        if "changes" in said:
            contact["changes"] = contact.get("changes", set()) | said["changes"]
        row, version = said.get("record"), said.get("version")
        if row is not None and ("record" not in contact or version > contact["version"]):
            contact["record"], contact["version"] = row, version
        if contact["seen"] and not contact.get("record", {}).get("DisconnectTimestamp"):
            self.open[contact_id] = None
        else:
            self.open.pop(contact_id, None)


def parsed(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def set_time(text: str | None) -> datetime | None:
    at = parsed(text)
    return None if at is None or at < EARLIEST else at


def channel(text: str | None) -> str | None:
    name = text.upper() if text else None
    return "TASK" if name == "TASKS" else name


def ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000
