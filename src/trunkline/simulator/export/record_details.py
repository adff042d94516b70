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


def attributes(one: Contact, version: Version, rng: random.Random, caller: random.Random) -> dict[str, str]:
    """What the flow and the agent wrote: free text keys and values, some not ASCII, some phone numbers."""
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
    if one.agent is not None and rng.random() < 0.6:
        values["WrapUp"] = rng.choice(_WRAP_UPS)
    if version.has_crm:
        values["crmCaseId"] = f"500{caller.randrange(10**9):012d}"
    if version.level:
        values["revision"] = str(version.level)
    return values


def campaign_id(number: int | None) -> str | None:
    """The id of the campaign that dialled."""
    return None if number is None else _CAMPAIGN_IDS[number - 1]


def chat_metrics(one: Contact, rng: random.Random) -> Part:
    """Counts and times that hang together; an unanswered chat has no agent metrics."""
    end = one.disconnected_at or one.initiated_at
    agent_part: Part | None = None
    first_at: int | None = None
    turns = 0
    if one.agent_at is not None:
        turns = max(1, (end - one.agent_at) // rng.randrange(25, 60))
        first_at = min(end, one.agent_at + rng.randrange(3, 40))
        agent_part = _participant(rng, "AGENT", turns, end)
    customer_turns = turns + rng.randrange(1, 4)
    customer_part = _participant(rng, "CUSTOMER", customer_turns, end)
    customer_part["ConversationAbandon"] = one.agent_at is None
    bot = rng.randrange(1, 6)
    return {
        "AgentMetrics": agent_part,
        "ContactMetrics": {
            "AgentFirstResponseTimeInMillis": None
            if first_at is None or one.agent_at is None
            else (first_at - one.agent_at) * 1000,
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


def contact_details(one: Contact, rng: random.Random) -> dict[str, str]:
    """Tasks only."""
    if one.channel != "TASK":
        return {}
    return {"Name": f"Review case {rng.randrange(10**6)}", "Description": "Prüfen und zurückmelden"}


def references(one: Contact, rng: random.Random) -> list[Part]:
    """Links and attachments of tasks and e-mails."""
    if one.channel == "TASK":
        case = rng.randrange(10**6)
        return [
            {"Name": "case", "Status": None, "Type": "URL", "Value": f"https://crm.example.com/case/{case}"},
            {"Name": "amount", "Status": None, "Type": "NUMBER", "Value": str(case % 1000)},
        ]
    if one.channel == "EMAIL" and rng.random() < 0.3:
        key = f"{_BUCKET}/Attachments/{one.contact_id}/invoice.pdf"
        return [{"Name": "invoice.pdf", "Status": "APPROVED", "Type": "ATTACHMENT", "Value": key}]
    return []


def evaluations(one: Contact, version: Version, rng: random.Random) -> Part:
    """One finished form."""
    identifier = f"{rng.getrandbits(48):012x}"
    return {
        _FORM_ID: {
            "DeleteTimestamp": None,
            "EndTimestamp": stamp(version.updated_at),
            "EvaluationArn": arn("contact-evaluation", f"7f000000-0000-4000-8000-{identifier}"),
            "ExportLocation": f"{_BUCKET}/ContactEvaluations/{one.contact_id}.json",
            "FormId": _FORM_ID,
            "StartTimestamp": stamp(version.updated_at - rng.randrange(120, 900)),
            "Status": "COMPLETE",
        }
    }


def contact_lens(one: Contact) -> Part | None:
    """The configuration only (results are files of their own), where the flow enabled it."""
    if one.channel not in ("VOICE", "CHAT") or one.agent is None or one.number % 3 == 0:
        return None
    modes = ["PostContact"] if one.channel == "VOICE" else ["ContactLens"]
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


def voice_activity(one: Contact, rng: random.Random) -> Part | None:
    """Campaign calls only; the one place with milliseconds."""
    if one.amd is None or one.system_at is None:
        return None
    start = stamp(one.system_at)[:-1]
    end = stamp(one.system_at + rng.randrange(1, 9))[:-1]
    return {
        "GreetingEndTimestamp": f"{end}.{rng.randrange(1000):03d}Z",
        "GreetingStartTimestamp": f"{start}.{rng.randrange(1000):03d}Z",
    }


def disconnect_details(one: Contact, rng: random.Random) -> Part | None:
    """Only where there was an issue."""
    if one.reason != "TELECOM_PROBLEM":
        return None
    issue = rng.choice(("AGENT_CONNECTIVITY_ISSUE", "CUSTOMER_CONNECTIVITY_ISSUE", "AGENT_DEVICE_ISSUE"))
    return {"PotentialDisconnectIssue": issue}


def media_streams(one: Contact) -> list[Part]:
    """What was streamed."""
    if one.channel == "VOICE":
        flow = [] if one.method in ("OUTBOUND", "EXTERNAL_OUTBOUND") else [{"Type": "AUTOMATED_INTERACTION"}]
        return [{"Type": "AUDIO"}, *flow]
    return [{"Type": "CHAT"}] if one.channel == "CHAT" else []


def quality(one: Contact, rng: random.Random) -> Part | None:
    """Agent audio of voice contacts; the customer's too for calls from a browser."""
    if one.channel != "VOICE" or one.agent is None:
        return None
    score = round(min(5.0, max(1.0, rng.gauss(4.3, 0.4))), 2)
    issues = ["HighJitterBuffer"] if score < 3.5 else []
    agent_audio = {"Audio": {"PotentialQualityIssues": issues, "QualityScore": score}}
    customer = (
        {"Audio": {"PotentialQualityIssues": [], "QualityScore": 4.5}} if one.subtype == "connect:WebRTC" else None
    )
    return {"Agent": agent_audio, "Customer": customer}


def routing_criteria(one: Contact, rng: random.Random) -> list[Part] | None:
    """One queued contact in twelve asks for a skill first."""
    if one.enqueued_at is None or rng.random() > 0.08:
        return None
    language = {"ComparisonOperator": "NumberGreaterOrEqualTo", "Name": "Language", "ProficiencyLevel": 3.0}
    condition = {"AttributeCondition": {**language, "Value": rng.choice(("Spanish", "Français", "German"))}}
    second = {"AttributeCondition": {**language, "ProficiencyLevel": 1.0, "Value": "Spanish"}}
    steps = [
        {
            "Expiry": {"DurationInSeconds": 30, "ExpiryTimestamp": stamp(one.enqueued_at + 30)},
            "Expression": {"AndExpression": [condition]},
            "Status": "JOINED" if one.agent is not None else "EXPIRED",
        },
        {"Expiry": None, "Expression": {"OrExpression": [condition, second]}, "Status": "INACTIVE"},
    ]
    return [{"ActivationTimestamp": stamp(one.enqueued_at), "Index": 0, "Steps": steps}]


def recordings(one: Contact, version: Version) -> tuple[Part | None, list[Part] | None]:
    """Recording (the old single field) and Recordings. The location is bucket/key without a scheme."""
    if one.agent_at is None or one.disconnected_at is None or one.channel not in ("VOICE", "CHAT"):
        return None, None
    if one.method == "MONITOR":
        return None, None
    folder, suffix = ("CallRecordings", "wav") if one.channel == "VOICE" else ("ChatTranscripts", "json")
    when = stamp(one.agent_at)
    location = (
        f"{_BUCKET}/{folder}/{when[:10].replace('-', '/')}/{one.contact_id}_{when[:16].replace('-', '')}_UTC.{suffix}"
    )
    status = "AVAILABLE" if version.is_recording_ready or one.number % 3 else None
    recording = {"DeletionReason": None, "Location": location, "Status": status, "Type": "AUDIO"}
    full = {
        "DeletionReason": None,
        "FragmentStartNumber": None,
        "FragmentStopNumber": None,
        "Location": location,
        "MediaStreamType": "AUDIO" if one.channel == "VOICE" else "CHAT",
        "ParticipantType": None,
        "StartTimestamp": when,
        "Status": status,
        "StopTimestamp": stamp(one.disconnected_at),
        "StorageType": "S3",
    }
    return (recording if one.channel == "VOICE" else None), [full]


def agent_device(agent: Agent) -> Part:
    """The agent's browser."""
    platform = ("Chrome", "Firefox", "Edge")[agent.number % 3]
    return {"OperatingSystem": "Windows", "PlatformName": platform, "PlatformVersion": str(120 + agent.number % 9)}


def state_transitions(one: Contact, rng: random.Random) -> list[Part] | None:
    """A supervisor's: listened, perhaps barged. Member names are lower case, as documented."""
    if one.method != "MONITOR" or one.agent_at is None or one.disconnected_at is None:
        return None
    middle = one.agent_at + rng.randrange(5, 20)
    listened_until = middle if one.has_barged else one.disconnected_at
    result = [
        {
            "state": "SILENT_MONITOR",
            "stateStartTimestamp": stamp(one.agent_at),
            "stateEndTimestamp": stamp(listened_until),
        }
    ]
    if one.has_barged:
        barge = {"stateStartTimestamp": stamp(middle), "stateEndTimestamp": stamp(one.disconnected_at)}
        result.append({"state": "BARGE", **barge})
    return result
