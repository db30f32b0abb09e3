"""The configuration of ModelScope's trainer for a causal language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError

if TYPE_CHECKING:
    from djsb_modelscope.job import Job
    from djsb_modelscope.schedule import Schedule

OPTIMIZER = {"type": "AdamW", "lr": 3e-4, "options": {"grad_clip": {"max_norm": 1.0}}}
CONSTANT = {"type": "ConstantLR", "factor": 1.0, "total_iters": 1, "options": {"by_epoch": False}}


def create_recipe(job: Job, schedule: Schedule) -> dict[str, Any]:
    """Return ModelScope's configuration: the user's settings, completed.

    :raises ComponentError: if a setting is not supported in this mode
    """
    train = job.train.model_dump(exclude_none=True)
    _check_evaluation(train.pop("evaluation", None) or {})
    train["max_epochs"] = schedule.epochs
    train.setdefault("optimizer", OPTIMIZER)
    train["lr_scheduler"] = _complete(train.get("lr_scheduler", CONSTANT), schedule)
    train["dataloader"].pop("shuffle", None)
    train.setdefault("logging", {"interval": 50, "ignore_last": False})
    if "checkpoint" in train:
        train["checkpoint"] = _checkpoint(train["checkpoint"], job)
    model = {"type": "transformers"}
    return {"framework": "pytorch", "task": "text-generation", "model": model, "train": train}


def _complete(scheduler: dict[str, Any], schedule: Schedule) -> dict[str, Any]:
    """Fill in the length of a schedule that needs it."""
    options = scheduler.get("options", {})
    by_epoch = options.get("by_epoch", options.get("lr_strategy", "by_epoch") == "by_epoch")
    length = schedule.epochs if by_epoch else schedule.steps
    if scheduler["type"] == "CosineAnnealingLR":
        return {"T_max": length, **scheduler}
    if scheduler["type"] == "OneCycleLR" and "epochs" not in scheduler:
        # ModelScope also advances it after the last step.
        return {"total_steps": length + 1, **scheduler}
    return scheduler


def _checkpoint(section: dict[str, Any], job: Job) -> dict[str, Any]:
    if "best" in section:
        raise ComponentError("train.checkpoint.best: not supported in causal_lm mode")
    period = {**section.get("period", {}), "output_dir": str(job.work_dir / "output")}
    period.pop("output_sub_dir", None)
    return {**section, "period": period}


def _check_evaluation(section: dict[str, Any]) -> None:
    other = sorted(set(section) - {"period"})
    if other:
        raise ComponentError(
            f"train.evaluation.{other[0]}: causal_lm mode supports only `period` (interval, "
            "by_epoch) and reports eval_loss"
        )
