"""From raw values to entities: addresses cut to their prefix, texts trimmed, secrets digested."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.engine import quote_text
from graphkit.privacy import digest_value, make_digest

LONGEST_TEXT = 512
_KEPT_TEXT = 200

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_GROUP = r"(?:0|[1-9a-f][0-9a-f]{0,3})"
_ANY_GROUP = r"[0-9a-f]{1,4}"
_PLAIN_TEXT = r"^[!-~](?s:.*[!-~])?$"
"""Texts that neither begin nor end with white space, as far as a byte of ASCII tells."""
_BRACKETED = re.compile(r"\[([^\]]*)\](?::\d{1,5})?")
_IPV4_PORT = re.compile(r"([0-9.]+):\d{1,5}")
_LENGTH = re.compile(r"[0-9]{1,3}")
_MAPPED = b"\0" * 10 + b"\xff\xff"

Texts = Callable[[pa.ChunkedArray], pa.Array]


def make_canonical_function(kind: str, *, config: Config) -> Texts:
    """A function from raw values of ``kind`` to one spelling of each, over Arrow arrays; null where unusable."""
    settings = config.kinds[kind]

    def to_canonical(values: pa.ChunkedArray) -> pa.Array:
        array = _join(values)
        if settings.normalize == "ip":
            return normalize_addresses(array, ipv4_prefix=config.ipv4_prefix, ipv6_prefix=config.ipv6_prefix)
        return normalize_texts(array)

    return to_canonical


def canonical_of(raw: str, kind: str, *, config: Config, function: str) -> str:
    """SQL of the one spelling of a raw value of ``kind``: of a plain one at once, else as the canonical function says.

    Parameters
    ----------
    function
        Name by which SQL knows that function, which takes many times as long.
    """
    plain = {_PLAIN_TEXT: raw}
    if config.kinds[kind].normalize == "ip":
        plain = {_IPV4: _cut_ipv4(raw, config.ipv4_prefix)} | _cut_ipv6(raw, config.ipv6_prefix)
    cases = [f"WHEN regexp_matches({raw}, {quote_text(pattern)}) THEN {sql}" for pattern, sql in plain.items()]
    return f"CASE {' '.join(cases)} ELSE {function}({raw}) END"


def shown_of(canonical: str, *, digest: bool, function: str) -> str:
    """SQL of the entity as it is kept and shown; ``function`` is the showing function's name in SQL."""
    call = f"{function}({canonical})"
    return call if digest else f"CASE WHEN strlen({canonical}) <= {LONGEST_TEXT} THEN {canonical} ELSE {call} END"


def make_showing_function(kind: str, *, key: bytes, digest: bool) -> Texts:
    """A function from the one spelling of values of ``kind`` to entities as they are kept and shown.

    Parameters
    ----------
    digest
        Whether entities are keyed digests.
    """
    to_digest = make_digest(key=key, kind=kind)

    def to_shown(values: pa.ChunkedArray) -> pa.Array:
        if digest:
            return _map(_join(values), to_digest)
        return shorten_texts(_join(values), key=key, kind=kind)

    return to_shown


def normalize_texts(values: pa.Array) -> pa.Array:
    """Texts without surrounding white space; null where nothing is left. Inner white space and case count."""
    trimmed = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def shorten_texts(values: pa.Array, *, key: bytes, kind: str) -> pa.Array:
    """Texts of more than 512 characters as their first 200, an ellipsis and a keyed digest of the whole."""
    long = pc.fill_null(pc.greater(pc.utf8_length(values), LONGEST_TEXT), fill_value=False)
    return _replace(values, long, lambda value: f"{value[:_KEPT_TEXT]}…{digest_value(value, key=key, kind=kind)}")


def normalize_addresses(values: pa.Array, *, ipv4_prefix: int, ipv6_prefix: int) -> pa.Array:
    """IP addresses cut to their prefix, in one spelling; null where a value is no address.

    An address may come with a port, brackets, a zone, a prefix length, or as the first of a list as in
    ``X-Forwarded-For``. IPv4 inside IPv6 (``::ffff:198.51.100.7``) is IPv4.
    """
    trimmed = pc.utf8_trim_whitespace(values)
    return _map(trimmed, lambda value: _parse_address(value, ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix))


def _cut_ipv4(raw: str, prefix: int) -> str:
    """SQL of a plain IPv4 address as a network."""
    if prefix == 32:
        return raw
    octets = [f"CAST(split_part({raw}, '.', {place + 1}) AS UTINYINT)" for place in range(4)]
    cut = [f"{octet} & {mask}::UTINYINT" for octet, mask in zip(octets, _mask(4, prefix), strict=True)]
    return f"concat_ws('.', {', '.join(cut)}) || '/{prefix}'"


def _cut_ipv6(raw: str, prefix: int) -> dict[str, str]:
    """From a pattern of plain IPv6 addresses to SQL of their networks, where these are no more than their first groups.

    Up to four groups (a zero among them is not the longest run of zeros) in the one spelling, the last of them not
    zero, then all the others, or some and the ``::`` that stands for the rest.
    """
    kept, rest = divmod(prefix, 16)
    if rest or not 1 <= kept <= 4:
        return {}
    n_others = 8 - kept
    host = rf"(?::{_ANY_GROUP}){{{n_others}}}|::(?:{_ANY_GROUP}(?::{_ANY_GROUP}){{0,{n_others - 2}}})?"
    pattern = rf"^((?:{_GROUP}:){{{kept - 1}}}[1-9a-f][0-9a-f]{{0,3}})(?:{host})$"
    return {pattern: rf"regexp_replace({raw}, {quote_text(pattern)}, '\1::/{prefix}')"}


def _parse_address(value: str, *, ipv4_prefix: int, ipv6_prefix: int) -> str | None:
    packed, given = pack_address(value), None
    if packed is None:
        bare, _, length = _strip_address(value).partition("/")
        packed = pack_address(bare.partition("%")[0])
        if packed is None or (length and not _LENGTH.fullmatch(length)):
            return None
        given = int(length) if length else None
    bits = 8 * len(packed)
    if given is not None and given > bits:
        return None
    kept = bits if given is None else given
    if packed.startswith(_MAPPED):
        packed, kept = packed[12:], max(0, kept - 96)
    return _write_network(packed, min(kept, ipv4_prefix if len(packed) == 4 else ipv6_prefix))


def _strip_address(value: str) -> str:
    """The first of a list, without brackets and port."""
    text = value.split(",", 1)[0].strip()
    if bracketed := _BRACKETED.fullmatch(text):
        return bracketed[1]
    with_port = _IPV4_PORT.fullmatch(text)
    return with_port[1] if with_port else text


def pack_address(text: str) -> bytes | None:
    """An address as its 4 or 16 bytes; None if it is none."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):  # ValueError: a NUL, or a character outside of ASCII
        return None


def _write_network(packed: bytes, prefix: int) -> str:
    size = len(packed)
    cut = (int.from_bytes(packed) & int.from_bytes(_mask(size, prefix))).to_bytes(size)
    text = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, cut)
    return text if prefix == 8 * size else f"{text}/{prefix}"


@cache
def _mask(size: int, prefix: int) -> bytes:
    return ((1 << 8 * size) - (1 << 8 * size - prefix)).to_bytes(size)


def _join(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _map(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    return pa.array([None if value is None else function(value) for value in values.to_pylist()], pa.string())


def _replace(values: pa.Array, where: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """Values with those ``where`` is true mapped by a slow function of text; nulls stay."""
    chosen = values.filter(where)
    if not len(chosen):
        return values
    mapped = [None if value is None else function(value) for value in chosen.to_pylist()]
    return pc.replace_with_mask(values, where, pa.array(mapped, pa.string()))
