import subprocess
import sys

from click.testing import CliRunner

from djsb_modelscope.commands import make_model

SMALL = ["--layers", "1", "--hidden-size", "32", "--heads", "2", "--vocab-size", "300"]


def run(*arguments):
    return CliRunner().invoke(make_model, [str(argument) for argument in arguments])


def test_it_makes_a_model_and_says_so(corpus, tmp_path):
    result = run(corpus / "held_out.jsonl", tmp_path / "model", *SMALL)
    assert result.exit_code == 0
    # Embeddings of tokens and places, one layer (12 w² + 13 w), the last norm.
    parameters = 300 * 32 + 256 * 32 + 12 * 32**2 + 13 * 32 + 2 * 32
    assert result.stdout == f"{tmp_path / 'model'}: {parameters} parameters, 300 tokens\n"
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_bad_requests_are_one_line_and_status_2(corpus, tmp_path):
    data = corpus / "held_out.jsonl"
    for arguments, said in [
        ((data, tmp_path / "m", "--heads", "3"), "heads 3 must divide hidden_size 128"),
        ((data, tmp_path / "m", "--layers", "0"), "--layers: Input should be greater than 0"),
        ((data, tmp_path / "m", "--text-key", "body"), "held_out.jsonl:1: no 'body'"),
        ((tmp_path / "none.jsonl", tmp_path / "m"), "does not exist"),
    ]:
        result = run(*arguments)
        assert result.exit_code == 2
        assert said in result.stderr
        assert not (tmp_path / "m").exists()


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from click.testing import CliRunner; from djsb_modelscope import commands;"
        "result = CliRunner().invoke(commands.make_model, ['--help']);"
        "assert 'byte-level BPE' in result.output, result.output;"
        "heavy = {'torch', 'transformers', 'modelscope', 'tokenizers', 'pydantic'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
