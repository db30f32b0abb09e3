"""What jobs that tests write into a store declare: by the published hooks, and a few metrics."""

from djsb_core.discovery import list_components, load_component
from djsb_core.interfaces.hook import Role, declarations_of
from djsb_core.interfaces.kinds import Kind
from djsb_core.metrics import (
    Declarations,
    Flow,
    Metric,
    MetricKind,
    SampleLayout,
)

COUNT, DETAIL = MetricKind.COUNT, MetricKind.DETAIL
FUNNEL = (
    Metric("rows_in", "rows", kind=COUNT, flow=Flow.GIVEN),
    Metric("rows_kept", "rows", kind=COUNT, flow=Flow.KEPT),
    Metric("after.*", "rows", kind=DETAIL, flow=Flow.STEP),
)
TRAINING = (
    Metric("tokens", "tokens", kind=COUNT, primary=True),
    Metric("documents", "documents", kind=COUNT, primary=True),
    Metric("lr", kind=DETAIL),
)
OTHERS = (
    Metric("loss_stderr", kind=MetricKind.ERROR, error_of="loss"),
    Metric("score_stderr", kind=MetricKind.ERROR, error_of="score"),
    *(Metric(name, kind=DETAIL) for name in ("seconds", "refined.*")),
)
ROLES = {"execution": Role.PROCESS, "refine_recipe": Role.REFINE}
"""Of the jobs of other hooks, by stage."""

SAMPLES = SampleLayout("dataset_path", "text", "__dj__stats__", ("__dj__",))


def with_declarations(columns):
    """Return columns of a job with its role and what it declares.

    ``directions`` says of metrics whether more is better, ``declared`` lists further metrics.
    """
    columns = dict(columns)
    directions, declared = columns.pop("directions", {}), columns.pop("declared", ())
    hook = columns.get("hook", "")
    known = {info.name for info in list_components(Kind.HOOK.group) if info.package == "djsb-core"}
    role, of_hook = ROLES.get(columns.get("stage")), Declarations()
    if hook in known:
        loaded = load_component(Kind.HOOK, hook)
        role, of_hook = loaded.role, declarations_of(loaded, _component(loaded))
    metrics = (
        *(Metric(name, higher_is_better=up) for name, up in directions.items()),
        *declared,
        *(TRAINING if role is Role.TRAIN else FUNNEL),
        *OTHERS,
        *of_hook.metrics,
    )
    samples = of_hook.samples
    columns.setdefault("role", role and role.value)
    columns.setdefault("declarations", Declarations(metrics, samples).to_json())
    return columns


def _component(hook):
    """Return the interface that a hook uses, as a component that reads samples would declare it."""
    if hook.uses is None:
        return None
    return type("Used", (hook.uses.interface,), {"samples": SAMPLES})
