import json
import shutil
import sys
from types import SimpleNamespace

import pytest

from djsb_core.api import ComponentError, Kind, PathContext, Workspace
from djsb_core.testing import ExecutorContract, RecordingWatcher
from djsb_huggingface.inference import HuggingfaceInferConfig, HuggingfaceInferExecutor

SAMPLES = [
    {"query": "The quick brown fox", "id": 0},
    {"query": "Data and models", "system": "A probe looks at the data.", "id": 1},
    {"query": "你好", "id": 2},
    {"query": "A recipe refines it, a run measures the gain, and so on.", "id": 3},
    {"query": "fox", "id": 4},
]
TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>"
    "{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
GREEDY = {"max_new_tokens": 8, "do_sample": False}


def executor(folder, watcher=None, **settings):
    settings = {"sampling_params": GREEDY, **settings}
    config = HuggingfaceInferConfig(**settings)
    return HuggingfaceInferExecutor(config, Workspace(folder, watcher or RecordingWatcher()))


def infer(folder, **settings):
    return [
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in executor(folder, **settings).infer()
    ]


@pytest.fixture
def data(write_data):
    return write_data(SAMPLES)


@pytest.fixture
def chat_model(models, tmp_path):
    from transformers import AutoTokenizer

    folder = shutil.copytree(models("llama", bos=True), tmp_path / "chat")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def continuation(folder, prompt, **params):
    """Continue a prompt with transformers' own pipeline, alone in its batch."""
    from transformers import pipeline

    pipe = pipeline("text-generation", model=str(folder), device="cpu")
    return pipe(prompt, return_full_text=False, **GREEDY | params)[0]["generated_text"]


class TestContract(ExecutorContract):
    kind = Kind.MODEL_INFER_EXECUTOR
    name = "huggingface"
    method = "infer"

    @pytest.fixture
    def settings(self, models, data):
        return {"model": models(), "dataset_path": data, "sampling_params": GREEDY}


@pytest.mark.parametrize("batch_size", [1, 2, 64])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_answers_are_those_of_transformers_pipeline(models, data, tmp_path, family, batch_size):
    folder = models(family)
    [answered] = infer(tmp_path, model=folder, dataset_path=data, batch_size=batch_size)
    assert [{k: v for k, v in s.items() if k != "response"} for s in answered] == SAMPLES
    prompts = ["\n".join(filter(None, [s.get("system"), s["query"]])) for s in SAMPLES]
    assert [sample["response"] for sample in answered] == [
        continuation(folder, prompt) for prompt in prompts
    ]


def test_chat_template_makes_the_prompt(chat_model, data, tmp_path):
    shorter = {**GREEDY, "max_new_tokens": 6}
    [answered] = infer(tmp_path, model=chat_model, dataset_path=data, sampling_params=shorter)
    messages = [
        {"role": "system", "content": SAMPLES[1]["system"]},
        {"role": "user", "content": SAMPLES[1]["query"]},
    ]
    assert answered[1]["response"] == continuation(chat_model, messages, max_new_tokens=6)
    text = "<s>system: A probe looks at the data.</s><s>user: Data and models</s><s>assistant: "
    assert answered[1]["response"] == continuation(
        chat_model, text, max_new_tokens=6, add_special_tokens=False
    )


def test_published_settings_of_a_grader(models, write_data, tmp_path):
    data = write_data([{"prompt": "Grade.", "question": "2+2?", "answer": {"text": "4"}}])
    watcher = RecordingWatcher()
    made = executor(
        tmp_path,
        watcher,
        model=str(models()),
        model_params={"torch_dtype": "float32", "device": "cpu"},
        sampling_params={"max_tokens": 8, "do_sample": False},
        build_messages_func="build_messages_for_math_qa",
        parse_output_func="parse_output",
        func_kwargs={
            "system_key": "prompt",
            "query_key": "question",
            "response_key": "answer.text",
        },
        dataset_path=[data],
        export_path=tmp_path / "deep" / "results",
        infer_res_key="grades",
    )
    [path] = made.infer()
    assert path == tmp_path / "deep" / "results" / "data_inference.jsonl"
    expected = continuation(models(), "Grade.\nQuestion: 2+2?\nAnswer: 4")
    assert json.loads(path.read_text())["grades"] == expected
    assert watcher.metrics == [("samples", 1, None)]


def test_several_data_sets_and_compressed_ones(models, write_data, tmp_path):
    import gzip

    plain = write_data(SAMPLES[:2], "a.jsonl")
    packed = tmp_path / "b.v1.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(SAMPLES[2]).encode()))
    (tmp_path / "job").mkdir()
    made = executor(tmp_path / "job", model=models(), dataset_path=[plain, packed])
    paths = made.infer()
    assert [path.name for path in paths] == ["a_inference.jsonl", "b.v1_inference.jsonl"]
    assert sorted((tmp_path / "job").iterdir()) == paths
    assert json.loads(paths[1].read_text())["query"] == "你好"
    assert "你好" in paths[1].read_text()


def test_sampling_is_repeatable_and_leaves_torch_s_random_numbers_alone(models, data, tmp_path):
    import torch

    sampling = {"max_new_tokens": 8, "do_sample": True, "temperature": 1.5}
    settings = {"model": models(), "dataset_path": data, "sampling_params": sampling}
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = infer(tmp_path, **settings)
    assert torch.equal(torch.rand(3), expected)
    assert infer(tmp_path, **settings) == first
    assert infer(tmp_path, **settings, seed=1) != first


def test_generation_stops_at_a_stop_string(models, write_data, tmp_path):
    data = write_data(SAMPLES[:1])
    [[free]] = infer(tmp_path, model=models(), dataset_path=data)
    stop = free["response"][1]
    sampling = {**GREEDY, "stop_strings": stop}
    [[cut]] = infer(tmp_path, model=models(), dataset_path=data, sampling_params=sampling)
    assert cut["response"].endswith(stop)
    assert len(cut["response"]) < len(free["response"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sampling_params": {"temprature": 1}}, "sampling_params: cannot use temprature"),
        ({"sampling_params": {"num_return_sequences": 2}}, "cannot use num_return_sequences"),
        ({"sampling_params": {**GREEDY, "do_sample": True, "temperature": -1.0}}, "temperature"),
        ({"model_params": {"no_such_argument": 1}}, "the model cannot be loaded: .*no_such"),
        (
            {"sampling_params": {"max_new_tokens": 40}},
            r"data\.jsonl: sample 2: the prompt has \d+ tokens; with 40 new ones it exceeds",
        ),
        (
            {"func_kwargs": {"query_key": "question"}},
            r"data\.jsonl:1: no field 'question'; fields: query, id",
        ),
    ],
)
def test_bad_input_is_one_message_and_leaves_no_file(models, data, tmp_path, settings, message):
    (tmp_path / "job").mkdir()
    made = executor(tmp_path / "job", model=models(), dataset_path=data, **settings)
    with pytest.raises(ComponentError, match=message) as caught:
        made.infer()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "job").iterdir()) == []


def test_an_earlier_result_stays_when_a_run_fails(models, data, tmp_path):
    [path] = executor(tmp_path, model=models(), dataset_path=data).infer()
    before = path.read_bytes()
    data.write_text(data.read_text() + "broken\n")
    with pytest.raises(ComponentError, match=r"data\.jsonl:6: not JSON"):
        executor(tmp_path, model=models(), dataset_path=data, batch_size=1).infer()
    assert path.read_bytes() == before


def test_template_that_refuses_the_messages_is_one_message(chat_model, data, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(chat_model)
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    tokenizer.save_pretrained(chat_model)
    with pytest.raises(ComponentError, match="sample 1: the model's chat template: roles must"):
        executor(tmp_path, model=chat_model, dataset_path=data).infer()


def test_data_sets_of_one_name_are_refused(models, data, tmp_path):
    other = tmp_path / "other" / data.name
    other.parent.mkdir()
    shutil.copy(data, other)
    made = executor(tmp_path, model=models(), dataset_path=[data, other])
    [problem] = made.check()
    assert "would both be written to" in problem
    with pytest.raises(ComponentError, match="would both be written to"):
        made.infer()


def test_model_that_is_neither_folder_nor_cached_is_named(data, tmp_path):
    [problem] = executor(tmp_path, model="nobody/no-such-model", dataset_path=data).check()
    assert problem.startswith("nobody/no-such-model: neither a folder")
    assert problem.endswith("hf download nobody/no-such-model")
    with pytest.raises(ComponentError, match="nobody/no-such-model: neither a folder"):
        executor(tmp_path, model="nobody/no-such-model", dataset_path=data).infer()


def test_model_in_the_local_cache_is_used_by_its_name(models, data, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    kept = tmp_path / "cache" / "models--nobody--tiny"
    shutil.copytree(models(), kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    made = executor(tmp_path, model="nobody/tiny", dataset_path=data)
    assert made.check() == []
    [path] = made.infer()
    named = path.read_bytes()
    [path] = executor(tmp_path, model=models(), dataset_path=data).infer()
    assert path.read_bytes() == named


@pytest.mark.parametrize("model", ["./no/folder/here", "../x", "/no/such", "a b"])
def test_model_that_can_only_be_a_missing_folder_is_refused(data, model):
    with pytest.raises(ValueError, match="neither a folder"):
        HuggingfaceInferConfig(model=model, dataset_path=data)


def test_model_that_an_earlier_job_writes_is_accepted(data, tmp_path):
    context = PathContext(folders=(tmp_path,), expected=frozenset({tmp_path / "model"}))
    config = HuggingfaceInferConfig.model_validate(
        {"model": "model", "dataset_path": str(data)}, context=context
    )
    assert config.model == tmp_path / "model"
    made = HuggingfaceInferExecutor(config)
    assert made.check() == []
    assert set(made.reads()) == {tmp_path / "model", data}


def test_missing_packages_are_named(models, data, tmp_path, monkeypatch):
    made = executor(tmp_path, model=models(), dataset_path=data)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr("djsb_huggingface.loading.find_spec", lambda name: None)
    here = SimpleNamespace(requires=("torch>=2.4", "transformers>=4.57,<6"))
    monkeypatch.setattr(
        "djsb_core.machine.packages.read_installed",
        lambda name, now: here if name == "djsb-huggingface" else None,
    )
    assert [problem.rpartition("; ")[2] for problem in made.check()] == [
        "pip install 'torch>=2.4'",
        "pip install 'transformers>=4.57,<6'",
    ]
