"""Files that cannot be valid experiments, by kind of mistake.

A malformer takes a generator of random numbers (seeded, so that every run sees the same files) and
returns the bytes of an experiment that cannot be valid.
"""

import gzip
import json
import pickle
import random
import re
import zipfile
from io import BytesIO
from pathlib import Path

import yaml

from djsb_core.yaml_text import dump_yaml
from tests.support.experiments import BASES, SEVERAL, SINGLE

EACH = 8
"""Files of each malformer."""


MALFORMERS = {}


def malformer(function):
    MALFORMERS[function.__name__] = function
    return function


def listed(name, *contents):
    """Make a malformer that has one content for each file."""
    MALFORMERS[name] = lambda _, i: contents[i]


def places(tree, path=()):
    """List the path of every value below the root, except what is free in a recipe."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def holder(tree, path):
    for part in path[:-1]:
        tree = tree[part]
    return tree


@malformer
def a_value_of_another_type(rng, i):
    tree = yaml.safe_load(rng.choice(BASES))
    path = rng.choice(list(places(tree)))
    holder(tree, path)[path[-1]] = {"alien": {"x": [1]}}
    return dump_yaml(tree)


@malformer
def a_key_with_a_typo(rng, i):
    tree = yaml.safe_load(rng.choice(BASES))
    free = ("one", "two", "pipelines")  # another name of a pipeline is no mistake of its own
    path = rng.choice([p for p in places(tree) if isinstance(p[-1], str) and p[-1] not in free])
    inside = holder(tree, path)
    inside[f"{path[-1]}{rng.choice('xyz')}q"] = inside.pop(path[-1])
    return dump_yaml(tree)


@malformer
def a_hook_or_type_that_is_missing_or_unknown(rng, i):
    tree = yaml.safe_load(SINGLE)
    keys = [p for p in places(tree) if p[-1] in {"hook", "type"}]
    path = rng.choice(keys)
    unknown = ["", "x" * 10_000, "Éch\u202eo", "../../etc", "vbench_video_evaluator", "os:system"]
    if i % 3:
        holder(tree, path)[path[-1]] = rng.choice(unknown)
    else:
        del holder(tree, path)[path[-1]]
    return dump_yaml(tree)


@malformer
def a_line_indented_by_one_column_less(rng, i):
    lines = rng.choice(BASES).splitlines()
    siblings = [  # of a key above, so that no other block begins here
        n
        for n, line in enumerate(lines)
        if re.match(r" +[a-z_]+:", line) and not lines[n - 1].endswith(":")
    ]
    n = rng.choice(siblings)
    lines[n] = lines[n][1:]
    return "\n".join(lines)


@malformer
def a_line_indented_below_a_scalar(rng, i):
    lines = rng.choice(BASES).splitlines()
    scalars = [n for n, line in enumerate(lines) if re.match(r"\s*(- )?\w+: \S", line)]
    n = rng.choice(scalars)
    indent = len(lines[n]) - len(lines[n].lstrip(" -")) + rng.randint(1, 4)
    return "\n".join([*lines[: n + 1], f"{' ' * indent}stray: 1", *lines[n + 1 :]])


@malformer
def a_tab_for_indentation(rng, i):
    lines = rng.choice(BASES).splitlines()
    inner = [n for n, line in enumerate(lines) if line.startswith("  ") and ":" in line]
    n = rng.choice(inner)
    lines[n] = "\t" + lines[n].lstrip()
    return "\n".join(lines)


@malformer
def a_key_given_twice(rng, i):
    lines = rng.choice(BASES).splitlines()
    scalars = [n for n, line in enumerate(lines) if re.match(r"\s*\w+: \S", line)]
    n = rng.choice(scalars)
    return "\n".join([*lines[:n], lines[n], *lines[n:]])


@malformer
def an_end_in_the_middle(rng, i):
    opened = ['"unclosed', "'unclosed", "[1, 2", "{a: 1", "*nowhere", "%percent", "@at", "`tick"]
    return f"{rng.choice(BASES)}debug: {opened[i]}"


listed(
    "an_anchor_that_loops",
    "pipelines: &p [*p]",
    "pipelines: &p {a: *p}",
    "execution_job_configs: &j\n- hook: Echo\n  extra_configs: {train: *j}",
    "execution_job_configs:\n- &j {hook: Echo, local: *j}",
    "work_dir: &w [[[[*w]]]]",
    "&root\nproject_name: p\npipelines: *root",
    "hpo_config: &h {<<: [*h]}",
    "iter_updater: &u {a: {b: {c: *u}}}",
)


@malformer
def aliases_that_multiply(rng, i):
    lists = "a{n}: &a{n} [{nine}]\n", "a{n}: &a{n} {{x: [{nine}]}}\n"
    text = "a0: &a0 [x, x]\n" + "".join(
        lists[i % 2].format(n=n, nine=",".join([f"*a{n - 1}"] * rng.randint(3, 9)))
        for n in range(1, 40)
    )
    return text + SINGLE


@malformer
def deep_nesting(rng, i):
    deep = rng.choice([200, 5_000, 100_000])
    kinds = ["[" * deep, "{a: " * deep, "- " * deep, "? " * deep, "[{a: " * deep]
    kinds += ["[" * 80 + "]" * 80, "[" * deep + "]" * deep]
    kinds += ["\n".join(f"{' ' * n}a:" for n in range(1, 150))]
    return f"project_name: p\nhpo_config:\n {kinds[i]}"


@malformer
def another_encoding(rng, i):
    kinds = [("utf-16", "é"), ("utf-16-le", "é"), ("utf-32", "é"), ("latin-1", "é")]
    kinds += [("cp1252", "€"), ("cp037", "é"), ("shift_jis", "あ"), ("utf-8", "é")]
    codec, character = kinds[i]
    whole = f"experiment_name: '{character}'\nwork_dir: w\n".encode(codec)
    return whole if codec != "utf-8" else whole.replace("é".encode(), "é".encode()[:1])


@malformer
def no_text_at_all(rng, i):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sandbox.yaml", SINGLE)
    return [
        rng.randbytes(1000),
        rng.randbytes(100_000),
        b"\x89PNG\r\n\x1a\n" + rng.randbytes(100),
        gzip.compress(SINGLE.encode(), mtime=0),
        packed.getvalue(),
        pickle.dumps({"hook": Path("x")}),
        b"\x7fELF" + bytes(1000),
        bytes(range(256)),
    ][i]


@malformer
def a_character_that_yaml_has_not(rng, i):
    text = rng.choice(BASES)
    at = rng.randrange(len(text))
    return text[:at] + rng.choice("\x00\x01\x07\x0b\x1b\x7f\x9f\ufffe") + text[at:]


listed(
    "a_tag",
    "work_dir: !!python/object/apply:os.system ['touch canary']\n",
    "work_dir: !!python/object/new:os.system ['touch canary']\n",
    "work_dir: !!python/name:os.system\n",
    "!!python/module:canary\n",
    "pipelines: !!python/object/apply:subprocess.check_output [[touch, canary]]\n",
    "hpo_config: !custom {a: 1}\n",
    "project_name: !!binary aGVsbG8=\n",
    "project_name: !!timestamp 2026-11-22\n",
)

MILLION = 1_000_000


@malformer
def ten_megabytes_in_a_line(rng, i):
    x = "x" * 10 * MILLION
    kinds = [f"probe_job_configs: [{{hook: {x}}}]", f"{x}: 1", "work_dir: [" + "x, " * 3 * MILLION]
    kinds += [f"work_dir: 1{' ' * 10 * MILLION}: 2", "work_dir: " + "[" * 10 * MILLION]
    kinds += [f"probe_job_configs: [{{hook: Echo, extra_configs: {x}}}]", f"iter_targets: {x} > 1"]
    return [*kinds, "probe_job_configs: [" + "{hook: A}," * MILLION + "]"][i]


listed(
    "no_experiment",
    "",
    "# nothing\n",
    "---\n",
    "- work_dir: w\n",
    "just a text\n",
    "3.14\n",
    "null\n",
    f"{SINGLE}---\n{SINGLE}",
)

listed(
    "keys_that_are_no_words",
    f"1: x\n{SINGLE}",
    f"1.5: x\n{SINGLE}",
    f"? [a, b]\n: x\n{SINGLE}",
    f"null: x\n{SINGLE}",
    f"true: x\n{SINGLE}",
    "execution_job_configs: [{hook: Echo, extra_configs: {1: 2}}]\n",
    "execution_job_configs: [{hook: Echo, {a: b}: 2}]\n",
    "execution_job_configs: [{hook: Echo, 0x1: 1, 1: 1}]\n",
)


def listed_values(name, template, *values):
    """Make a malformer that puts each value into a place of an experiment."""
    listed(name, *(template.replace("VALUE", value) for value in values))


listed_values(
    "a_reference_to_nothing",
    f"{SINGLE}- {{hook: Echo, meta_name: last, input: VALUE}}\n",
    "{extra_configs.text: -99.text}",
    "{extra_configs.text: -1}",
    "{extra_configs.text: anonymous.last.text}",
    "{extra_configs.text: anonymous.nobody.text}",
    "{extra_configs.text: nowhere.first.mine}",
    "{extra_configs.text: anonymous.first.theirs}",
    "{extra_configs.txt: anonymous.first.mine}",
    "{'': '...', configs: 3}",
)
listed_values(
    "an_absurd_target",
    SEVERAL.replace("two.score.text >= 0.8", "VALUE"),
    "two.score.text >= .nan",
    "two.score.text =! 1",
    "__import__('os').system('touch canary') >= 0",
    "two.score.text >= __import__('os').system('touch canary')",
    f"{'x.' * 100_000}x > 1",
    f"two.score.text > {'9' * 100_000}e",
    "two.score.nothing > 1",
    "'> > >'",
)
listed_values(
    "pipelines_of_another_shape",
    "work_dir: w\npipelines: VALUE\n",
    "train",
    "3.5",
    "[[one]]",
    "[{one: {}, two: {}}]",
    "[{one: [{hook: Echo}]}]",
    "{one: sandbox.yaml}",
    "{'a b': {execution_job_configs: [{hook: Echo}]}}",
    "[{one: {}}, {one: {}}]\nexecution_job_configs: [{hook: Echo}]",
)
listed_values(
    "an_iteration_without_sense",
    f"VALUE\n{SINGLE}",
    "max_iter_num: 0",
    "max_iter_num: -1",
    "max_iter_num: .inf",
    f"max_iter_num: 0x{'f' * 5000}",
    "iter_targets_mode: none",
    "iter_updater: [a, b]",
    "iter_updater: {anonymous.first.mine: anonymous.first.extra_configs}\niter_targets: x",
    "iter_updater: {anonymous.first.mine: anonymous.first.extra_configs.train.max_epoch}",
)
listed_values(
    "limits_without_sense",
    "execution_job_configs:\n- hook: Echo\n  VALUE\n",
    "timeout: 0",
    "timeout: 1 week",
    "timeout: .nan",
    f"timeout: {'9' * 4000}d",
    "retries: -1",
    "retries: 1e9",
    "cache: sometimes",
    "cache: [false]",
)
listed_values(
    "a_file_that_is_no_settings",
    "execution_job_configs:\n- {hook: Echo, extra_configs: VALUE}\n",
    "absent.yaml",
    "configs",
    "configs/broken.yaml",
    "sandbox.yaml",
    "configs/binary.yaml",
    "'\\0'".replace("'", '"'),
    "data.jsonl",
    "/dev/null/x",
)


@malformer
def json_with_mistakes(rng, i):
    job = {"hook": "Echo", "extra_configs": {"text": "a"}}
    text = json.dumps({"execution_job_configs": [job]}, indent="\t")
    return "sandbox.json", [
        text[:-1],
        text.replace("[", "[,", 1),
        text.replace('"a"', '"\\ud83d"'),
        text.replace('"text"', '"\\ud83d\\ude00": 1, "text": 1, "text"'),
        text.replace('"a"', '"\\ud83d\\ude00", "train": ' + "[" * 500 + "]" * 500),
        text.replace('"a"', "'a"),
        text.replace('"a"', '"\\ud83d\\ude00", "number": NaN'),
        "// a comment\n" + text,
    ][i]


def made_by(name):
    """Return the files of a malformer, all different: pairs of name and content."""
    found, seed = [], 0
    while len(found) < EACH:
        rng = random.Random(f"{name} {seed}")  # noqa: S311 (the same files in every run)
        content = MALFORMERS[name](rng, len(found))
        made = content if isinstance(content, tuple) else ("sandbox.yaml", content)
        found += [made] if made not in found else []
        seed += 1
    return found
