"""Every page is true: the reference is what the code says, and the examples run."""

import json
import re
import subprocess
import sys
import tomllib
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from djsb.config.schema import ExperimentSchema
from djsb_core.interfaces.kinds import Kind

ROOT = Path(__file__).parents[1]
DJSB = [sys.executable, "-c", "from djsb.cli import main; main()"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{i}")
    for page in PAGES
    for i, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
]
WHOLE = [example for example in EXAMPLES if "project_name" in example.values[0]]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_has_the_form_of_an_experiment(text):
    ExperimentSchema.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_example_runs_once(text, tmp_path):
    words = "the quick brown fox jumps over a lazy dog while nobody looks at it".split()
    texts = [" ".join(words[i % 7 :] * (1 + i % 5)) for i in range(60)]
    lines = "".join(json.dumps({"text": f"{i}: {text}"}) + "\n" for i, text in enumerate(texts))
    (tmp_path / "documents.jsonl").write_text(lines)
    (tmp_path / "sandbox.yaml").write_text(text)
    assert " of " not in _last_line(tmp_path)
    assert re.search(r", (\d+) of \1 jobs from the cache", _last_line(tmp_path))


def _last_line(folder):
    """Run the experiment in a folder; return the last line that it prints."""
    ran = subprocess.run([*DJSB, "run", "sandbox.yaml"], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    line = ran.stdout.splitlines()[-1]
    assert "finished" in line
    return line


def test_links_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_the_reference_is_up_to_date():
    script = [sys.executable, ROOT / "tools" / "make_reference.py", "--check"]
    ran = subprocess.run(script, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_readme_opens_with_the_two_commands():
    opening = (ROOT / "README.md").read_text()[:900]
    assert "make demo" in opening
    assert "make test" in opening


def test_the_plugin_of_the_page_works(lab, install):
    page = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text()
    project = tomllib.loads(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])["project"]
    module, experiment = (
        re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]
        for language in ("python", "yaml")
    )
    groups = project["entry-points"]
    announced = "".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in names.items())
        for group, names in groups.items()
    )
    install("djsb_textstats", module, announced)
    lab.write("documents.jsonl", '{"text": "one"}\n{"text": "three"}\n')
    run = lab.run(experiment)
    with closing(lab.store(run)) as store:
        (job,) = store.jobs(run.id)
        assert store.metrics(job.id) == {"mean_length": 4.0, "samples": 2.0}
        assert store.samples(job.id)["mean_length"].values == [3.0, 5.0]


def test_the_test_of_the_page_imports_what_it_uses(install):
    page = (ROOT / "docs" / "how-to" / "write-a-plugin.md").read_text()
    install("page_of_tests", re.search(r"```python\n(import pytest.*?)```", page, re.DOTALL)[1], "")
    assert import_module("page_of_tests").TestMeanLength.kind is Kind.DATA_EVALUATOR
