"""Evaluations of contacts as Amazon Connect exports them to S3: one JSON file for each submission.

Source: administrator guide, "Agent evaluation form output". What a contact record says of its evaluation (id, times,
form) is what its file says. One in eight is submitted again a day later with another score.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.simulator.centre.centre import ACCOUNT_ID, INSTANCE_ID, Agent

FOLDER: Final = "evaluations"
_EVALUATORS: Final = 23
"""One agent in so many evaluates others."""
_OPENING: Final = (("q10000001", "Did the agent introduce themselves?"), ("q10000002", "Was the need confirmed?"))
_IDENTITY: Final = ("q10000003", "Was the customer's identity verified?")
_TOPICS: Final = ("Product", "Price", "Delivery")
Part = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One exported file: when it was submitted (naive UTC) and what it holds."""

    submitted_at: datetime
    document: Part

    @property
    def name(self) -> str:
        """Its path below the export's prefix."""
        at = self.submitted_at
        return f"{at:%Y/%m/%d/%H:%M:%S}.{at.microsecond // 1000:03d}Z-{self.document['evaluationId']}.json"


def evaluations(records: Iterable[Part], agents: Sequence[Agent]) -> Iterator[Evaluation]:
    """The files of the evaluations that these contact records name, in the order of the records."""
    evaluators = [agent.username for agent in agents[::_EVALUATORS]]
    for record in records:
        for form in (record["ContactEvaluations"] or {}).values():
            rng = random.Random(form["EvaluationArn"])
            evaluator = rng.choice(evaluators)
            started, submitted = (datetime.fromisoformat(form[f"{name}Timestamp"][:-1]) for name in ("Start", "End"))
            first = _document(record, form, evaluator, started, submitted, rng, is_again=False)
            yield Evaluation(submitted, first)
            if rng.random() < 0.125:
                again = submitted + timedelta(days=1, milliseconds=rng.randrange(3_600_000))
                yield Evaluation(again, _document(record, form, evaluator, started, again, rng, is_again=True))


def write_evaluations(submitted: Iterable[Evaluation], folder: Path) -> tuple[int, int]:
    """Write each into its file below the folder. Returns the number of files and of their bytes."""
    files = size = 0
    for evaluation in submitted:
        path = folder / evaluation.name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = msgspec.json.encode(evaluation.document)
        path.write_bytes(data)
        files, size = files + 1, size + len(data)
    return files, size


def _document(
    record: Part, form: Part, evaluator: str, started: datetime, submitted: datetime, rng: random.Random, is_again: bool
) -> Part:
    questions = list(_questions(rng))
    has_failed = any(question["score"].get("automaticFail") for question in questions)
    sections = [
        _section("s20000001", "Opening", None, questions),
        _section("s20000002", "Resolution", None, questions),
        _section("s20000003", "Compliance", "s20000002", questions),
    ]
    scores = [section["score"]["percentage"] for section in sections]
    form_score: Part = {"percentage": 0 if has_failed else round(sum(scores) / len(scores), 2)}
    metadata: Part = {
        "contactId": record["ContactId"],
        "accountId": ACCOUNT_ID,
        "instanceId": INSTANCE_ID,
        "agentId": record["Agent"]["ARN"].rpartition("/")[2],
        "evaluationDefinitionTitle": "Call quality",
        "evaluator": evaluator,
        "evaluationDefinitionId": form["FormId"],
        "evaluationDefinitionVersion": 3,
        "evaluationStartTimestamp": _stamp(started),
        "evaluationSubmitTimestamp": _stamp(submitted),
        "score": form_score | ({"automaticFail": True} if has_failed else {}),
        "creator": evaluator,
        "autoEvaluated": False,
        "resubmitted": is_again,
        "evaluationSource": "ASSISTED_BY_AUTOMATION" if rng.random() < 0.3 else "MANUAL",
        "evaluationType": "CONTACT_EVALUATION",
    }
    if rng.random() < 0.4:
        metadata |= {
            "acknowledgerComment": "Thanks, noted.",
            "evaluationAcknowledgedByUserId": metadata["agentId"],
            "evaluationAcknowledgedByUserName": record["Agent"]["Username"],
            "evaluationAcknowledgedTimestamp": _stamp(submitted + timedelta(minutes=rng.randrange(5, 600))),
        }
    evaluation_id = form["EvaluationArn"].rpartition("/")[2]
    return {
        "schemaVersion": "3.1",
        "evaluationId": evaluation_id,
        "metadata": metadata,
        "sections": sections,
        "questions": questions,
    }


def _questions(rng: random.Random) -> Iterator[Part]:
    for reference, text in _OPENING:
        is_yes = rng.random() < 0.85
        yield _selection(reference, "s20000001", text, is_yes, {"percentage": 100 if is_yes else 0})
    is_verified = rng.random() < 0.94
    score = {"percentage": 100} if is_verified else {"percentage": 0, "automaticFail": True}
    yield _selection(*_IDENTITY[:1], "s20000003", _IDENTITY[1], is_verified, score)
    points = rng.randrange(11)
    yield _question(
        "q10000004",
        "s20000002",
        "NUMERIC",
        "How well was the issue resolved, 0 to 10?",
        {"value": str(points)},
        {"percentage": points * 10},
    )
    topics = [
        {"valueText": topic, "valueRefId": f"o3000001{number}", "selected": rng.random() < 0.4}
        for number, topic in enumerate(_TOPICS)
    ]
    yield _question(
        "q10000005", "s20000002", "MULTISELECT", "What was it about?", {"values": topics}, {"notApplicable": True}
    )
    yield _question(
        "q10000006",
        "s20000002",
        "TEXT",
        "Describe the outcome.",
        {"value": "The issue was explained."},
        {"notApplicable": True},
    )


def _selection(reference: str, section: str, text: str, is_yes: bool, score: Part) -> Part:
    options = [
        {"valueText": name, "valueRefId": f"o{reference[1:]}{number}", "selected": is_yes == (name == "Yes")}
        for number, name in enumerate(("Yes", "No"))
    ]
    return _question(reference, section, "SINGLESELECT", text, {"values": options}, score)


def _question(reference: str, section: str, kind: str, text: str, answer: Part, score: Part) -> Part:
    answer = answer | {"metadata": {"notApplicable": False}}
    return {
        "questionRefId": reference,
        "sectionRefId": section,
        "questionType": kind,
        "questionText": text,
        "answer": answer,
        "score": score,
    }


def _section(reference: str, title: str, parent: str | None, questions: Sequence[Part]) -> Part:
    scores = [
        question["score"]["percentage"]
        for question in questions
        if question["sectionRefId"] == reference and "percentage" in question["score"]
    ]
    section: Part = {"sectionRefId": reference, "sectionTitle": title}
    if parent is not None:
        section["parentSectionRefId"] = parent
    return section | {"score": {"percentage": round(sum(scores) / len(scores), 2)}}


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
