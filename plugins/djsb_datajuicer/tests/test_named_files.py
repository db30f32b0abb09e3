"""What decides a recipe's result: generated from every argument of every installed operator."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from djsb_datajuicer.executor import DataJuicerExecutor
from djsb_datajuicer.named_files import ENVIRONMENT
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.options import options
from djsb_datajuicer.sources import operator_files

WRITTEN = {
    "batch_meta_export_path",
    "cropping_face_video_temp_path",
    "face_track_bbox_path",
    "frame_dir",
    "original_data_save_path",
    "output_dir",
    "output_video_dir",
    "point_cloud_dir_for_metric",
    "save_dir",
    "save_field",
    "save_mesh_dir",
    "save_visualization_dir",
    "stats_export_path",
    "temp_save_path",
    "temp_video_path",
    "visualization_dir",
    "work_dir",
}
"""Arguments under which operators write, or that are no paths at all; read by hand."""

WRITTEN_KEYS = {
    "cache_compress",
    "checkpoint_dir",
    "ds_cache_dir",
    "event_log_dir",
    "export_aws_credentials",
    "export_extra_args",
    "export_type",
    "partition_dir",
    "temp_dir",
    "work_dir",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text('{"text": "a"}\n')
    Path("named").mkdir()
    Path("named/thing.bin").write_text("1")
    return tmp_path


def component(operator, arguments, **keys):
    config = {"dataset_path": "data.jsonl", "process": [{operator: arguments}], **keys}
    return DataJuicerExecutor(DataJuicerExecutor.config_type.model_validate(config))


def accepts(hint, value):
    if hint is Any:
        return True
    try:
        TypeAdapter(hint).validate_python(value)
    except ValidationError:
        return False
    return True


def forms(hint):
    """Return the values of a type that name the file: itself, in a list, in a mapping."""
    path = "named/thing.bin"
    return [value for value in (path, [path], {"model": path}) if accepts(hint, value)]


def arguments():
    """Yield operators and arguments; what all operators have in common once."""
    common = set(operator_of("text_length_filter", {}).parameters)
    for name in sorted(operator_files()):
        for argument, parameter in operator_of(name, {}).parameters.items():
            if name == "text_length_filter" or argument not in common:
                yield name, argument, parameter.hint


def test_every_argument_that_can_name_a_file_is_read(here):
    unread = set()
    for name, argument, hint in arguments():
        for value in forms(hint):
            if here / "named/thing.bin" not in component(name, {argument: value}).reads():
                unread.add(argument)
    assert unread == WRITTEN


def test_every_key_that_can_name_a_file_is_read(here):
    unread = set()
    for key, option in options().items():
        if key in ("process", "dataset_path", "dataset", "custom_operator_paths", "executor_type"):
            continue
        for value in forms(option.hint):
            try:
                read = component("text_length_filter", {}, **{key: value}).reads()
            except ValidationError:
                continue
            if here / "named/thing.bin" not in read:
                unread.add(key)
    assert unread == WRITTEN_KEYS


@pytest.mark.parametrize(
    ("operator", "arguments", "expected"),
    [
        ("token_num_filter", {"hf_tokenizer": "named"}, ["named"]),
        ("stopwords_filter", {"stopwords_dir": "./named"}, ["named"]),
        ("flagged_words_filter", {"flagged_words_dir": "named/"}, ["named"]),
        ("token_num_filter", {"hf_tokenizer": "org/absent"}, []),
        ("text_length_filter", {"text_key": "named"}, []),  # a field of a row
        ("image_face_blur_mapper", {"save_dir": "named"}, []),
    ],
)
def test_named_folders(here, operator, arguments, expected):
    read = component(operator, arguments).reads()
    assert read == [here / name for name in ["data.jsonl", *expected]]


def test_code_is_read_with_what_it_imports_and_names(here):
    Path("code.py").write_text("import helper\nWORDS = open('words.txt')\n")
    Path("helper.py").write_text("import deep.part")
    Path("deep").mkdir()
    for name in ("deep/__init__.py", "deep/part.py", "words.txt", "unrelated.py"):
        Path(name).touch()
    expected = {"data.jsonl", "code.py", "helper.py", "deep/__init__.py", "deep/part.py"}
    expected |= {"words.txt"}
    mapper = component("python_file_mapper", {"file_path": "code.py"})
    assert {str(path.relative_to(here)) for path in mapper.reads()} == expected


def test_modules_beside_a_custom_operator_are_read(here):
    source = (
        "import helper\nfrom data_juicer.ops.base_op import OPERATORS, Mapper\n"
        "@OPERATORS.register_module('mine_mapper')\nclass Mine(Mapper):\n    pass\n"
    )
    Path("mine.py").write_text(source)
    Path("helper.py").touch()
    mapper = component("mine_mapper", {}, custom_operator_paths=["mine.py"])
    assert {here / "mine.py", here / "helper.py"} <= set(mapper.reads())


@pytest.mark.parametrize(
    ("operator", "fields"),
    [
        ("image_shape_filter", ["images"]),
        ("video_duration_filter", ["videos"]),
        ("audio_duration_filter", ["audios"]),
        ("image_text_similarity_filter", ["images"]),
        ("text_length_filter", []),
    ],
)
def test_media_of_rows(here, operator, fields):
    kinds = ("images", "audios", "videos")
    rows = [{"text": "a", **{kind: [f"m/{kind}{i}.bin"] for kind in kinds}} for i in range(2)]
    rows += [{"text": "b", "images": None}, {"text": "c"}]
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    media = component(operator, {}).reads_many()
    assert media == [here / f"m/{field}{i}.bin" for field in fields for i in range(2)]


def test_media_under_another_key(here):
    Path("data.jsonl").write_text('{"text": "a", "pictures": ["/x/a.png"], "images": ["b"]}\n')
    recipe = component("image_shape_filter", {}, image_key="pictures")
    assert recipe.reads_many() == [Path("/x/a.png")]
    own = component("image_shape_filter", {"image_key": "images"}, image_key="pictures")
    assert own.reads_many() == [here / "b"]


def test_variables_that_operators_read(here):
    """Every one that their code reads is declared by the recipe."""
    for name in sorted(operator_files()):
        texts = [definition.path.read_text() for definition in operator_of(name, {}).lineage]
        found = {variable for text in texts for variable in ENVIRONMENT.findall(text)}
        assert found <= set(component(name, {}).reads_environment)
    chat = component("calibrate_qa_mapper", {}).reads_environment
    assert {"OPENAI_BASE_URL", "OPENAI_API_KEY"} <= set(chat)
    assert component("text_length_filter", {}).reads_environment == []


def test_packages_that_operators_load(here):
    assert component("token_num_filter", {}).uses_packages() == ["transformers"]
    assert component("text_length_filter", {}).uses_packages() == []
