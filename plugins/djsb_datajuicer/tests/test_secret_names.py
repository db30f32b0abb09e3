"""Which parameters of Data-Juicer and of transformers hold secrets: every name that they have."""

import inspect

from djsb_core.api import mask
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.options import options
from djsb_datajuicer.sources import operator_files

SECRETS = {
    "api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "export_aws_credentials",  # a mapping with the three above
    "hub_token",
    "token",
}
"""Read by hand in the sources; all other names are harmless."""


def secret_names(names):
    return {name for name in names if mask({name: "some value"}) != {name: "some value"}}


def test_only_the_secrets_of_data_juicer_are_masked():
    operators = {
        parameter for name in operator_files() for parameter in operator_of(name, {}).parameters
    }
    keys = {*options(), *(part for option in options().values() for part in option.parts)}
    names = {*operator_files(), *operators, *keys}
    assert secret_names(names) == SECRETS & names
    assert {"hf_tokenizer", "secret_replacement", "mask_secrets", "encryption_key_path"} <= names


def test_only_the_secrets_of_transformers_are_masked():
    from transformers import (
        AutoTokenizer,
        GenerationConfig,
        PreTrainedConfig,
        PreTrainedModel,
        PreTrainedTokenizerBase,
        TrainingArguments,
    )

    functions = [
        TrainingArguments,
        PreTrainedConfig,
        PreTrainedModel.from_pretrained,
        PreTrainedModel.push_to_hub,
        AutoTokenizer.from_pretrained,
        *(function for _, function in inspect.getmembers(PreTrainedTokenizerBase, callable)),
    ]
    names = {*vars(GenerationConfig()), *vars(PreTrainedConfig())}
    names |= set(PreTrainedTokenizerBase.SPECIAL_TOKENS_ATTRIBUTES)
    for function in functions:
        try:
            names |= set(inspect.signature(function).parameters)
        except ValueError:  # a type of C
            continue
    assert secret_names(names) == SECRETS & names
    assert {"hub_token", "eos_token_id", "max_new_tokens", "pad_token"} <= names
