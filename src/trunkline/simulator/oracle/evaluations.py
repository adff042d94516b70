"""Reference results for evaluations: Amazon's three queries over them, in plain Python from the exported documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkline.simulator.export.evaluations import Evaluation


@dataclass(frozen=True, slots=True)
class EvaluationAnswers:
    """Evaluations that were submitted, their average score, and the percentage of them that failed automatically."""

    performed: int
    score: float | None
    automatic_fail: float | None


def evaluation_answers(submitted: Iterable[Evaluation], since: datetime, until: datetime) -> EvaluationAnswers:
    """Over the last submission of each evaluation, where it lies in [since, until), naive UTC. None without any."""
    newest: dict[str, Evaluation] = {}
    for evaluation in submitted:
        evaluation_id = evaluation.document["evaluationId"]
        if evaluation_id not in newest or newest[evaluation_id].submitted_at < evaluation.submitted_at:
            newest[evaluation_id] = evaluation
    documents: list[dict[str, Any]] = [
        evaluation.document for evaluation in newest.values() if since <= evaluation.submitted_at < until
    ]
    if not documents:
        return EvaluationAnswers(0, None, None)
    scores = [document["metadata"]["score"] for document in documents]
    failed = sum(bool(score.get("automaticFail")) for score in scores)
    average = sum(score["percentage"] for score in scores) / len(scores)
    return EvaluationAnswers(len(documents), average, failed * 100 / len(documents))
