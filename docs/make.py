"""Write docs/tables.md, docs/config.md and docs/cli.md from the code that defines them; `make docs` runs this."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.main import get_command

from graphkit.cli import app
from graphkit.config import Alerts, Columns, Config, Kind, Lineage, Score, Tag
from graphkit.tables import FORMAT, TABLES, Table

TYPES = {
    "text": "UTF-8 string",
    "texts": "list of strings",
    "integer": "64-bit integer",
    "number": "64-bit float",
    "numbers": "list of 64-bit floats",
    "hashes": "list of unsigned 64-bit integers",
    "time": "UTC, whole seconds, kept as timestamp[ms]",
    "day": "date",
}

TABLES_HEAD = f"""\
# The tables of a snapshot

<!-- Made from graphkit/tables.py by `make docs`; edit that file. -->

A snapshot is a folder, `STORE/snapshots/<id>/`, with a Parquet file for each table and `manifest.json`. Any tool
that reads Parquet reads it; `snapshot.<table>` gives a pandas frame, `snapshot.table("<table>")` an Arrow table.
Only `rejected` is no file of its own: it stands in the manifest's `run`.

The manifest has an `id` (the day of as-of, and the first digits of the digest), a `format`, a `content` section
(settings, counts, checksums of the tables, the key's fingerprint, the parent snapshot, and the digest over all
these), a `run` section (paths, clock, versions, seconds, what was set aside: nothing that the digest covers) and a
`checksum` over all the rest.

The format is {FORMAT}. A change that an older reader would misread, such as a column renamed or of another meaning,
gives the format a new number; a table or column more does not, so pass by what you do not know. A graphkit refuses
formats that it does not know; one that raises the number still reads the older ones, or says how to convert them.
"""

CONFIG_HEAD = """\
# Settings

<!-- Made from graphkit/config.py by `make docs`; edit that file. -->

`graphkit refresh --config graphkit.toml` reads settings from a TOML file; `gk.Config(...)` takes the same names in
Python. Every key has a default. An unknown key, a wrong type or a value out of range is an error that names the file,
the key and what is allowed. The settings are kept in the manifest of every snapshot made with them.

```toml
look_back = "45d"

[columns]                # ours = "yours"
timestamp = "created_utc"

[kinds.ip]               # kinds named here replace the four standard ones
[kinds.payment_instrument]
[kinds.device]
column = "device_id"
prior = 2
mask = true

[infrastructure.vpn]     # what tags of your list of known infrastructure do
weight = 0.5
```
"""

CLI_HEAD = """\
# The command line

<!-- Made from graphkit/cli/ by `make docs`; edit the files there. -->

`graphkit --help` lists the commands, `graphkit COMMAND --help` tells of one; `python -m graphkit` is the same.

| exit code | means |
| --- | --- |
| 0 | done |
| 1 | failed; the reason is on standard error |
| 2 | wrong usage |
| 130, 143 | stopped, by Ctrl-C or SIGTERM |

Progress goes to standard error. With `--json` there is none, and standard output holds one JSON object.
"""


def render_tables() -> str:
    """The text of docs/tables.md."""
    types = _table(("type", "is"), TYPES.items())
    contents = _table(
        ("table", "a row is"), ((f"[{name}](#{name})", _escape(table.row)) for name, table in TABLES.items())
    )
    return "\n".join([TABLES_HEAD, types, contents, *map(_render_table, TABLES.values())]).rstrip() + "\n"


def render_config() -> str:
    """The text of docs/config.md."""
    parts = [
        CONFIG_HEAD,
        "## The top of the file\n",
        _keys(Config, without=("columns", "kinds", "infrastructure", "score", "lineage", "alerts")),
        "## [columns]\n",
        _keys(Columns),
        "## [kinds.NAME]\n",
        f"{Config.model_fields['kinds'].description}\n",
        _keys(Kind),
        "### Standard kinds\n",
        "Used where the file has no `[kinds]`. A kind of one of these names starts from its settings here.\n",
        _list_settings("kind", Config().kinds),
        "## [infrastructure.TAG]\n",
        f"{Config.model_fields['infrastructure'].description}; see [infrastructure.md](infrastructure.md).\n",
        _keys(Tag),
        "### Standard tags\n",
        "Always there; a table of one of these names changes some of its settings.\n",
        _list_settings("tag", Config().infrastructure),
        "## [score]\n",
        "How a cluster's score is made of its parts; [scores.md](scores.md) tells of each.\n",
        _keys(Score),
        "## [lineage]\n",
        "How clusters are followed through time; see [lineage.md](lineage.md) and [reviews.md](reviews.md).\n",
        _keys(Lineage),
        "## [alerts]\n",
        "What `graphkit refresh --alerts` tells; see [lineage.md](lineage.md#alerts).\n",
        _keys(Alerts),
    ]
    return "\n".join(parts).rstrip() + "\n"


def render_cli() -> str:
    """The text of docs/cli.md."""
    commands: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join([CLI_HEAD, *(_render_command(name, command) for name, command in commands.items())])


def _render_command(name: str, command: Any) -> str:
    """A section of a command: how it is called, what it does, its options."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    needed = [f"{option.opts[-1]} {option.metavar}" for option in options if option.required]
    usage = " ".join(["graphkit", name, *(argument.metavar for argument in arguments), *needed, "[OPTIONS]"])
    rows = [(f"`{argument.metavar}`", argument.help, "") for argument in arguments]
    rows += [(f"`{_spell(option)}`", option.help, _toml(_default(option))) for option in options]
    return f"## {name}\n\n    {usage}\n\n{command.help}\n\n" + _table(("", "", "default"), rows)


def _spell(option: Any) -> str:
    """How an option is written, with what it takes."""
    names = ", ".join(option.opts)
    return names if option.is_flag else f"{names} {option.metavar or 'NUMBER'}"


def _default(option: Any) -> object:
    default = None if option.is_flag else option.default
    return str(default) if isinstance(default, Path) else default


def _render_table(table: Table) -> str:
    rows = [
        (f"`{column.name}`", column.type, "yes" if column.nullable else "", _escape(column.meaning))
        for column in table.columns
    ]
    return (
        f"## {table.name}\n\nA row is {table.row}. Sorted by {', '.join(f'`{name}`' for name in table.sorted_by)}.\n\n"
        + _table(("column", "type", "may be empty", "meaning"), rows)
    )


def _keys(model: type[BaseModel], *, without: tuple[str, ...] = ()) -> str:
    """A row for each key of a table of settings: its default and what is allowed."""
    rows = [
        (f"`{name}`", _toml(field.get_default(call_default_factory=True)), _escape(field.description or ""))
        for name, field in model.model_fields.items()
        if name not in without
    ]
    return _table(("key", "default", "meaning and allowed values"), rows)


def _list_settings(head: str, models: Mapping[str, Kind] | Mapping[str, Tag]) -> str:
    """A row for each of several tables of settings."""
    names = list(type(next(iter(models.values()))).model_fields)
    rows = [(f"`{key}`", *(_toml(getattr(given, name)) for name in names)) for key, given in models.items()]
    return _table((head, *(f"`{name}`" for name in names)), rows)


def _toml(value: object) -> str:
    """A default as it would stand in the file; nothing for a key that is not set."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    return f"`{str(value).lower()}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    made = {"tables.md": render_tables(), "config.md": render_config(), "cli.md": render_cli()}
    for name, text in made.items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")
