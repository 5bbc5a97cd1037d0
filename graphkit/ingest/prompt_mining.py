"""Mine the raw prompts of what is read now: prompts become entities of the kind ``prompt_template``, or nothing.

Files that are read in one run are mined together. What was found is kept with them, so that whatever of them must be
read again, after a kill for example, is matched with the same templates and not mined anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from graphkit.config import Config
from graphkit.engine import DuckDB
from graphkit.errors import UsageError
from graphkit.ingest.checks import DAY_US
from graphkit.ingest.codes import code_of
from graphkit.ingest.coding import MinedPrompts
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import PROMPT_KIND, event_fields, match_fields
from graphkit.ingest.mined import Mined, Standing, is_digest, merge_templates, read_mined, read_templates
from graphkit.ingest.partials import Segments
from graphkit.ingest.parts import Part, describe_columns
from graphkit.ingest.prompt_reading import Scan, file_holds_prompts, find_latest, scan_file, spool_file, spool_prompts
from graphkit.ingest.prompt_spool import PromptSpool
from graphkit.ingest.sketch import LEAST_USES
from graphkit.ingest.sources import File
from graphkit.ingest.template_match import Template, make_matcher
from graphkit.ingest.template_mining import match_batch, mine_batches
from graphkit.privacy import digest_value

KnownTemplates = Callable[[date], Sequence[Template]]
"""Gives the templates that a snapshot of this as-of may know from before."""

_KIND = PROMPT_KIND.removeprefix("kind_")
_THREADS = 2


@dataclass(frozen=True)
class Group:
    """Files that are coded with the same templates."""

    files: Sequence[File]
    mined: Mined | None
    """None where they hold no prompts."""
    prompts: MinedPrompts | None = None


def mine_files(
    reading: Reading,
    files: Sequence[File],
    *,
    prints: Mapping[str, str],
    whole: Segments,
    live: Segments,
    as_of: date | None,
    known: KnownTemplates | None,
) -> list[Group]:
    """Mine the prompts of files, and tell which are to be coded with which templates.

    Parameters
    ----------
    prints
        Fingerprint of each file, by path.
    whole, live
        Segments that were written before, and those of them that are used.
    as_of
        The last day that counts; None for that of the newest event.
    """
    fields = event_fields(reading.config)
    prompted = [file for file in files if file_holds_prompts(file, fields)]
    if not prompted:
        return [Group(files, None)]
    with_prompts = {file.path for file in prompted}
    plain = [file for file in files if file.path not in with_prompts]
    earlier = [read_mined(path, segment) for path, segment in sorted(whole.items()) if segment.mined]
    places: dict[str, int] = {}
    for place, mined in enumerate(earlier):
        places = dict.fromkeys(mined.files, place) | places
    members: dict[int, list[File]] = {-1: []}
    for file in prompted:
        members.setdefault(places.get(prints[file.path], -1), []).append(file)
    latest = [max(source.days, default=0) * DAY_US for segment in live.values() for source in segment.sources]
    groups = [Group(plain, None)] if plain else []
    with ExitStack() as stack:
        spools = {place: stack.enter_context(_open_spool(reading)) for place in members}
        for place, some in members.items():
            read = [spool_file(reading, file, fields, spools[place]) for file in some]
            members[place] = [file for file, _ in read]
            latest += [newest for _, newest in read]
        before: list[Template] = []
        if members[-1] and known is not None:
            if as_of is None:
                latest += [_find_latest(reading, file) for file in plain]
            before += known(as_of or date(1970, 1, 1) + timedelta(days=max(latest) // DAY_US))
        before += [template for path, segment in sorted(live.items()) for template in read_templates(path, segment)]
        for place, some in sorted(members.items()):
            if place >= 0:
                groups.append(_code_again(reading, spools[place], some, earlier[place], number=place))
            elif some:
                told = tuple(sorted(prints[file.path] for file in some))
                groups.append(_mine(reading, spools[place], some, before, told=told))
    return groups


def mine_frame(reading: Reading, part: Part, *, known: KnownTemplates | None, as_of: date | None) -> Group:
    """Mine the prompts of a frame."""
    if PROMPT_KIND not in part.prompts:
        return Group([], None)
    fields, relation = event_fields(reading.config), "given_events"
    with ExitStack() as stack:
        if part.stream is not None:
            stack.enter_context(part.stream)
            reading.engine.register(relation, part.stream.read())
        types = describe_columns(reading.engine, relation)
        if part.stream is not None:
            reading.engine.register(relation, part.stream.read())
        scan = Scan(relation, match_fields(list(types), fields, source="events"), types, "events")
        spool = stack.enter_context(_open_spool(reading))
        latest = spool_prompts(reading, scan, fields, spool)
        before = [] if known is None else known(as_of or date(1970, 1, 1) + timedelta(days=latest // DAY_US))
        return _mine(reading, spool, [], before, told=())


def require_no_prompts(parts: Sequence[Part]) -> None:
    """Raise a UsageError if prompt templates would have to be mined, which is not done on Spark's workers."""
    names = [file.name for part in parts if PROMPT_KIND in part.prompts for file in part.files.values()]
    if names:
        raise UsageError(
            f'{names[0]}: holds raw prompts, of which engine "spark" mines no templates; put the ids that '
            "gk.mine_templates gives into a column prompt_template, name your kinds in [kinds] without "
            'prompt_template, or use engine "duckdb"'
        )


def drop_codes(engine: DuckDB, group: Group) -> None:
    """Drop the tables of a group whose files are coded."""
    if group.prompts is not None:
        engine.run(f"DROP TABLE {group.prompts.codes}")
        engine.run(f"DROP TABLE {group.prompts.names}")


def _open_spool(reading: Reading) -> PromptSpool:
    return PromptSpool(reading.engine.scratch, key=reading.key)


def _find_latest(reading: Reading, file: File) -> int:
    fields = event_fields(reading.config)
    with scan_file(reading.engine, file, fields) as scan:
        return find_latest(reading, scan, fields)


def _mine(
    reading: Reading, spool: PromptSpool, files: Sequence[File], before: Iterable[Template], *, told: tuple[str, ...]
) -> Group:
    """Find the templates of prompts, beside those known before, and code the prompts."""
    known = _fit_to_keep(merge_templates(before), reading.config, key=reading.key)
    with ThreadPoolExecutor(_THREADS) as pool:
        batches = ((prompts.text, prompts.user) for prompts in spool)
        found = mine_batches(batches, known=known, key=reading.key, pool=pool)
        templates = [*known, *found]
        _match(reading, spool, templates, pool=pool)
    counted = reading.engine.query("SELECT place, count(DISTINCT user_hash) AS n FROM matched GROUP BY place")
    n_users = {row["place"]: row["n"] for row in counted.to_pylist()}
    standing: list[Standing] = []
    for place in range(len(templates)):
        n, is_new = n_users.get(place, 0), place >= len(known)
        standing.append("dropped" if is_new and n < LEAST_USES else "used" if n else "unused")
    kept = [
        replace(template, frame="") if how == "dropped" else template  # nobody is to read it
        for template, how in zip(_to_keep(templates, reading.config, key=reading.key), standing, strict=True)
    ]
    return _code(reading, files, Mined(tuple(kept), tuple(standing), told), number=-1)


def _code_again(reading: Reading, spool: PromptSpool, files: Sequence[File], mined: Mined, *, number: int) -> Group:
    """Code the prompts of files that were mined before."""
    with ThreadPoolExecutor(_THREADS) as pool:
        _match(reading, spool, mined.templates, pool=pool)
    return _code(reading, files, mined, number=number)


def _match(reading: Reading, spool: PromptSpool, templates: Sequence[Template], *, pool: Executor) -> None:
    """Make the table ``matched``: raw_code, user_hash, place; of the prompts that are made from a template."""
    engine, matcher = reading.engine, make_matcher(templates)
    engine.run("CREATE OR REPLACE TEMP TABLE matched (raw_code UBIGINT, user_hash UBIGINT, place BIGINT)")
    for prompts in spool if templates else ():
        place = match_batch(prompts.text, matcher, key=reading.key, pool=pool)
        made = np.flatnonzero(place >= 0)
        rows = {"raw_code": prompts.code[made], "user_hash": prompts.user[made], "place": place[made]}
        engine.register("matched_now", pa.table(rows))
        engine.run("INSERT INTO matched FROM matched_now")
        engine.connection.unregister("matched_now")


def _code(reading: Reading, files: Sequence[File], mined: Mined, *, number: int) -> Group:
    """Make the tables of a group from the table ``matched``."""
    engine, codes, names = reading.engine, f"prompt_codes_{number + 1}", f"prompt_names_{number + 1}"
    used = [place for place, how in enumerate(mined.standing) if how == "used"]
    ids = pa.array([mined.templates[place].template_id for place in used], pa.string())
    engine.register("used_templates", pa.table({"place": pa.array(used, pa.int64()), "name": ids}))
    engine.run(
        f"CREATE TEMP TABLE {names} AS SELECT place, {code_of('name', secret=reading.secret)} AS code, name "
        "FROM used_templates"
    )
    engine.connection.unregister("used_templates")
    engine.run(
        f"CREATE TEMP TABLE {codes} AS SELECT raw_code, code FROM "
        f"(SELECT raw_code, min(place) AS place FROM matched GROUP BY raw_code) JOIN {names} USING (place)"
    )
    engine.run("DROP TABLE matched")
    return Group(files, mined, MinedPrompts(codes, names))


def _fit_to_keep(templates: Sequence[Template], config: Config, *, key: bytes) -> tuple[Template, ...]:
    """Known templates as these settings keep them; those of which only digests are known where frames are wanted go."""
    if config.kinds[_KIND].digest:
        return _to_keep(templates, config, key=key)
    return tuple(template for template in templates if not is_digest(template.frame))


def _to_keep(templates: Sequence[Template], config: Config, *, key: bytes) -> tuple[Template, ...]:
    """Templates without examples, and with digests of frames where the settings ask for them."""
    digest = config.kinds[_KIND].digest
    return tuple(
        replace(
            template,
            example=None,
            frame=digest_value(template.frame, key=key, kind=_KIND)
            if digest and not is_digest(template.frame)
            else template.frame,
        )
        for template in templates
    )
