"""Read sources into the engine: those that are known from before from their partials, others coded now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from graphkit.engine import quote_name, quote_text
from graphkit.ingest.checks import tell_set_aside
from graphkit.ingest.coding import (
    LABELS,
    OPTIONAL,
    code_events,
    events_file,
    names_file,
    sources_of,
)
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import Field, event_fields
from graphkit.ingest.frames import open_frame
from graphkit.ingest.mined import write_mined
from graphkit.ingest.parquet import open_parquet
from graphkit.ingest.partials import (
    Segment,
    Segments,
    Source,
    find_live,
    fingerprint_file,
    finish_segment,
    stage_segment,
)
from graphkit.ingest.parts import Part
from graphkit.ingest.prompt_mining import (
    Group,
    KnownTemplates,
    drop_codes,
    mine_files,
    mine_frame,
    require_no_prompts,
)
from graphkit.ingest.sources import File, find_files, is_frame
from graphkit.ingest.textfiles import open_text_files

_BATCH_BYTES = 1 << 30
"""Size of the files that are coded together, and lost together if the run is killed."""
_PART_BYTES = 150 << 20
"""Size of the Parquet files whose events are sorted together, so that sorting needs little memory."""
_BATCH_FILES = 10_000
_TYPES = {"input_tokens": "BIGINT", "output_tokens": "BIGINT"}


def read_segments(
    reading: Reading,
    events: Any,
    *,
    folder: Path,
    whole: Segments | None,
    rehash: bool,
    as_of: date | None = None,
    known: KnownTemplates | None = None,
) -> tuple[Segments, int]:
    """Code events, or find them coded; gives the segments, and how many sources were read now.

    Parameters
    ----------
    folder
        Where new segments go.
    whole
        Segments from before; None where files are not to be known again.
    as_of
        The last day that counts; None for that of the newest event.
    known
        Gives templates that are known from before.
    """
    if is_frame(events):
        parts = open_parts(reading, events, event_fields(reading.config), what="events")
        frames = reading.engine.scratch / "frames"  # a frame is not known again
        group = mine_frame(reading, parts[0], as_of=as_of, known=known)
        coded = dict([_code(reading, parts, frames, "frame", {}, group)])
        drop_codes(reading.engine, group)
        return coded, 1
    files = find_files(events, what="events")
    prints = {
        file.path: fingerprint_file(file, config=reading.config, key=reading.key, whole=rehash)
        if whole is not None
        else file.path
        for file in files
    }
    whole = whole or {}
    segments = dict(find_live(whole, prints.values()))
    there = {source.fingerprint for segment in segments.values() for source in segment.sources}
    missing = [file for file in files if prints[file.path] not in there]
    groups = mine_files(reading, missing, prints=prints, whole=whole, live=segments, as_of=as_of, known=known)
    for group in groups:
        for batch in _split(group.files, _BATCH_BYTES):
            parts = _open_files(reading, batch, event_fields(reading.config), what="events")
            told = "\n".join(prints[file.path] for file in batch)
            name = hashlib.sha256(told.encode()).hexdigest()[:16]
            path, segment = _code(reading, parts, folder, name, prints, group)
            segments[path] = segment
        drop_codes(reading.engine, group)
    return segments, len(missing)


def code_file(reading: Reading, file: File) -> tuple[Path, Segment]:
    """Code one file of events in the engine's scratch folder."""
    parts = _open_files(reading, [file], event_fields(reading.config), what="events")
    require_no_prompts(parts)
    return _code(reading, parts, reading.engine.scratch, "file", {file.path: ""}, Group([file], None))


def open_parts(reading: Reading, given: Any, fields: Sequence[Field], *, what: str) -> list[Part]:
    """Open a frame or files."""
    if is_frame(given):
        return [open_frame(reading.engine, given, fields, what=what, latest_us=reading.latest_us)]
    return _open_files(reading, find_files(given, what=what), fields, what=what)


def create_views(
    reading: Reading,
    segments: Segments,
    account_segments: Segments,
    event_kinds: Sequence[str],
    account_kinds: Sequence[str],
    *,
    window: tuple[int, int] | None,
) -> None:
    """Make the views ``events`` and ``names_...``; ``window`` is None where every row counts."""
    kinds = [f"kind_{kind}" for kind in event_kinds]
    selects = [
        _select(path / events_file(place), list(sources), kinds, window)
        for path, segment in segments.items()
        for place, sources in groupby(segment.sources, key=lambda source: source.part)
    ]
    reading.engine.run(f"CREATE OR REPLACE TEMP VIEW events AS {' UNION ALL '.join(selects)}")
    folders = [*segments, *account_segments]
    for what in ("account", *LABELS, *(f"kind_{kind}" for kind in sorted({*event_kinds, *account_kinds}))):
        files = [quote_text(str(path / names_file(what))) for path in folders if (path / names_file(what)).is_file()]
        names = f"FROM read_parquet([{', '.join(files)}])" if files else "SELECT 0::UBIGINT AS code, '' AS name LIMIT 0"
        reading.engine.run(f"CREATE OR REPLACE TEMP VIEW {quote_name(f'names_{what}')} AS {names}")


def _split(files: Sequence[File], most_bytes: int) -> Iterator[list[File]]:
    """Batches of files, each of a bounded size."""
    batch: list[File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += Path(file.path).stat().st_size
        if size >= most_bytes or len(batch) == _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _open_files(reading: Reading, files: Sequence[File], fields: Sequence[Field], *, what: str) -> list[Part]:
    parquet = [file for file in files if file.format == "parquet"]
    texts = [file for file in files if file.format != "parquet"]
    parts = [part for few in _split(parquet, _PART_BYTES) for part in open_parquet(reading.engine, few, fields)]
    if texts:
        parts.append(open_text_files(reading.engine, texts, fields, what=what, latest_us=reading.latest_us))
    return parts


def _code(
    reading: Reading, parts: Sequence[Part], folder: Path, name: str, prints: Mapping[str, str], group: Group
) -> tuple[Path, Segment]:
    with stage_segment(folder, name) as staged:
        sources = _code_sources(reading, parts, staged, prints, group)
        if group.mined is not None:
            write_mined(group.mined, staged)
        return finish_segment(staged, sources, mined=group.mined.files if group.mined else ())


def _code_sources(
    reading: Reading, parts: Sequence[Part], folder: Path, prints: Mapping[str, str], group: Group
) -> list[Source]:
    coded = code_events(
        reading.engine,
        parts,
        folder,
        config=reading.config,
        key=reading.key,
        secret=reading.secret,
        latest_us=reading.latest_us,
        prompts=group.prompts,
    )
    sources = []
    for place, part in enumerate(parts):
        n_usable = {source: coded[place, source].n_usable for source in part.n_rows}
        lost = tell_set_aside(
            reading.engine, part, event_fields(reading.config), n_usable=n_usable, latest_us=reading.latest_us
        )
        for number, source in enumerate(sources_of(part)):
            file, found, aside = part.files.get(source), coded[place, source], lost[source]
            sources.append(
                Source(
                    fingerprint=prints[file.path] if file else "",
                    name=file.name if file else source,
                    part=place,
                    number=number,
                    n_rows=aside.n_rows,
                    n_set_aside=aside.n_set_aside,
                    days=dict(found.days),
                    values=dict(found.values),
                    rejected=aside.rejected,
                    present=part.present,
                    names=part.names,
                    prompts=part.prompts,
                    late=aside.late,
                )
            )
    return sources


def _select(path: Path, sources: Sequence[Source], kinds: Sequence[str], window: tuple[int, int] | None) -> str:
    """SQL of the rows of some sources in a file of coded events that count."""
    present = frozenset().union(*(source.present for source in sources))
    types = dict.fromkeys(kinds, "UBIGINT") | {name: _TYPES.get(name, "UBIGINT") for name in OPTIONAL}
    columns = [name if name in present else f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items()]
    numbers = [source.number for source in sources]
    some = f"IN ({', '.join(map(str, numbers))})"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        some = f"BETWEEN {numbers[0]} AND {numbers[-1]}"
    cut = "" if window is None else f" AND t BETWEEN {window[0]} AND {window[1]}"
    file = quote_text(str(path))
    return f"SELECT account, t, {', '.join(columns)} FROM read_parquet({file}) WHERE source {some}{cut}"
