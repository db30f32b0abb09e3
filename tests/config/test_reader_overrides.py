"""What the command line overrides, and what a job may claim of the machine."""

import pytest

from djsb.config.frozen import thaw
from djsb.config.overrides import FORM
from djsb_core.errors import ConfigError
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.resources import Resources

# -- overrides of the command line -----------------------------------------------------------------


def test_overrides_reach_every_place(read):
    experiment = read(
        "execution_job_configs:\n- {hook: H, extra_configs: {a: {b: [1, 2]}}}\n- {hook: H}\n",
        "work_dir=elsewhere",
        "execution_job_configs.0.extra_configs.a.b.1=3e-4",
        "execution_job_configs.0.extra_configs.new.key=[x, y]",
        "execution_job_configs.1.extra_configs.lr=1",
        "execution_job_configs.0.meta_name=named",
    )
    assert experiment.problems == ()
    one, two = experiment.jobs
    assert thaw(one.sections[Section.EXTRA_CONFIGS].values) == {
        "a": {"b": [1, 0.0003]},
        "new": {"key": ["x", "y"]},
    }
    assert two.sections[Section.EXTRA_CONFIGS].values == {"lr": 1}
    assert (one.meta_name, experiment.schema.work_dir) == ("named", "elsewhere")


def test_the_recorded_settings_are_those_that_ran(read):
    experiment = read("execution_job_configs: [{hook: H}]", "work_dir=elsewhere")
    assert experiment.document.value["work_dir"] == "elsewhere"


def test_an_override_of_settings_in_another_file_is_local(job, write):
    write("here/s.yaml", "train: {lr: 1}\n")
    spec = job(
        "{hook: H, extra_configs: s.yaml}", "execution_job_configs.0.extra_configs.train.lr=2"
    )
    assert spec.local == {"extra_configs.train.lr": 2}
    assert spec.sections[Section.EXTRA_CONFIGS].values == {"train": {"lr": 1}}


def test_an_override_may_replace_a_path_by_another(job, write):
    write("here/t.yaml", "a: 1\n")
    spec = job("{hook: H, extra_configs: s.yaml}", "execution_job_configs.0.extra_configs=t.yaml")
    assert spec.sections[Section.EXTRA_CONFIGS].values == {"a": 1}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("work_dir", f"--set work_dir: {FORM}"),
        ("=3", f"--set =3: {FORM}"),
        ("execution_job_configs.7.hook=H", f"no key or index '7'; {FORM}"),
        ("execution_job_configs.x.hook=H", "no key or index 'x'"),
        ("execution_job_configs.--1.hook=H", "no key or index '--1'"),
        ("execution_job_configs.5.extra_configs.a=1", "no key or index '5'"),
        ("work_dir.a.b=1", f"'a'; {FORM}"),
        ("work_dir=[1", "--set work_dir=[1: the value is not YAML"),
        ("work_dir=0b_", "the value is not YAML"),
        ("work_dir={a: 1, a: 2}", "the value is not YAML"),
        ("work_dir=!!python/name:os.system", "the value is not YAML"),
    ],
)
def test_a_bad_override_is_one_problem(read, override, problem):
    text = "work_dir: x\nexecution_job_configs: [{hook: H}]"
    (found,) = map(str, read(text, override).problems)
    assert found.startswith("--set ")
    assert problem in found


def test_an_override_of_what_is_no_experiment_is_no_traceback(read):
    with pytest.raises(ConfigError, match="an experiment is a mapping"):
        read("- a\n", "work_dir=x")


NAMED = """
pipelines:
- one:
    execution_job_configs: [{hook: H, meta_name: a}, {hook: H, meta_name: b}]
- two:
    execution_job_configs: [{hook: H, meta_name: a}]
"""


@pytest.mark.parametrize(
    ("override", "position"),
    [
        ("pipelines[0].one.execution_job_configs[-1].extra_configs.lr=1", 1),
        ("b.extra_configs.lr=1", 1),
        ("one.b.extra_configs.lr=1", 1),
        ("two.a.extra_configs.lr=1", 2),
    ],
)
def test_an_override_may_name_a_job(read, override, position):
    experiment = read(NAMED, override)
    assert experiment.problems == ()
    changed = [job.sections[Section.EXTRA_CONFIGS].values for job in experiment.jobs]
    assert changed == [{"lr": 1} if i == position else None for i in range(3)]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("a.hook=G", "several jobs have this name: pipelines[0].one.execution_job_configs[0] and "),
        ("c.hook=G", "no key or job 'c'; known: a, a, b, debug"),
        ("workdir.x=1", "no key or job 'workdir'; did you mean 'work_dir'?"),
        ("pipelines[7].one.seeds=[1]", f"no key or index '7'; {FORM}"),
    ],
)
def test_an_override_of_no_job_is_one_problem(read, override, problem):
    (found,) = map(str, read(NAMED, override).problems)
    assert found.startswith(f"--set {override}: {problem}")


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("max_iter_num=abc", "--set max_iter_num: should be a valid integer"),
        ("foo=1", "--set foo: unknown key"),
        ("one.b.retries=-1", "--set one.b.retries: should be greater than or equal to 0"),
        ("b.hook=", "--set b.hook: should be a valid string"),
    ],
)
def test_a_bad_value_is_blamed_on_its_override(read, override, problem):
    (found,) = read(NAMED, override).problems
    assert str(found).startswith(problem)
    assert (found.file, found.line) == (None, None)


# -- resources -------------------------------------------------------------------------------------


def test_resources_that_are_not_given_are_those_of_the_component(job):
    defaults = Resources(cpus=2, gpus=1, memory=5)
    assert job("hook: H").resources.over(defaults) == defaults
    assert job("hook: H\n  resources:").resources.over(defaults) == defaults
    given = job("{hook: H, resources: {gpus: 0, memory: 1 KiB}}").resources
    assert given.over(defaults) == Resources(cpus=2, gpus=0, memory=1024)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1000", 1000),
        ("1 B", 1),
        ("4 GiB", 4 * 2**30),
        ("4GiB", 4 * 2**30),
        ("'8GB'", 8 * 10**9),
        ("1.5 gib", 3 * 2**29),
        ("512 MiB", 2**29),
        ("3 KB", 3000),
        ("2 TiB", 2**41),
        ("' 1 mb '", 10**6),
    ],
)
def test_memory_is_bytes_or_a_size(job, text, size):
    assert job(f"{{hook: H, resources: {{memory: {text}}}}}").resources.memory == size


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("{gpu: 1}", "resources.gpu", "unknown key; did you mean 'gpus'?"),
        ("{cpus: -1}", "resources.cpus", "greater than or equal to 0"),
        ("{cpus: two}", "resources.cpus", ""),
        ("{cpus: true}", "resources.cpus", ""),
        ("{cpus: .inf}", "resources.cpus", "finite"),
        ("{gpus: '1'}", "resources.gpus", ""),
        ("{gpus: 1.5}", "resources.gpus", "1.5 is neither a number of whole GPUs nor a share "),
        (
            "{memory: lots}",
            "resources.memory",
            "'lots' is not a size; write bytes, or for example ",
        ),
        ("{memory: 4 G}", "resources.memory", "'4 G' is not a size"),
        ("{memory: -4 GiB}", "resources.memory", "'-4 GiB' is not a size"),
        ("{memory: 0.5}", "resources.memory", ""),
        ("{memory: true}", "resources.memory", ""),
        ("2", "resources", ""),
    ],
)
def test_wrong_resources_are_refused_where_they_stand(read, text, place, message):
    (problem,) = read(f"probe_job_configs:\n- hook: H\n  resources: {text}\n").problems
    assert str(problem).startswith(f"x.yaml:3: probe_job_configs[0].{place}: ")
    assert message in str(problem)
