"""Secrets in the cache: digests under a key of its own take the place of values.

A key must change with a secret, and an output must be handed on as it was, but nothing that is
written may hold a secret. The digest key lies beside the results and moves with them; nobody can
tell from a digest alone what was digested.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from djsb_core.access import OWNER
from djsb_core.folders.files import usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from djsb_core.access import Access

NAME = "secret.key"
BYTES = 32

MARK = re.compile("\0([0-9a-f]{32})\0")
"""Stands for a secret in a text."""


class SealError(Exception):
    """A secret cannot be sealed, or restored."""


class Seal:
    """Digests of secrets, under one key."""

    def __init__(self, root: Path, purpose: str, variable: str, access: Access = OWNER) -> None:
        """Use the key in a folder, which is created when needed; parameters as for the cache.

        The key is for its owner only, whoever may use the folder.
        """
        self._access = access
        self._path = root / NAME
        self._purpose, self._variable = purpose, variable

    def digest(self, value: object) -> str:
        """Return the digest of a text, or of other plain data.

        :raises RequestError: if the key cannot be read or created
        """
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        data = text.encode("utf-8", "surrogatepass")
        import hmac  # few jobs have secrets

        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:32]

    def mark(self, secret: str) -> str:
        """Return what stands for a secret in a text."""
        return f"\0{self.digest(secret)}\0"

    def restorer(self, known: Iterable[str]) -> Callable[[Any], Any]:
        """Return a function that puts secrets back into a value; it raises ``SealError``.

        :param known: the secrets that may occur
        """
        known = tuple(known)
        marks: dict[str, str] = {}

        def restored(match: re.Match[str]) -> str:
            if not marks:
                marks.update({self.digest(secret): secret for secret in known})
            if match[1] not in marks:
                raise SealError
            return marks[match[1]]

        def restore(value: Any) -> Any:  # noqa: ANN401 (any output)
            if isinstance(value, dict):
                return {restore(key): restore(item) for key, item in value.items()}
            if isinstance(value, list):
                return [restore(item) for item in value]
            if isinstance(value, str) and "\0" in value:
                return MARK.sub(restored, value)
            return value

        return restore

    @cached_property
    def _key(self) -> bytes:
        with usable(self._path.parent, self._purpose, self._variable):
            key = self._read()
            if len(key) == BYTES:
                return key
            self._access.make_folder(self._path.parent)
            own = self._path.with_name(f".{NAME}.{uuid.uuid4().hex}")
            try:
                with open(os.open(own, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:  # noqa: PTH123
                    file.write(os.urandom(BYTES))
                if key:  # damaged
                    own.replace(self._path)
                else:
                    with suppress(FileExistsError):  # the first of several processes counts
                        os.link(own, self._path)
            finally:
                own.unlink(missing_ok=True)
            return self._read()

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""
