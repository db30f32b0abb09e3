"""Convert samples to messages for a language model, and its text to results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import Field

from djsb_core.api import ComponentConfig, query

Message: TypeAlias = dict[str, str]
Sample: TypeAlias = Mapping[str, Any]

BuilderName: TypeAlias = Literal["build_messages", "build_messages_for_math_qa"]
ParserName: TypeAlias = Literal["parse_output"]


class MessageKeys(ComponentConfig):
    """Fields of a sample that the message and parse functions use; dots nest."""

    system_key: str = Field("system", description="System prompt; optional in a sample.")
    query_key: str = Field("query", description="The question or instruction.")
    response_key: str = Field("response", description="The answer to be graded.")


@dataclass(frozen=True)
class Builder:
    """A function that builds the messages of a sample."""

    build: Callable[[Sample, MessageKeys], list[Message]]
    needs: Callable[[MessageKeys], Sequence[str]]
    """The fields that a sample must have."""


def build_messages(sample: Sample, keys: MessageKeys) -> list[Message]:
    """Build a system message, if the sample has a system prompt, and the query as user message."""
    return [*_system(sample, keys), _user(str(query(sample, keys.query_key)))]


def build_messages_for_math_qa(sample: Sample, keys: MessageKeys) -> list[Message]:
    """Build messages for a grader of answers to mathematical questions."""
    question, answer = query(sample, keys.query_key), query(sample, keys.response_key)
    return [*_system(sample, keys), _user(f"Question: {question}\nAnswer: {answer}")]


def parse_output(output: str, sample: Sample, keys: MessageKeys) -> Any:  # noqa: ANN401, ARG001
    """Return the model's text unchanged."""
    return output


BUILDERS: dict[BuilderName, Builder] = {
    "build_messages": Builder(build_messages, lambda keys: [keys.query_key]),
    "build_messages_for_math_qa": Builder(
        build_messages_for_math_qa, lambda keys: [keys.query_key, keys.response_key]
    ),
}

PARSERS: dict[ParserName, Callable[[str, Sample, MessageKeys], Any]] = {
    "parse_output": parse_output
}


def _system(sample: Sample, keys: MessageKeys) -> list[Message]:
    try:
        prompt = query(sample, keys.system_key)
    except KeyError:
        return []
    return [{"role": "system", "content": str(prompt)}] if prompt else []


def _user(content: str) -> Message:
    return {"role": "user", "content": content}
