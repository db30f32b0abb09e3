"""The lab, the core and the report know hooks and metrics by what they declare, not by name."""

import ast
import re
from pathlib import Path

import pytest

from djsb_core.discovery import list_components, load_component
from djsb_core.interfaces.hook import Hook
from djsb_core.interfaces.kinds import Kind

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "plugins" / "djsb_report" / "djsb_report"
MODULES = [
    path
    for package in (ROOT / "djsb", ROOT / "djsb_core" / "djsb_core", REPORT)
    for path in sorted(package.rglob("*.py"))
]
PAGES = sorted(REPORT.rglob("*.html"))

DEFINING = {
    "djsb_core/djsb_core/published.py": "says which names the published format has",
    "djsb/store/format_3.py": "reads stores of an earlier format, which know all by name",
}
ALLOWED = {
    "bytes": "a unit of sizes",
    "characters": "English",
    "epoch": "English: seconds since the epoch",
    "lr": "a setting in examples, such as `optimizer.lr`",
    "parameters": "English: of a function",
    "samples": "a kind of artifact, and English",
    "seconds": "a column of the store, an argument of hookspecs",
    "skipped": "a status of a job",
    "steps": "English: of a program",
    "words": "English",
}
"""Names of metrics that mean something else here, too."""

PLACES = {
    **dict.fromkeys(
        [("djsb_core/djsb_core/testing.py", name) for name in ("data_juicer", "modelscope")],
        "a library that is slow to import",
    ),
    **dict.fromkeys(
        [
            ("djsb_core/djsb_core/placement_rules.py", name)
            for name in ("EvaluateDataHook", "accuracy", "max_accuracy")
        ],
        "the small job of the core that a placement is tested with",
    ),
    ("djsb/placement/machine.py", "*.max"): "files of control groups",
}
"""Modules that may hold a name, and why."""
KEYS = re.compile(r"\bdj_configs\b")
"""What the published format calls the section of a recipe."""

DATA_JUICER = ("data_juicer", "dj_", "__dj__", "_filter", "_mapper", "_deduplicator", "text_len")
BACKENDS = [
    kind for kind in Kind if kind not in (Kind.HOOK, Kind.ENVIRONMENT, Kind.PLACEMENT, Kind.TRACKER)
]


def ours(kind):
    """Return the components of a kind that this repository has, by name."""
    infos = [info for info in list_components(kind.group) if info.package.startswith("djsb-")]
    return {info.name: load_component(kind, info.name) for info in infos}


def definitions():
    """Return every name that is forbidden elsewhere, with the modules that define it."""
    found = {}
    for kind in Kind:
        for name, component in ours(kind).items():
            if kind in BACKENDS or issubclass(component, Hook):
                found.setdefault(name, set()).add(component.__module__)
            for one in component.__mro__:
                for metric in vars(one).get("metrics", ()):
                    found.setdefault(metric.name, set()).add(one.__module__)
    return {name: modules for name, modules in found.items() if name not in ALLOWED}


def texts(path):
    """Yield the texts of a module with their lines; docstrings are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node.lineno, node.value


def is_named(name, text):
    """Tell whether a text has a name as a word; of a form, whether a single word has its parts."""
    if "*" not in name:
        return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
    parts = [part for part in name.split("*") if part.strip(".")]
    return not re.search(r"\s", text) and any(part in text for part in parts)


def names_in(text, module=""):
    """Return what a text of a module names and should ask for."""
    rest = KEYS.sub("", text)
    named = [n for n, modules in DEFINED.items() if module not in modules and is_named(n, rest)]
    return [*named, *(word for word in DATA_JUICER if word in rest)]


DEFINED = definitions()


def test_there_are_names_to_look_for():
    assert {"loss", "tokens", "rows_in", "after.*", "*.mean", "perplexity"} <= set(DEFINED)
    assert {"TrainModelHook", "ProbeViaAnalyzerHook", "k_sigma"} <= set(DEFINED)
    assert set(ALLOWED) <= {
        metric.name for kind in Kind for one in ours(kind).values() for metric in one.metrics
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the loss of a step", ["loss"]),
        ("no losses", []),
        (".mean", ["*.mean"]),
        ("before and after.", []),
        ("dj_configs.dataset_path", []),
        ("dj_config", ["dj_"]),
        ("words_num_filter", ["_filter"]),
        ("TrainModelHook", ["TrainModelHook"]),
    ],
)
def test_a_name_is_found_in_a_text(text, names):
    assert names_in(text) == names


def test_no_module_knows_a_hook_or_a_metric_by_name():
    found = [
        f"{place}:{line}: {name} in {text[:60]!r}"
        for path in MODULES
        for place in [str(path.relative_to(ROOT))]
        for module in [place.removesuffix(".py").removeprefix("djsb_core/").replace("/", ".")]
        if place not in DEFINING
        for line, text in texts(path)
        for name in names_in(text, module)
        if (place, name) not in PLACES
    ]
    assert found == []


def test_no_page_of_the_report_names_one():
    found = [(path.name, names_in(path.read_text(encoding="utf-8"))) for path in PAGES]
    assert found
    assert [(page, names) for page, names in found if names] == []
