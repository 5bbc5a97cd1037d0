"""What is read from events and accounts, under which of the user's column names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from graphkit.config import Config
from graphkit.errors import InputError
from graphkit.ingest.sources import shorten

Role = Literal["id", "time", "text", "count", "prompt", "mined"]
"""How a column is read; of raw prompts: as a hash of what they say, or to be mined for templates."""

PROMPT_KIND = "kind_prompt_template"
"""The kind whose entities are mined where it is read from raw prompts."""
_MANY = 60


@dataclass(frozen=True)
class Field:
    """A column that graphkit reads: its name here, its name in the user's data, and how it is read."""

    name: str
    column: str
    role: Role
    setting: str
    """What to write in ``graphkit.toml`` to map it, with {} for the user's name."""
    required: bool = False
    prompt: str | None = None
    """The column of raw prompts that is read where ``column`` is missing."""

    def role_of(self, column: str) -> Role:
        """How one of the user's columns is read for this field."""
        role = "prompt" if column.lower() != self.column.lower() else self.role
        return "mined" if role == "prompt" and self.name == PROMPT_KIND else role


def event_fields(config: Config) -> list[Field]:
    """The fields of events: account, time, kinds, and what is optional.

    Raw prompts stand in for missing prompt templates, which are mined from them.
    """
    columns = config.columns
    kinds = [
        replace(field, prompt=columns.prompt) if field.name == PROMPT_KIND else field for field in kind_fields(config)
    ]
    return [
        Field("account_id", columns.account_id, "id", _mapping("account_id"), required=True),
        Field("t", columns.timestamp, "time", _mapping("timestamp"), required=True),
        *kinds,
        Field("organization", columns.organization, "text", _mapping("organization")),
        Field("model", columns.model, "text", _mapping("model")),
        Field("capability", columns.capability, "text", _mapping("capability")),
        Field("input_tokens", columns.input_tokens, "count", _mapping("input_tokens")),
        Field("output_tokens", columns.output_tokens, "count", _mapping("output_tokens")),
    ]


def account_fields(config: Config) -> list[Field]:
    """The fields of accounts: account, time of creation, kinds."""
    columns = config.columns
    return [
        Field("account_id", columns.account_id, "id", _mapping("account_id"), required=True),
        Field("created_us", columns.created_at, "time", _mapping("created_at")),
        Field("organization", columns.organization, "text", _mapping("organization")),
        *kind_fields(config),
    ]


def kind_fields(config: Config) -> list[Field]:
    """A field for each configured kind; a kind that reads raw prompts is hashed before anything keeps it."""
    return [
        Field(
            f"kind_{kind}",
            config.kind_column(kind),
            "prompt" if config.kind_column(kind) == config.columns.prompt else "text",
            f'[kinds.{kind}]\ncolumn = "{{}}"',
        )
        for kind in sorted(config.kinds)
    ]


def find_prompts(fields: Sequence[Field], columns: Mapping[str, str]) -> frozenset[str]:
    """Names of the fields that are read from raw prompts."""
    matched = {field.name: columns.get(field.name) for field in fields}
    return frozenset(f.name for f in fields if (column := matched[f.name]) and f.role_of(column) in {"prompt", "mined"})


def match_fields(names: Sequence[str], fields: Sequence[Field], *, source: str) -> dict[str, str]:
    """Tell which of the user's columns holds each field; case does not count.

    Returns
    -------
    dict
        From a field's name to the user's column; fields without a column are left out.

    Raises
    ------
    InputError
        If two columns that are equal but for case could be meant.
    """
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(name.lower(), []).append(name)
    matched = {}
    for field in fields:
        candidates = spelled.get(field.column.lower(), []) or spelled.get((field.prompt or "").lower(), [])
        if len(candidates) > 1:
            both = " and ".join(repr(shorten(name)) for name in candidates)
            raise InputError(f"{source}: columns {both} are equal but for case; rename or drop all but one")
        if candidates:
            matched[field.name] = candidates[0]
    return matched


def require_fields(matched: Mapping[str, str], fields: Sequence[Field], names: Sequence[str], *, source: str) -> None:
    """Raise an InputError that names each required column that is missing, and what to write."""
    missing = [field for field in fields if field.required and field.name not in matched]
    if missing:
        raise InputError("\n".join(explain_missing(field, names, source=source) for field in missing))


def explain_missing(field: Field, names: Sequence[str], *, source: str) -> str:
    """Say that a column is missing, which there are, and the setting that maps the nearest one."""
    near = nearest_name(field.column, names)
    setting = field.setting.format((near or "YOUR COLUMN").replace("\\", "\\\\").replace('"', '\\"'))
    shown = ", ".join(shorten(name, width=40) for name in names[:_MANY]) or "none"
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    hint = f"did you mean {shorten(near)!r}? Then write" if near else "name yours"
    return (
        f"{source}: no column {shorten(field.column)!r}; there are: {shown}{more}.\n{hint} in graphkit.toml:\n{setting}"
    )


def nearest_name(wanted: str, names: Sequence[str]) -> str | None:
    """The name most like ``wanted``, if one is like it at all."""
    folded = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(wanted.lower(), folded, n=1, cutoff=0.6)
    near += sorted((name for name in folded if wanted.lower() in name), key=len)
    return folded[near[0]] if near else None


def _mapping(ours: str) -> str:
    return f'[columns]\n{ours} = "{{}}"'
