"""Keep secrets out of files and output: by the names of settings, and by their values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from djsb_core.secret_forms import KnownSecrets
from djsb_core.secret_shapes import merged, rendered, shape_spans
from djsb_core.whole_files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MASK = "***"

SECRET_NAME = re.compile(
    r"""(?x)
    passw | passphrase | credential | webhook | connection_string | authorization
    | (?<![a-z]) (secret | secret_? key) s? (?![a-z])
    | (?<![a-z]) (api | access | private | signing | encryption | account | subscription | ssh
       | license | shared | master | service | openai | azure | anthropic | dashscope | gemini)
       _? key s? (?![a-z])
    | (?<![a-z]) (access | api | auth | oauth | bearer | refresh | session | id | security
       | personal | bot | hub | hf | hugging_?face | model_?scope | github | gitlab | wandb | pypi
       | slack | discord | telegram | deploy | login | service | client | private | job | jwt
       | csrf | sas | kaggle | openai | azure | neptune | ngrok) _? token (?![a-z])
    | (?<![a-z]) (api | access | auth | oauth | bearer | refresh | hf | github) _? token s $
    | ^ (token | auth | bearer | sas) $ | (^ | _) (pwd | pat | dsn | jwt | cookies?) $
    | (^ | _) (basic | http | proxy) _auth $
    """
)
"""Names of settings and environment variables whose values are secret: in small letters, their
words joined by ``_``."""

SECRET_VARIABLE = re.compile(r"_(TOKEN|PASS)$")
"""Names in capitals, as variables of the environment have: there a token is no piece of text."""

NOT_SECRET = re.compile(
    r"""(?x)
    (pad | eos | bos | unk | sep | cls | mask | end | start | stop | image | video | audio
     | special | max | min | num | per) _token $
    | _(path | file | folder | dir | directory | name | field | column | type | kind | length
        | len | size | count | limit | replacement | placeholder | pattern | regex | template
        | prompt | label | policy | format | prefix | suffix | mode | filter) s? $
    | (?<! webhook) _(url | endpoint) $
    | ^ (mask | redact | detect | remove | replace | filter | drop | find | scan | hide | sanitize
         | skip | has | is | no | max | min | num | count) _
    """
)
"""Names of tokenizer settings, of settings that say where a secret is stored or found, and of
those that say what to do with secrets in texts."""

WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")

SHORTEST = 6
"""Minimum length; a shorter value is masked by name only, since any text may contain it."""

SHORT, REMEMBERED = 256, 8192
"""Length of texts whose masked form is remembered, and how many: settings repeat themselves."""

WORKING_FOLDERS = ("PWD", "OLDPWD")
"""Shell variables that are not passwords."""

NAMES, VALUES = ("name", "key", "header", "variable", "env"), ("value", "val")
"""Keys of mappings that hold one setting: ``{name: X_API_KEY, value: …}``."""


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether the value of a setting or variable with this name is secret.

    >>> is_secret_name("OPENAI_API_KEY"), is_secret_name("pad_token"), is_secret_name("max_tokens")
    (True, False, False)
    """
    words = WORD_START.sub("_", name).strip("_").lower()
    looks_secret = SECRET_NAME.search(words) or (name.isupper() and SECRET_VARIABLE.search(name))
    return bool(looks_secret) and NOT_SECRET.search(words) is None


class Masker:
    """Replaces secrets by ``***``."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Mask these values wherever they appear."""
        secrets = {value for value in values if len(value) >= SHORTEST}
        self.secrets = sorted(secrets, key=len, reverse=True)
        """The secrets that are known by value."""
        pattern = "|".join(map(re.escape, self.secrets))
        self._values = re.compile(pattern) if self.secrets else None
        self.known = KnownSecrets(self.secrets)
        self._short = lru_cache(maxsize=REMEMBERED)(self._masked)

    @classmethod
    def of(cls, settings: object) -> Masker:
        """Create a masker for the secrets in settings and in the environment."""
        # Another thread may change the environment at the same time.
        variables = {name: os.environ.get(name, "") for name in list(os.environ)}
        environment = {k: v for k, v in variables.items() if not _is_place(k, v)}
        return cls([*_values_of(environment), *_values_of(settings)])

    def text(self, text: str) -> str:
        """Mask a text: the secrets that are known, and what has the shape of one."""
        return self._short(text) if len(text) <= SHORT else self._masked(text)

    def _masked(self, text: str) -> str:
        spans = self.spans(text)
        return rendered(text, spans, MASK) if spans else text

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the places of the secrets in a text, in order."""
        return merged(chain(self.known.spans(text), shape_spans(text, is_secret_name)))

    def value(self, value: Any) -> Any:  # noqa: ANN401 (any settings)
        """Mask nested settings, by name and by value; names may hold secrets, too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            secret = secret_keys(value)
            masked: dict[Any, Any] = {}
            for key, item in value.items():
                name = _unused(self.text(key), masked) if isinstance(key, str) else key
                masked[name] = MASK if key in secret else self.value(item)
            return masked
        return [self.value(item) for item in value] if isinstance(value, list | tuple) else value

    def marked(self, text: str, mark: Callable[[str], str]) -> str:
        """Replace the secrets that are known by value by what ``mark`` returns for them."""
        return (
            text if self._values is None else self._values.sub(lambda found: mark(found[0]), text)
        )

    def file(self, path: Path) -> None:
        """Mask a text file in place; one without secrets is left untouched."""
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            if all(self.text(line) == line for line in lines):
                return
        with (
            path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines,
            replacing(path, errors="surrogateescape") as output,
        ):
            output.writelines(map(self.text, lines))


def mask(value: Any) -> Any:  # noqa: ANN401 (any settings)
    """Return settings with secrets masked: by name, and those of the environment by value.

    >>> mask({"api_key": "sk-1234567", "train": {"lr": 0.1, "pad_token": "<pad>"}})
    {'api_key': '***', 'train': {'lr': 0.1, 'pad_token': '<pad>'}}
    """
    return Masker.of(value).value(value)


def _holds_secret(name: str, value: object) -> bool:
    """Return whether a setting holds a secret; ``null`` and booleans do not."""
    last = name.rpartition(".")[2]
    return is_secret_name(last) and value not in (None, "") and not isinstance(value, bool)


def _values_of(value: object, name: str = "") -> Iterator[str]:
    """Yield the strings and numbers under secret names."""
    if isinstance(value, Mapping):
        secret = _named_value(value)
        for key, item in value.items():
            own = value[_name_key(value)] if key == secret else key
            yield from _values_of(item, str(own) if not _is_secret(name) else name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values_of(item, name)
    elif isinstance(value, str | int | float) and _holds_secret(name, value):
        yield str(value)


def _is_place(name: str, value: str) -> bool:
    """Return whether a variable is a path: the working folder, or where secrets are stored."""
    return name in WORKING_FOLDERS or (os.path.isabs(value) and os.path.exists(value))  # noqa: PTH110, PTH117 (texts)


def secret_keys(mapping: Mapping[Any, Any]) -> set[Any]:
    """Return the keys of a mapping whose values are secret, by their names."""
    named = _named_value(mapping)
    return {
        key
        for key, value in mapping.items()
        if _holds_secret(str(key), value) or (key == named and value is not None)
    }


def _named_value(setting: Mapping[Any, Any]) -> str | None:
    """Return the key of a secret value in a mapping that names it under another key."""
    name = setting.get(_name_key(setting))
    if not (isinstance(name, str) and _is_secret(name)):
        return None
    return next((key for key in VALUES if key in setting), None)


def _name_key(setting: Mapping[Any, Any]) -> str:
    return next((key for key in NAMES if key in setting), "")


def _unused(name: str, names: Mapping[Any, Any]) -> str:
    """Tell names apart that are equal without their secrets."""
    number, unused = 1, name
    while unused in names:
        number += 1
        unused = f"{name} ({number})"
    return unused


def _is_secret(name: str) -> bool:
    return is_secret_name(name.rpartition(".")[2])
