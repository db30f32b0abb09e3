import subprocess
import sys

import pytest

from djsb_modelscope import checks
from djsb_modelscope.models import causal_lm_needs


def by_subject():
    return {check.subject: check for check in checks.list_checks()}


def test_this_installation_is_fine():
    found = by_subject()
    assert set(found) == {*checks.PACKAGES, "megatron_util", "ModelScope native mode"}
    assert all(check.ok for check in found.values())


@pytest.mark.parametrize(("version", "said"), [(4, "all of"), (5, "not "), (0, "not ")])
def test_what_can_be_trained_natively(monkeypatch, version, said):
    monkeypatch.setattr(checks, "major_version", lambda package: version)
    assert by_subject()["ModelScope native mode"].finding.startswith(said)


def test_a_model_folder_is_looked_into(tmp_path):
    lost = causal_lm_needs(tmp_path)
    assert [need.ok for need in lost] == [False] * 3
    assert lost[0].path == tmp_path / "config.json"
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    there = causal_lm_needs(tmp_path)
    assert [(need.ok, need.size) for need in there] == [(True, 2)] * 3


def test_components_import_nothing_heavy():
    code = (
        "import sys, djsb_modelscope.executor, djsb_modelscope.scratch, djsb_modelscope.checks;"
        "list(djsb_modelscope.checks.list_checks());"
        "heavy = {'torch', 'transformers', 'modelscope', 'datasets', 'tokenizers'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
