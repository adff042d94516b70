"""The parts of a contact record that no metric reads: attributes, recordings, chat metrics, quality and the like."""

from __future__ import annotations

import random
from typing import Any

from trunkline.simulator.centre.centre import Agent, Contact, arn, phone, stamp
from trunkline.simulator.export.delivery import Version

Part = dict[str, Any]
_BUCKET = "connect-9f3c1e526d0a/connect/trunkline"
_FORM_ID = "5b1f6a3e-0c1d-4a57-9f6e-7d2c8b9a0e11"
_CAMPAIGN_IDS = ("c0ffee00-1111-4222-8333-444455556666", "c0ffee00-7777-4888-9999-aaaabbbbcccc")
_INTENTS = ("OpenInvoice", "ChangeAddress", "Outage", "NewContract", "Cancel", "Delivery", "Password", "Refund")
_NAMES = ("Jürgen Müßig", "Zoë Lefèvre", "Łukasz Żak", "Ana Núñez", "John O'Neil", "王小明", "Мария Иванова", "Sam Lee")
_TIERS = ("Gold", "Silver", "Bronze", "Standard")
_LANGUAGES = ("en-US", "es-US", "fr-CA", "de-DE")
_WRAP_UPS = ("Résolu", "Solved", "Escalated", "Follow-up", "Übergeben", "Wrong number")


def attributes(contact: Contact, version: Version, rng: random.Random, caller: random.Random) -> dict[str, str]:
    """Contact attributes of the flow and the agent: free text keys and values, some non-ASCII, some phone numbers."""
    values = {
        "CustomerTier": caller.choice(_TIERS),
        "IvrLanguage": caller.choice(_LANGUAGES),
        "Intent": rng.choice(_INTENTS),
        "AccountNumber": f"AC-{caller.randrange(10**7):07d}",
        "flowVersion": "2026.02.1",
    }
    if rng.random() < 0.3:
        values["Kundenname"] = caller.choice(_NAMES)
    if rng.random() < 0.15:
        values["callbackNumber"] = phone(caller.randrange(60_000))
    if rng.random() < 0.05:
        values["お問い合わせ種別"] = "請求"
    if rng.random() < 0.1:
        values["contact e-mail"] = f"customer{caller.randrange(100_000)}@example.com"
    if rng.random() < 0.08:
        values["Notes / free text"] = 'asked twice, "urgent"; promised a call back\nsecond line\t<b>ok</b> \\ end'
    if contact.agent is not None and rng.random() < 0.6:
        values["WrapUp"] = rng.choice(_WRAP_UPS)
    if version.has_crm:
        values["crmCaseId"] = f"500{caller.randrange(10**9):012d}"
    if version.level:
        values["revision"] = str(version.level)
    return values


def campaign_id(number: int | None) -> str | None:
    """The id of the campaign that dialled the contact; None without a campaign."""
    return None if number is None else _CAMPAIGN_IDS[number - 1]


def chat_metrics(contact: Contact, rng: random.Random) -> Part:
    """Consistent counts and times of a chat. An unanswered chat has no agent metrics."""
    end = contact.disconnected_at or contact.initiated_at
    agent_part: Part | None = None
    first_at: int | None = None
    turns = 0
    if contact.agent_at is not None:
        turns = max(1, (end - contact.agent_at) // rng.randrange(25, 60))
        first_at = min(end, contact.agent_at + rng.randrange(3, 40))
        agent_part = _participant(rng, "AGENT", turns, end)
    customer_turns = turns + rng.randrange(1, 4)
    customer_part = _participant(rng, "CUSTOMER", customer_turns, end)
    customer_part["ConversationAbandon"] = contact.agent_at is None
    bot = rng.randrange(1, 6)
    return {
        "AgentMetrics": agent_part,
        "ContactMetrics": {
            "AgentFirstResponseTimeInMillis": None
            if first_at is None or contact.agent_at is None
            else (first_at - contact.agent_at) * 1000,
            "AgentFirstResponseTimestamp": None if first_at is None else stamp(first_at),
            "ConversationCloseTimeInMillis": rng.randrange(500, 90_000) if turns else None,
            "ConversationTurnCount": turns,
            "MultiParty": False,
            "TotalBotMessageLengthInChars": bot * 47,
            "TotalBotMessages": bot,
            "TotalMessages": bot + customer_turns + turns,
        },
        "CustomerMetrics": customer_part,
    }


def _participant(rng: random.Random, kind: str, messages: int, end: int) -> Part:
    slowest = rng.randrange(4_000, 90_000)
    return {
        "ConversationAbandon": False,
        "LastMessageTimestamp": stamp(end - rng.randrange(0, 3)),
        "MaxResponseTimeInMillis": slowest,
        "MessageLengthInChars": messages * rng.randrange(20, 90),
        "MessagesSent": messages,
        "NumResponses": messages,
        "ParticipantId": f"{rng.getrandbits(128):032x}",
        "ParticipantType": kind,
        "TotalResponseTimeInMillis": slowest * messages // 2 + slowest,
    }


def contact_details(contact: Contact, rng: random.Random) -> dict[str, str]:
    """The name and description of a task; empty for other channels."""
    if contact.channel != "TASK":
        return {}
    return {"Name": f"Review case {rng.randrange(10**6)}", "Description": "Prüfen und zurückmelden"}


def references(contact: Contact, rng: random.Random) -> list[Part]:
    """Links and attachments of tasks and e-mails."""
    if contact.channel == "TASK":
        case = rng.randrange(10**6)
        return [
            {"Name": "case", "Status": None, "Type": "URL", "Value": f"https://crm.example.com/case/{case}"},
            {"Name": "amount", "Status": None, "Type": "NUMBER", "Value": str(case % 1000)},
        ]
    if contact.channel == "EMAIL" and rng.random() < 0.3:
        key = f"{_BUCKET}/Attachments/{contact.contact_id}/invoice.pdf"
        return [{"Name": "invoice.pdf", "Status": "APPROVED", "Type": "ATTACHMENT", "Value": key}]
    return []


def evaluations(contact: Contact, version: Version, rng: random.Random) -> Part:
    """One completed evaluation form."""
    identifier = f"{rng.getrandbits(48):012x}"
    return {
        _FORM_ID: {
            "DeleteTimestamp": None,
            "EndTimestamp": stamp(version.updated_at),
            "EvaluationArn": arn("contact-evaluation", f"7f000000-0000-4000-8000-{identifier}"),
            "ExportLocation": f"{_BUCKET}/ContactEvaluations/{contact.contact_id}.json",
            "FormId": _FORM_ID,
            "StartTimestamp": stamp(version.updated_at - rng.randrange(120, 900)),
            "Status": "COMPLETE",
        }
    }


def contact_lens(contact: Contact) -> Part | None:
    """The Contact Lens configuration, where the flow enabled it. Results are in separate files."""
    if contact.channel not in ("VOICE", "CHAT") or contact.agent is None or contact.number % 3 == 0:
        return None
    modes = ["PostContact"] if contact.channel == "VOICE" else ["ContactLens"]
    return {
        "ConversationalAnalytics": {
            "Configuration": {
                "ChannelConfiguration": {"AnalyticsModes": modes},
                "Enabled": True,
                "LanguageLocale": "en-US",
                "RedactionConfiguration": {
                    "Behavior": "Disable",
                    "Entities": None,
                    "MaskMode": None,
                    "Policy": "None",
                },
                "SentimentConfiguration": {"Behavior": "Enable"},
                "SummaryConfiguration": None,
            }
        }
    }


def voice_activity(contact: Contact, rng: random.Random) -> Part | None:
    """The customer's greeting, for answered campaign calls. The only timestamps with milliseconds."""
    if contact.amd is None or contact.system_at is None:
        return None
    start = stamp(contact.system_at)[:-1]
    end = stamp(contact.system_at + rng.randrange(1, 9))[:-1]
    return {
        "GreetingEndTimestamp": f"{end}.{rng.randrange(1000):03d}Z",
        "GreetingStartTimestamp": f"{start}.{rng.randrange(1000):03d}Z",
    }


def disconnect_details(contact: Contact, rng: random.Random) -> Part | None:
    """The potential issue of a call that ended with a telecom problem, else None."""
    if contact.reason != "TELECOM_PROBLEM":
        return None
    issue = rng.choice(("AGENT_CONNECTIVITY_ISSUE", "CUSTOMER_CONNECTIVITY_ISSUE", "AGENT_DEVICE_ISSUE"))
    return {"PotentialDisconnectIssue": issue}


def media_streams(contact: Contact) -> list[Part]:
    """The media streams of the contact."""
    if contact.channel == "VOICE":
        flow = [] if contact.method in ("OUTBOUND", "EXTERNAL_OUTBOUND") else [{"Type": "AUTOMATED_INTERACTION"}]
        return [{"Type": "AUDIO"}, *flow]
    return [{"Type": "CHAT"}] if contact.channel == "CHAT" else []


def quality(contact: Contact, rng: random.Random) -> Part | None:
    """Audio quality of the agent for voice contacts, and of the customer for calls from a browser."""
    if contact.channel != "VOICE" or contact.agent is None:
        return None
    score = round(min(5.0, max(1.0, rng.gauss(4.3, 0.4))), 2)
    issues = ["HighJitterBuffer"] if score < 3.5 else []
    agent_audio = {"Audio": {"PotentialQualityIssues": issues, "QualityScore": score}}
    customer = (
        {"Audio": {"PotentialQualityIssues": [], "QualityScore": 4.5}} if contact.subtype == "connect:WebRTC" else None
    )
    return {"Agent": agent_audio, "Customer": customer}


def routing_criteria(contact: Contact, rng: random.Random) -> list[Part] | None:
    """Routing criteria of one queued contact in twelve: an agent with a language skill is preferred."""
    if contact.enqueued_at is None or rng.random() > 0.08:
        return None
    language = {"ComparisonOperator": "NumberGreaterOrEqualTo", "Name": "Language", "ProficiencyLevel": 3.0}
    condition = {"AttributeCondition": {**language, "Value": rng.choice(("Spanish", "Français", "German"))}}
    second = {"AttributeCondition": {**language, "ProficiencyLevel": 1.0, "Value": "Spanish"}}
    steps = [
        {
            "Expiry": {"DurationInSeconds": 30, "ExpiryTimestamp": stamp(contact.enqueued_at + 30)},
            "Expression": {"AndExpression": [condition]},
            "Status": "JOINED" if contact.agent is not None else "EXPIRED",
        },
        {"Expiry": None, "Expression": {"OrExpression": [condition, second]}, "Status": "INACTIVE"},
    ]
    return [{"ActivationTimestamp": stamp(contact.enqueued_at), "Index": 0, "Steps": steps}]


def recordings(contact: Contact, version: Version) -> tuple[Part | None, list[Part] | None]:
    """`Recording` (the older single field) and `Recordings`. The location is bucket/key without a scheme."""
    if contact.agent_at is None or contact.disconnected_at is None or contact.channel not in ("VOICE", "CHAT"):
        return None, None
    if contact.method == "MONITOR":
        return None, None
    folder, suffix = ("CallRecordings", "wav") if contact.channel == "VOICE" else ("ChatTranscripts", "json")
    when = stamp(contact.agent_at)
    day, minute = when[:10].replace("-", "/"), when[:16].replace("-", "")
    location = f"{_BUCKET}/{folder}/{day}/{contact.contact_id}_{minute}_UTC.{suffix}"
    status = "AVAILABLE" if version.is_recording_ready or contact.number % 3 else None
    recording = {"DeletionReason": None, "Location": location, "Status": status, "Type": "AUDIO"}
    full = {
        "DeletionReason": None,
        "FragmentStartNumber": None,
        "FragmentStopNumber": None,
        "Location": location,
        "MediaStreamType": "AUDIO" if contact.channel == "VOICE" else "CHAT",
        "ParticipantType": None,
        "StartTimestamp": when,
        "Status": status,
        "StopTimestamp": stamp(contact.disconnected_at),
        "StorageType": "S3",
    }
    return (recording if contact.channel == "VOICE" else None), [full]


def agent_device(agent: Agent) -> Part:
    """The agent's browser."""
    platform = ("Chrome", "Firefox", "Edge")[agent.number % 3]
    return {"OperatingSystem": "Windows", "PlatformName": platform, "PlatformVersion": str(120 + agent.number % 9)}


def state_transitions(contact: Contact, rng: random.Random) -> list[Part] | None:
    """States of a monitoring supervisor: silent monitor, then perhaps barge. Keys are in camel case, as documented."""
    if contact.method != "MONITOR" or contact.agent_at is None or contact.disconnected_at is None:
        return None
    middle = contact.agent_at + rng.randrange(5, 20)
    listened_until = middle if contact.has_barged else contact.disconnected_at
    result = [
        {
            "state": "SILENT_MONITOR",
            "stateStartTimestamp": stamp(contact.agent_at),
            "stateEndTimestamp": stamp(listened_until),
        }
    ]
    if contact.has_barged:
        barge = {"stateStartTimestamp": stamp(middle), "stateEndTimestamp": stamp(contact.disconnected_at)}
        result.append({"state": "BARGE", **barge})
    return result
