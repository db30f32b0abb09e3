"""A setting of a secret type is secret whatever its name: it decides results, is not written."""

from pathlib import Path

import pytest

COMPONENTS = """
    from pydantic import BaseModel, Field, SecretStr

    from djsb_core.api import ComponentConfig, Hook

    class Login(BaseModel):
        handshake: SecretStr
        spare: list[SecretStr] = []

    class DoorConfig(ComponentConfig):
        phrase: SecretStr | None = Field(None, description="Opens the door.")
        logins: dict[str, Login] = {}
        pins: dict[str, SecretStr] = {}
        note: str = ""

    class Door(Hook[DoorConfig, object]):
        config_type = DoorConfig
        output_names = ("opened",)
        asks_for_metrics = False

        def run(self, context):
            phrase = self.config.phrase.get_secret_value() if self.config.phrase else ""
            print("opened with", phrase)
            Path("ran.txt").open("a").write("x")
            return ({"phrase": phrase, "length": len(phrase)},)

    from pathlib import Path
"""
EXPERIMENT = """
work_dir: w
execution_job_configs:
- hook: Door
  meta_name: door
  extra_configs:
    phrase: PHRASE
    logins: {a: {handshake: knock-knock-1, spare: [knock-knock-2, "k%3"]}}
    pins: {b: "9%1"}
    note: the phrase is PHRASE
"""


@pytest.fixture
def door(lab, install):
    install("door", COMPONENTS, "[djsb.hooks]\nDoor = door:Door")
    return lab


def run(lab, phrase):
    return lab.statuses(lab.run(EXPERIMENT.replace("PHRASE", phrase)))


def found(texts):
    files = [path for path in Path("w").rglob("*") if path.is_file()]
    return [(text, path) for text in texts for path in files if text.encode() in path.read_bytes()]


def test_a_declared_secret_is_not_written(door):
    assert run(door, "open-sesame") == ["finished"]
    assert run(door, "open-sesame") == ["cached"]
    assert found(["open-sesame", "knock-knock-1", "knock-knock-2", "k%3", "9%1"]) == []


def test_another_secret_is_another_result(door):
    assert [run(door, phrase) for phrase in ("s%1", "s%2")] == [["finished"], ["finished"]]
    assert Path("ran.txt").read_text() == "xx"


def test_a_declared_secret_is_not_in_a_problem(door):
    door.write("bad.yaml", EXPERIMENT.replace("phrase: PHRASE", "phrase: 123456789"))
    refused = door.djsb("validate", "bad.yaml")
    assert refused.returncode == 2
    assert "extra_configs.phrase" in refused.stderr
    assert "123456789" not in refused.stderr
