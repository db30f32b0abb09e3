"""Experiments generated from djsb's own JSON Schema, and one-step mutations of valid ones."""

import yaml
from hypothesis import strategies as st

from djsb.report.schema import json_schema
from tests.support.experiments import BASES

EVERY_KEY = """\
pipelines:
- one:
    seeds: [1, 2]
    execution_job_configs:
    - hook: Echo
      meta_name: a
      local: {extra_configs.text: b}
      timeout: 15m
      resources: {cpus: 1, gpus: 0, memory: 4 GiB}
      output: [text]
    evaluation_job_configs:
    - hook: EvaluateDataHook
      local: {extra_configs.type: lab_lengths}
      extra_configs: {type: other, dataset_path: data.jsonl}
iter_targets: [one.a.text > 1]
max_iter_num: 2
"""

KNOWN = {
    "hook": ["Echo", "EvaluateDataHook", "TrainModelHook", "RefineRecipeHook", "Ecko"],
    "meta_name": ["a", "b", "a.b", "", "execution_0"],
    "dj_configs": ["configs/process.yaml", "absent.yaml", "<input>"],
    "extra_configs": ["configs/eval.yaml", "sandbox.yaml"],
    "work_dir": ["w", "o\0ut", "x" * 300, "~nobody-here/w", ""],
    "timeout": ["90s", "soon", "9" * 400 + "d"],
    "memory": ["4 GiB", "9" * 400 + " GiB", "many"],
    "iter_targets": ["one.a.text > 1", "a.b", "one.a.text >= .nan", "one.a.text > " + "9" * 400],
}
"""Texts with a meaning, by key."""

WORDS = (
    "a b one two type text number extra_configs local input 1 -1 extra_config.type "
    "extra_configs.type extra_configs. dj_configs dj_configs.np anonymous.a.text one.a.text "
    "one.a.extra_configs.text -1.text -9.x nope.x . .. a..b env env_name seeds hook \u202e é \0"
).split()
NAMES = st.sampled_from([*WORDS, ""])
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 0.5, 1e300, 2**64, 2**900, True, float("nan"), float("inf")]
)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["lab_lengths", "lab_trainer", "lab_lenghts", "mse"]) | SCALARS,
        "text": SCALARS,
        "file": st.sampled_from(["data.jsonl", "absent.jsonl"]) | SCALARS,
        "out": st.sampled_from(["w/new.jsonl", "o\0ut"]) | SCALARS,
        "dataset_path": st.sampled_from(["data.jsonl", "absent.jsonl"]),
        "train": ANYTHING,
        "env": SCALARS,
    },
)


def experiments():
    """Generate whole experiments of the schema's shape."""
    schema = json_schema()
    return _Shapes(schema.get("$defs", {})).of(schema, "")


def mutations():
    """Generate valid experiments with one change."""
    return st.sampled_from([*BASES, EVERY_KEY]).flatmap(lambda text: _mutated(yaml.safe_load(text)))


def known_changes():
    """Yield the experiment with every key, once with each text of ``KNOWN``."""
    for key, texts in KNOWN.items():
        for text in texts:
            tree = yaml.safe_load(EVERY_KEY)
            for holder, place in list(_places(tree)):
                if place == key:
                    holder[key] = text
            if tree == yaml.safe_load(EVERY_KEY):
                tree[key] = text
            yield tree


class _Shapes:
    """Strategies for the shapes of one schema."""

    def __init__(self, definitions):
        self.definitions = definitions
        self._made = {}

    def of(self, schema, key):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in self._made:
                self._made[name] = st.deferred(lambda: self.of(self.definitions[name], key))
            return self._made[name]
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return st.one_of([self.of(option, key) for option in options])
        if "enum" in schema or "const" in schema:
            values = schema.get("enum") or [schema["const"]]
            return st.sampled_from([*values, *KNOWN.get(key, ())])
        return self._of_type(schema, key)

    def _of_type(self, schema, key):
        kind = schema.get("type")
        if kind == "object":
            return self._mapping(schema, key)
        if kind == "array":
            return st.lists(self.of(schema.get("items", {}), key), max_size=2)
        plain = {
            "string": st.sampled_from(KNOWN[key]) if key in KNOWN else NAMES,
            "boolean": st.booleans(),
            "integer": st.integers(-1, 101) | st.just(2**900),
            "number": NUMBERS,
            "null": st.none(),
        }
        return plain.get(kind, ANYTHING)

    def _mapping(self, schema, key):
        properties = schema.get("properties", {})
        if properties:
            required = set(schema.get("required", ()))
            parts = {name: self.of(value, name) for name, value in properties.items()}
            return st.fixed_dictionaries(
                {name: parts[name] for name in parts if name in required},
                optional={name: parts[name] for name in parts if name not in required},
            )
        if key in {"dj_configs", "extra_configs"}:
            return SETTINGS
        values = schema.get("additionalProperties")
        inner = self.of(values, key) if isinstance(values, dict) else ANYTHING
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", 2)
        return st.dictionaries(NAMES, inner, min_size=least, max_size=most)


@st.composite
def _mutated(draw, tree):
    """Change one value, remove it, or add a key beside it."""
    holder, key = draw(st.sampled_from(list(_places(tree))))
    change = draw(st.sampled_from(["replace", "remove", "add", "rename"]))
    if change == "replace":
        known = st.sampled_from(KNOWN[key]) if key in KNOWN else ANYTHING
        holder[key] = draw(ANYTHING | known)
    elif change == "remove":
        del holder[key]
    elif isinstance(holder, list):
        holder.append(draw(ANYTHING))
    elif change == "add":
        holder[draw(NAMES | st.sampled_from(JOB_KEYS))] = draw(ANYTHING)
    else:
        holder[draw(NAMES)] = holder.pop(key)
    return tree


JOB_KEYS = ["local", "input", "output", "resources", "timeout", "retries", "meta_name", "cache"]


def _places(tree):
    """List every value below the root, as its holder and its key."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)
