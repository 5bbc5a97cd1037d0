"""Keyed digests for what must not be stored, and masks for what must not be shown."""

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from graphkit.errors import ConfigError

KEY_VARIABLE = "GRAPHKIT_KEY"
PUBLIC_KEY = b"graphkit public key: digests made with it are not secret"
"""The key of analyses without a store and a key; anyone can repeat its digests."""

_LEAST_KEY_BYTES = 16


def load_key(key_file: str | Path | None = None) -> bytes | None:
    """Read the key from ``key_file``, else from the environment's ``GRAPHKIT_KEY``; None if neither is given."""
    if key_file is not None:
        try:
            key, source = Path(key_file).read_bytes().strip(), str(key_file)
        except OSError as error:
            raise ConfigError(f"{key_file}: the key cannot be read: {error.strerror}") from error
    elif KEY_VARIABLE in os.environ:
        key, source = os.environ[KEY_VARIABLE].strip().encode(), KEY_VARIABLE
    else:
        return None
    if len(key) < _LEAST_KEY_BYTES:
        raise ConfigError(
            f"{source}: the key has {len(key)} bytes; give at least {_LEAST_KEY_BYTES}, "
            "for example the output of `openssl rand -hex 32`"
        )
    return key


def make_key(path: str | Path) -> bytes:
    """Make a random key in a new file that its owner alone can read; an existing file is read instead."""
    key = secrets.token_hex(32).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load_key(path) or b""
    with os.fdopen(descriptor, "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def key_fingerprint(key: bytes) -> str:
    """Sixteen hexadecimal digits that tell keys apart and do not give the key away."""
    return hmac.digest(key, b"graphkit key fingerprint", "sha256").hex()[:16]


def digest_value(value: str, *, key: bytes, kind: str) -> str:
    """Keyed digest (HMAC-SHA256, 128 bits in hexadecimal) of a value of a kind."""
    return make_digest(key=key, kind=kind)(value)


def make_digest(*, key: bytes, kind: str) -> Callable[[str], str]:
    """``digest_value`` for many values of a kind: what they have in common is hashed once."""
    begun = hmac.new(key, f"{kind}\0".encode(errors="surrogatepass"), "sha256")

    def digest(value: str) -> str:
        mac = begun.copy()
        mac.update(value.encode(errors="surrogatepass"))
        return mac.hexdigest()[:32]

    return digest


def mask_value(value: str, *, salt: str, kind: str) -> str:
    """A short stand-in for a value: a hint of its start, and a tag that tells it from others in the same snapshot.

    ``salt`` is the snapshot's content digest: without the snapshot the tag cannot be tried out.
    """
    tag = hashlib.blake2b(f"{kind}\0{value}".encode(errors="surrogatepass"), key=salt.encode()[:64], digest_size=5)
    head = value[: min(4, len(value) // 3)]
    return f"{head}…{base64.b32encode(tag.digest()).decode().lower()[:5]}"
