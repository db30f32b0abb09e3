import pytest

from djsb.config.references import Reference, Update, check_form, check_update
from djsb_core.interfaces.hook import Section


@pytest.mark.parametrize(
    ("target", "section", "key"),
    [
        ("dj_configs", Section.DJ_CONFIGS, ()),
        ("extra_configs.train.lr", Section.EXTRA_CONFIGS, ("train", "lr")),
    ],
)
def test_target(target, section, key):
    reference = Reference(target, "-1.x")
    assert (reference.section, reference.key) == (section, key)


@pytest.mark.parametrize(
    ("source", "back", "path"),
    [
        ("-1.out", 1, ("out",)),
        ("-12.out.a.0", 12, ("out", "a", "0")),
        ("anonymous.job.out", None, ("anonymous", "job", "out")),
        ("-x.job.out", None, ("-x", "job", "out")),
        ("-².job.out", None, ("-²", "job", "out")),
    ],
)
def test_source(source, back, path):
    reference = Reference("dj_configs", source)
    assert (reference.back, reference.path) == (back, path)


@pytest.mark.parametrize(
    ("target", "source", "wrong"),
    [
        ("configs.a", "-1.x", "'configs.a' must begin with dj_configs or extra_configs"),
        ("", "-1.x", "'' must begin with dj_configs or extra_configs"),
        ("extra_configs.", "-1.x", "'extra_configs.' has an empty part; write extra_configs.key"),
        ("dj_configs", "-1", "'-1' must be '-1.output', '-2.output', …"),
        ("dj_configs", "-0.x", "'-0.x' must be '-1.output', '-2.output', …"),
        ("dj_configs", "job.out", "'job.out' must be 'pipeline.meta_name.output' or '-1.output'"),
        ("dj_configs", "", "'' must be 'pipeline.meta_name.output' or '-1.output'"),
    ],
)
def test_a_wrong_form_says_the_right_one(target, source, wrong):
    assert check_form(target, source) == wrong


@pytest.mark.parametrize(
    ("target", "source"),
    [("dj_configs", "-1.x"), ("extra_configs.a.0.b", "anonymous.job.out.more")],
)
def test_right_forms(target, source):
    assert check_form(target, source) is None


def test_an_update_is_an_input_of_the_next_iteration():
    update = Update("a.b.c.0", "pipe.job.extra_configs.train.lr")
    assert update.job == ("pipe", "job")
    assert update.reference == Reference("extra_configs.train.lr", "a.b.c.0")


@pytest.mark.parametrize("target", ["pipe.job.dj_configs", "pipe.job.extra_configs.a.0"])
def test_right_forms_of_an_update(target):
    assert check_update("pipe.job.out.nested", target) is None


@pytest.mark.parametrize(
    ("source", "target", "wrong"),
    [
        ("job.out", "p.j.dj_configs", "'job.out' must be 'pipeline.meta_name.output'"),
        ("-1.out", "p.j.dj_configs", "'-1.out' must be 'pipeline.meta_name.output'"),
        ("a..c", "p.j.dj_configs", "'a..c' must be 'pipeline.meta_name.output'"),
        ("a.b.c", "p.j", "'p.j' must be 'pipeline.meta_name.extra_configs.key'"),
        ("a.b.c", "p.j.configs.x", "'p.j.configs.x' must be 'pipeline.meta_name.extra_configs.key"),
        ("a.b.c", "p.j.dj_configs.", "'p.j.dj_configs.' must be 'pipeline.meta_name.extra_config"),
        ("a.b.c", "", "'' must be 'pipeline.meta_name.extra_configs.key'"),
    ],
)
def test_a_wrong_form_of_an_update_says_the_right_one(source, target, wrong):
    assert check_update(source, target).startswith(wrong)
