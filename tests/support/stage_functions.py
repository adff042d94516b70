"""The functions that state machines call, by the names that definitions give them: all that are declared, the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from trunkline.deploy.stages import STAGES

Handler = Callable[[Any, Any], Any]


def _name(module: str) -> str:
    """`RecordFailure` of the module `stages.record_failure`."""
    return module.removeprefix("stages.").title().replace("_", "")


STAGE_HANDLERS: Mapping[str, Handler] = {
    _name(module): import_module(f"trunkline.handlers.{module}").handler for module in STAGES
}
"""Each function's entry point."""
STAGE_ARNS: Mapping[str, str] = {f"{name}FunctionArn": name for name in STAGE_HANDLERS}
"""What stands for a function's ARN in a definition, and the function's name."""
STAGE_DECLARATIONS = {_name(module): declaration for module, declaration in STAGES.items()}
"""The function as it is deployed, by the same name."""
