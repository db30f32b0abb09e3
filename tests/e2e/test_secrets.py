"""Secrets of twelve kinds are planted; no byte that djsb writes or shows holds one."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from djsb.store.store import Store

COMPONENTS = """
    import os
    import subprocess
    import sys
    from typing import Any

    from pydantic import Field

    from djsb_core.api import ComponentConfig, Hook

    class LeakConfig(ComponentConfig):
        api_key: str = Field("", description="Secret.")
        nested: dict[str, Any] = Field({}, description="Anything.")
        url: str = Field("", description="Holds a password.")
        access_token: int | None = Field(None, description="A number.")
        fail: bool = Field(False, description="Raise.")

    class Leak(Hook[LeakConfig, object]):
        '''Tell everything to everyone.'''
        config_type = LeakConfig
        output_names = ("told",)
        asks_for_metrics = False

        def run(self, context):
            config = self.config
            print("key:", config.api_key, config.nested)
            print("url:", config.url, file=sys.stderr)
            code = "import os; print(os.environ['SERVICE_TOKEN'])"
            subprocess.run([sys.executable, "-c", code], check=True)
            context.watcher.watch(f"used {config.api_key}", "note")
            if config.fail:
                raise ValueError(f"401: {config.api_key} was refused by {config.url}")
            return (f"called with {config.api_key}",)
"""
SECRETS = [
    "sk-setting-1234",  # 1 a setting
    "pw-nested-1234",  # 2 deep inside a mapping
    "hdr-list-1234",  # 3 in a list of mappings
    "side-file-1234",  # 4 in a side file
    "local-over-1234",  # 5 in `local`
    "set-over-1234",  # 6 by --set
    "url-pass-1234",  # 7 the password of a URL
    "env-token-1234",  # 8 of the environment, printed by a subprocess
    "env-in-text-1234",  # 9 of the environment, inside another setting's text
    "918273645546372819",  # 10 a number
    "recipe-op-1234",  # 11 an operator's argument in a recipe
    "unknown-key-1234",  # 12 under a key that is none, in the message
]
EXPERIMENT = """
project_name: leaky
work_dir: w
execution_job_configs:
- hook: Leak
  meta_name: one
  extra_configs:
    api_key: sk-setting-1234
    nested:
      password: {inner: pw-nested-1234}
      headers: [{Authorization: hdr-list-1234}]
      text: call it with env-in-text-1234
    url: https://me:url-pass-1234@host/path
    access_token: 918273645546372819
- hook: Leak
  meta_name: two
  local: {extra_configs.api_key: local-over-1234}
- hook: Leak
  meta_name: three
  extra_configs: side.yaml
- hook: ProcessDataHook
  meta_name: four
  dj_configs:
    dataset_path: data.jsonl
    process: [{length_filter: {min_len: 1, api_key: recipe-op-1234}}]
  extra_configs: {type: lab_processor}
"""


@pytest.fixture
def leaky(lab, install, monkeypatch):
    install("leaky", COMPONENTS, "[djsb.hooks]\nLeak = leaky:Leak")
    monkeypatch.setenv("SERVICE_TOKEN", "env-token-1234")
    monkeypatch.setenv("OTHER_SECRET", "env-in-text-1234")
    lab.write("sandbox.yaml", EXPERIMENT)
    lab.write("side.yaml", "api_key: side-file-1234\n")
    return lab


def written(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(lab, *shown):
    found = [
        f"{secret} in {path}"
        for path, content in written(lab.folder / "w").items()
        for secret in SECRETS
        if secret.encode() in content
    ]
    found += [secret for secret in SECRETS for text in shown if secret in text]
    assert found == []


@pytest.mark.parametrize("workers", ["0", "1"])
def test_no_secret_is_written_or_shown(leaky, workers):
    over = "execution_job_configs.2.extra_configs.nested={token: set-over-1234}"
    ran = leaky.djsb("run", "sandbox.yaml", "--set", over, "--workers", workers)
    assert ran.returncode == 0, ran.stderr
    logs = "".join(path.read_text() for path in Path("w/runs").glob("*/*/log.txt"))
    assert logs.count("key: ***") == 3
    again = leaky.djsb("run", "sandbox.yaml", "--set", over, "--workers", workers)
    assert "4 of 4 jobs from the cache" in again.stdout
    shown = leaky.djsb("show", "last", "w").stdout
    assert "called with ***" in shown
    dry = leaky.djsb("run", "sandbox.yaml", "--dry-run").stdout
    check(leaky, ran.stdout, ran.stderr, again.stdout, again.stderr, shown, dry)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_no_secret_is_in_a_failure(leaky, workers):
    fail = "execution_job_configs.0.extra_configs.fail=true"
    own = "execution_job_configs.2.extra_configs"
    secrets = [f"{own}.api_key=sk-setting-1234", f"{own}.nested={{token: set-over-1234}}"]
    options = [word for text in (fail, *secrets) for word in ("--set", text)]
    failed = leaky.djsb("run", "sandbox.yaml", *options, "--workers", workers)
    assert failed.returncode == 1
    assert "401: *** was refused by https://me:***@host/path" in failed.stderr
    check(leaky, failed.stdout, failed.stderr, leaky.djsb("show", "last", "w").stdout)


def test_no_secret_is_in_a_problem(leaky):
    leaky.write(
        "sandbox.yaml",
        EXPERIMENT.replace("access_token: 918273645546372819", "access_token: unknown-key-1234"),
    )
    refused = leaky.djsb("validate", "sandbox.yaml")
    assert refused.returncode == 2
    assert "access_token: should be a valid integer" in refused.stderr
    check(leaky, refused.stdout, refused.stderr)
    as_json = leaky.djsb("validate", "sandbox.yaml", "--json")
    assert "should be a valid integer" in as_json.stdout
    check(leaky, as_json.stdout, as_json.stderr)


def test_another_secret_is_another_result(leaky):
    """What looks like a secret may decide the result: a tokenizer's name, a replacement."""
    leaky.djsb("run", "sandbox.yaml", "--workers", "0")
    leaky.write("side.yaml", "api_key: another-key-1234\n")
    again = leaky.djsb("run", "sandbox.yaml", "--workers", "0")
    assert "3 of 4 jobs from the cache" in again.stdout
    why = leaky.djsb("cache", "why", "three").stdout
    assert "differs from anonymous.three of run" in why
    assert "a secret changed" in why
    check(leaky, again.stdout, again.stderr, why)
    assert b"another-key-1234" not in b"".join(written(leaky.folder / "w").values())
    leaky.write("side.yaml", "api_key: side-file-1234\n")
    back = leaky.djsb("run", "sandbox.yaml", "--workers", "0")
    assert "4 of 4 jobs from the cache" in back.stdout


NAMES = """
    import base64
    import json
    import os
    from pathlib import Path
    from urllib.parse import quote

    from djsb_core.api import ComponentConfig, Hook

    class NamesConfig(ComponentConfig):
        api_key: str = ""

    class Names(Hook[NamesConfig, object]):
        config_type = NamesConfig
        output_names = ("told",)
        asks_for_metrics = False

        def run(self, context):
            key, pem = self.config.api_key, os.environ["SIGNING_SECRET"]
            watcher = context.watcher
            watcher.watch({f"of {key}": 1.0, "text": f"?token=unknown-0001&sig=unknown-0002"}, "m")
            watcher.watch_samples([1.0, 2.0], f"samples {key}")
            watcher.watch_histogram([1.0, 2.0], f"histogram {key}")
            (context.workspace.folder / "file-sk-short-0000.txt").write_text("")
            for text in (
                pem, repr(pem), json.dumps(pem), json.dumps(json.dumps({"a": pem})), quote(pem),
                base64.b64encode(f"me:{key}".encode()).decode(), repr(key.encode()),
                "Authorization: Bearer unknown-0003", "{name: X_API_KEY, value: unknown-0004}",
                "X_API_KEY=unknown-0005", "machine h login me password unknown-0006",
                '{"api_key": "unknown-0007"}',
            ):
                print("it is", text)
            return ({f"key {key}": key},)
"""
KEY = "sk-name/and+key 1234"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSj\nabc=\n"
PEM += "-----END PRIVATE KEY-----"
LEAKS = ["sk-name", "unknown-", "MIIEvQIBADANBgkqhkiG9w0B", "AQEFAASCBKcwggSj", "c2stbmFtZ", "1234"]


@pytest.mark.parametrize("workers", ["0", "1"])
def test_names_and_other_forms(lab, install, monkeypatch, workers):
    install("naming", NAMES, "[djsb.hooks]\nNames = naming:Names")
    monkeypatch.setenv("SIGNING_SECRET", PEM)
    lab.write(
        "sandbox.yaml",
        f"""
        work_dir: w
        project_name: "project {KEY}"
        pipelines:
          "pipe_{KEY.split(maxsplit=1)[0]}":
            execution_job_configs:
            - hook: Names
              meta_name: "job-{KEY.split(maxsplit=1)[0]}"
              extra_configs: {{api_key: "{KEY}"}}
        """.replace(KEY.split(maxsplit=1)[0] + '"', "sk-short-0000" + '"'),
    )
    monkeypatch.setenv("OTHER_SECRET", "sk-short-0000")
    for _ in range(2):  # executed, then from the cache
        ran = lab.djsb("run", "sandbox.yaml", "--workers", workers)
        assert ran.returncode == 0, ran.stderr
        shown = lab.djsb("show", "last", "w").stdout
        assert "of ***" in shown
        for leak in [*LEAKS, "sk-short"]:
            assert leak not in ran.stdout + ran.stderr + shown
            for path, content in written(lab.folder / "w").items():
                assert leak.encode() not in content, path
                names = str(path.relative_to(lab.folder))
                assert leak not in names or "file-" in names


def test_who_may_read(lab):
    old = os.umask(0o022)
    try:
        lab.run(None, "work_dir=own")
        lab.run(None, "work_dir=shared", "share=group")
        lab.run(None, "work_dir=own/later")
        lab.run(None, "work_dir=own", "share=group")
    finally:
        os.umask(old)

    def modes(work_dir, *patterns):
        paths = [path for pattern in patterns for path in Path(work_dir).glob(pattern)]
        assert len(paths) >= len(patterns)
        return {path.stat().st_mode & 0o777 for path in paths}

    files = ["djsb.sqlite*", "runs/*/*/log.txt", "runs/*/*.json", "cache/??/*/*.json"]
    files += ["cache/??/*/*/DONE.json", "cache/??/*/lock", "cache/digests.sqlite*"]
    folders = [
        "runs",
        "runs/*",
        "runs/*/0*",
        "cache",
        "cache/??",
        "cache/??/*",
        "cache/??/*/2*",
    ]
    assert modes("own/later", *files) == {0o600}
    assert modes("own/later", *folders) == {0o700}
    assert modes("shared", *files) == {0o660}
    assert modes("shared", *folders) == {0o770}
    opened_later = modes(".", "own", "own/runs", "own/cache", "own/djsb.sqlite*")
    assert opened_later == {0o770, 0o660}
    assert modes(".", "shared", "own/later") == {0o770, 0o700}


ECHO = """
    from pathlib import Path
    from djsb_core.api import ComponentConfig, Hook, InputPath

    class TellConfig(ComponentConfig):
        text: str = ""
        name: str = "text"
        file: InputPath | None = None
        change: str = ""

    class Tell(Hook[TellConfig, object]):
        config_type = TellConfig
        output_names = ("told",)
        asks_for_metrics = False

        def run(self, context):
            Path("ran.txt").open("a").write("x")
            if self.config.change:
                self.config.file.write_text(self.config.change)
            return ({self.config.name: self.config.text},)
"""
PAIR = """
work_dir: w
execution_job_configs:
- {hook: Tell, meta_name: first, extra_configs: {text: "TEXT", name: "NAME"}}
- {hook: Tell, meta_name: second, input: {extra_configs.text: -1.told.NAME}}
"""


@pytest.fixture
def tell(lab, install):
    install("telling", ECHO, "[djsb.hooks]\nTell = telling:Tell")
    return lab


def last_jobs(lab):
    with closing(Store(lab.folder / "w")) as store:
        return store.jobs(store.run("last").id)


@pytest.mark.parametrize("text", ["env-in-text-1234", "call it with env-in-text-1234 now"])
def test_a_reused_output_is_handed_on_as_it_was(tell, monkeypatch, text):
    monkeypatch.setenv("OTHER_SECRET", "env-in-text-1234")
    tell.write("sandbox.yaml", PAIR.replace("TEXT", text).replace("NAME", "text"))
    first = tell.djsb("run", "sandbox.yaml", "--workers", "0")
    assert first.returncode == 0, first.stderr
    again = tell.djsb("run", "sandbox.yaml", "--workers", "0", "--rerun", "second")
    assert "1 of 2 jobs from the cache" in again.stdout
    keys = [job.fingerprint for job in last_jobs(tell)]
    third = tell.djsb("run", "sandbox.yaml", "--workers", "0")
    assert "2 of 2 jobs from the cache" in third.stdout
    assert [job.fingerprint for job in last_jobs(tell)] == keys
    content = b"".join(written(tell.folder / "w").values())
    assert b"env-in-text-1234" not in content


@pytest.mark.parametrize(
    ("text", "name"), [("s3://me:unknown-pass@host/x", "text"), ("a-name-of-5", "hf_token")]
)
def test_what_cannot_be_handed_on_is_not_reused(tell, text, name):
    tell.write("sandbox.yaml", PAIR.replace("TEXT", text).replace("NAME", name))
    for _ in range(2):
        ran = tell.djsb("run", "sandbox.yaml", "--workers", "0")
        assert ran.returncode == 0, ran.stderr
        assert "hold a secret that djsb does not keep" in ran.stderr
        assert last_jobs(tell)[0].status == "finished"
    why = tell.djsb("cache", "why", "first").stdout
    assert "is not reused: its outputs hold a secret" in why


def test_the_planted_secrets_would_be_found(leaky):
    """The check itself can fail: the experiment file holds the secrets."""
    assert sum(secret in EXPERIMENT for secret in SECRETS) >= 8
    (leaky.folder / "w").mkdir()
    (leaky.folder / "w" / "x").write_text("…sk-setting-1234…")
    with pytest.raises(AssertionError, match="sk-setting-1234 in"):
        check(leaky)
    assert os.environ["SERVICE_TOKEN"] == SECRETS[7]


def test_a_secret_that_is_a_part_of_every_path_breaks_nothing(lab, monkeypatch):
    monkeypatch.setenv("WEAK_PASSWORD", "outputs")
    assert lab.djsb("run", "sandbox.yaml", "--workers", "0").returncode == 0
    again = lab.djsb("run", "sandbox.yaml", "--workers", "0")
    assert again.returncode == 0
    assert "8 of 8 jobs from the cache" in again.stdout
