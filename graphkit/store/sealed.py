"""Sealed JSON: readable, in one fixed form, and carrying its own checksum, so that any changed byte shows."""

import json
from collections.abc import Mapping
from typing import Any

from graphkit.errors import StoreError
from graphkit.snapshot import sha256
from graphkit.store.remote import Place
from graphkit.tables import FORMAT


def seal(document: Mapping[str, Any]) -> bytes:
    """UTF-8 JSON with sorted keys and a ``checksum`` over all the rest."""
    return _render({**document, "checksum": sha256(_render(document))})


def read_sealed(path: Place) -> dict[str, Any]:
    """Read a sealed file.

    Raises
    ------
    StoreError
        Naming the file: it cannot be read, is of a format that this graphkit does not know, or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        document = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{path}: is damaged: not JSON ({error}); restore it from a copy") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path}: is damaged: not a JSON object; restore it from a copy")
    if document.get("format") != FORMAT:
        raise StoreError(
            f"{path}: format {document.get('format')!r} is unknown; this graphkit reads format {FORMAT}. "
            "Open it with the graphkit that wrote it, or upgrade graphkit"
        )
    document.pop("checksum", None)
    if seal(document) != data:
        raise StoreError(f"{path}: is damaged: its bytes are not those that its checksum names; restore it from a copy")
    return document


def _render(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="surrogatepass")
