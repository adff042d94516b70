"""Evaluation exports as records of `contact_evaluation`: the form, its sections and its questions in one list.

Source: administrator guide, "Agent evaluation form output". Its examples and its list of fields differ in the names of
the acknowledgement and in where an answer's automation is: both are read. A key that the guide does not have stays in
its item, so that it is counted as drift and kept as unmapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from trunkline.objects.agents.evaluations import FORM, QUESTION, SECTION, SUBSECTION
from trunkline.records import Framed, Texts

_ACKNOWLEDGED: Final = {
    "acknowledgedByUserId": "evaluationAcknowledgedByUserId",
    "acknowledgedByUserName": "evaluationAcknowledgedByUserName",
    "acknowledgedTimestamp": "evaluationAcknowledgedTimestamp",
    "acknowledgerComment": "evaluationAcknowledgerComment",
}
_SCORE: Final = ("percentage", "automaticFail", "notApplicable")
_SECTION: Final = ("sectionRefId", "parentSectionRefId", "sectionTitle", "notes", "score")
_QUESTION: Final = ("questionRefId", "sectionRefId", "questionText", "questionType", "answer", "score")
_ANSWER: Final = ("value", "values", "notes", "metadata", "automation", "assistedSuggestion")
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[dict[str, Any]])
Item = dict[str, Any]


def reshaped(framed: Framed) -> Framed:
    """The batch with each evaluation as its object's columns expect it. Other records stay as they are."""
    return replace(framed, texts=Texts(reshape(text.encode()) for text in framed.texts))


def reshape(text: bytes) -> bytes:
    """One evaluation, JSON text; what has not the shape of one is given back unchanged."""
    try:
        record = _MEMBERS.decode(text)
        metadata = _MEMBERS.decode(record["metadata"])
        form = {key: msgspec.json.decode(raw) for key, raw in metadata.items() if key in _OF_FORM}
        items = [_form(form)]
        for key, item_of in (("sections", _section), ("questions", _question)):
            items += map(item_of, _ITEMS.decode(record.pop(key, msgspec.Raw(b"[]"))))
    except (msgspec.DecodeError, RecursionError, KeyError):
        return text
    if "evaluationId" not in record or "items" in record:
        return text
    renamed = {_ACKNOWLEDGED.get(key, key): raw for key, raw in metadata.items()}
    present = [{name: value for name, value in item.items() if value is not None} for item in items]
    return msgspec.json.encode({**record, "metadata": renamed, "items": present})


_OF_FORM: Final = ("evaluationDefinitionId", "evaluationDefinitionTitle", "score")


def _form(metadata: Mapping[str, Any]) -> Item:
    score = _object(metadata.get("score"))
    return {
        "referenceId": metadata.get("evaluationDefinitionId"),
        "type": FORM,
        "title": metadata.get("evaluationDefinitionTitle"),
        **{name: score.get(name) for name in _SCORE[1:]},
        "score": score.get("percentage"),
    }


def _section(section: Mapping[str, Any]) -> Item:
    parent = section.get("parentSectionRefId")
    return {
        **dict(_unknown("section", section, _SECTION)),
        "referenceId": section.get("sectionRefId"),
        "type": SECTION if parent is None else SUBSECTION,
        "parentReferenceId": parent,
        "title": section.get("sectionTitle"),
        "notes": section.get("notes"),
        **_score(section),
    }


def _question(question: Mapping[str, Any]) -> Item:
    answer, kind = _object(question.get("answer")), question.get("questionType")
    automation = _object(answer.get("automation") or _object(answer.get("metadata")).get("automation"))
    return {
        **dict(_unknown("question", question, _QUESTION)),
        **dict(_unknown("answer", answer, _ANSWER)),
        "referenceId": question.get("questionRefId"),
        "type": QUESTION,
        "parentReferenceId": question.get("sectionRefId"),
        "title": question.get("questionText"),
        "questionType": kind,
        **_score(question),
        **_answer(kind, answer),
        "automationStatus": automation.get("status"),
        "suggestedAnswer": _text(_object(answer.get("assistedSuggestion")).get("value")),
        "notes": answer.get("notes"),
    }


def _answer(kind: object, answer: Mapping[str, Any]) -> Item:
    """The answer in the columns of its question's type. An empty text is no answer."""
    value = answer.get("value")
    options = [option for option in answer.get("values") or () if isinstance(option, dict) and option.get("selected")]
    if options:
        ids, texts = ([option.get(key) for option in options] for key in ("valueRefId", "valueText"))
        text = ", ".join(text for text in texts if isinstance(text, str)) or None
        return {"textAnswer": text} | (
            {"answerReferenceIds": ids} if kind == "MULTISELECT" else {"answerReferenceId": ids[0]}
        )
    if value is None or value == "":
        return {}
    if kind == "NUMERIC":
        return {"numericAnswer": _number(value)}
    return {"dateTimeAnswer" if kind == "DATETIME" else "textAnswer": _text(value)}


def _score(item: Mapping[str, Any]) -> Item:
    score = _object(item.get("score"))
    known = {"score": score.get("percentage")} | {name: score.get(name) for name in _SCORE[1:]}
    return dict(_unknown("score", score, _SCORE)) | known


def _unknown(where: str, members: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Members that the guide does not have, by names that say where they were."""
    return ((f"{where}.{key}", value) for key, value in members.items() if key not in known)


def _number(value: object) -> object:
    """A number that is written as text; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
