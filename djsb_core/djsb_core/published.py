"""Component names of the published format, and the package to install for each of them."""

from __future__ import annotations

LAB = "djsb"
CORE = "djsb-core"
DATAJUICER = "djsb-datajuicer"
ENVIRONMENTS = "djsb-environments"
HUGGINGFACE = "djsb-huggingface"
MODELSCOPE = "djsb-modelscope"
REPORT = "djsb-report"
TRACKERS = "djsb-trackers"
PLANNED = "planned"
"""A package of this repository will provide it."""
NONE = ""
"""No package provides it yet."""

PACKAGES: dict[str, dict[str, str]] = {
    "djsb.hooks": {
        "ProbeViaModelInferHook": PLANNED,
        "RefineRecipeViaModelFeedbackHook": PLANNED,
    },
    "djsb.data_executors": {"data_juicer": DATAJUICER},
    "djsb.data_analyzers": {"data_juicer": DATAJUICER},
    "djsb.recipe_refiners": {"k_sigma": DATAJUICER},
    "djsb.data_evaluators": {
        "dj_text_quality_classifier": PLANNED,
        "text_stats": DATAJUICER,
        "vbench_video_evaluator": PLANNED,
        "video_inception_evaluator": PLANNED,
    },
    "djsb.data_pool_manipulators": {
        "data_pool_cartesian_join": PLANNED,
        "data_pool_combination": PLANNED,
        "data_pool_construction": PLANNED,
        "data_pool_downsampling": PLANNED,
        "data_pool_duplication": PLANNED,
        "data_pool_merging": PLANNED,
    },
    "djsb.general_probes": {"data_pool_ranking": PLANNED},
    "djsb.general_data_executors": {
        "coco_caption_meta_generation": NONE,
        "coco_caption_to_dj_conversion": NONE,
        "dj_to_easyanimate_video_dataset_conversion": PLANNED,
    },
    "djsb.model_train_executors": {
        "easyanimate": PLANNED,
        "internvl_coco_caption": NONE,
        "modelscope": MODELSCOPE,
        "trinity-rft": NONE,
    },
    "djsb.model_infer_executors": {
        "api": NONE,
        "easyanimate": PLANNED,
        "huggingface": HUGGINGFACE,
        "vllm": NONE,
    },
    "djsb.model_evaluators": {
        "internvl_coco_caption": NONE,
        "perplexity": HUGGINGFACE,
    },
    "djsb.environments": dict.fromkeys(
        ("uv", "venv", "virtualenv", "conda", "mamba"), ENVIRONMENTS
    ),
    "djsb.trackers": dict.fromkeys(("wandb", "trackio", "mlflow", "tensorboard"), TRACKERS),
    "djsb.reporters": {"html": REPORT},
    "djsb.commands": {"env": ENVIRONMENTS, "make-model": MODELSCOPE, "report": REPORT},
}
"""By entry-point group and name."""

TRACKER_SIGNS: dict[str, tuple[str, ...]] = {
    "wandb": (
        "WANDB_MODE",
        "WANDB_API_KEY",
        "WANDB_IDENTITY_TOKEN_FILE",
        "NETRC",
        "~/.netrc",
        "~/_netrc",
    ),
}
"""Environment variables and files that suggest that a tracker is in use even if none is named.

The published sandbox shows its runs in wandb. A tracker is imported and queried
(:meth:`~djsb_core.interfaces.tracker.Tracker.is_default`) only if one of its signs is present.
"""


DEFAULT_TYPES = {
    "data_analyzers": "data_juicer",
    "data_executors": "data_juicer",
    "recipe_refiners": "k_sigma",
}
"""Default ``type`` of a job's ``extra_configs``, by the kind of its component."""


def advise(group: str, name: object) -> str | None:
    """Say what to install for a name that no installed package provides; ``None`` if unknown."""
    package = PACKAGES.get(group, {}).get(str(name))
    if package is None:
        return None
    if package == NONE:
        return "no package provides it yet; write one: djsb new-plugin"
    if package == PLANNED:
        return "it is not there yet: a later version of djsb brings it"
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version(package)
    except PackageNotFoundError:
        return f"it comes with {package}: pip install {package}"
    return (
        f"the installed {package} {installed} does not have it; "
        f"a later version does: pip install --upgrade {package}"
    )
