"""Mine prompt templates: a first pass over the prompts finds frames, a second one matches each prompt to one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from graphkit.errors import InputError, UsageError
from graphkit.ingest.frame_choice import choose_frames
from graphkit.ingest.frame_search import find_candidates
from graphkit.ingest.public_templates import name_templates, read_public_templates
from graphkit.ingest.sketch import LEAST_USES, Sketch, add_batches, empty_sketch
from graphkit.ingest.sources import shorten
from graphkit.ingest.template_match import Matcher, Template, make_matcher, match_prompts, pair_bits
from graphkit.ingest.template_text import name_frame, write_templates
from graphkit.ingest.word_model import Numbers
from graphkit.ingest.words import Hashes, Places, hash_texts, iterate_chunks, read_prompts
from graphkit.privacy import PUBLIC_KEY, digest_value

_THREADS = 2
_BATCH_PROMPTS, _BATCH_BYTES = 1 << 16, 1 << 25
_PART_PROMPTS, _PART_BYTES = 1 << 12, 1 << 20
_SAME = 0.9
_KEPT = ("template_id", "frame", "words", "word_bits", "least_bits")


def mine_templates(
    prompts: Any,
    accounts: Any = None,
    *,
    known: pd.DataFrame | None = None,
    public: Any = None,
    digest: bool = False,
    key: bytes = PUBLIC_KEY,
) -> tuple[pd.Series[Any], pd.DataFrame]:
    """Find the templates that prompts are made from.

    Parameters
    ----------
    prompts
        A column of texts, or a frame with the column ``prompt`` and perhaps ``account_id``.
    accounts
        Each prompt's account: words count as fixed if several accounts use them, not if one does often. Without
        accounts, each prompt counts as another one's.
    known
        Templates found before, as this function gave them with the same key, or a snapshot's table ``templates``: they
        keep their ids and frames. Only prompts that none of them fits are searched for new ones.
    public
        A CSV file or frame with the columns ``name`` and ``text``: templates that are public.
    digest
        Give digests of frames, no words.
    key
        Secret for ids, digests and hashes of words.

    Returns
    -------
    ids
        The template of each prompt, null where it is made from none. Categorical.
    templates
        A row is a template that three accounts use (without accounts: three prompts), or a known one: template_id;
        frame, its fixed words with slots as ⟨…⟩; n_prompts; n_accounts (null without accounts); known_as, its name
        in the public list; example, the frame of one prompt with the number of words in each slot; and what ``known``
        needs: words (keyed hashes, 0 for a slot), word_bits, least_bits.

    Raises
    ------
    InputError
        If the prompts or the public list cannot be read.
    UsageError
        If there are not as many accounts as prompts, or the known templates are of another key.
    """
    prompts, accounts, index = _open(prompts, accounts)
    texts, users = read_prompts(prompts), None if accounts is None else _hash_accounts(read_prompts(accounts), key=key)
    if users is not None and len(users) != len(texts):
        raise UsageError(f"{len(users):,} accounts for {len(texts):,} prompts; give one a prompt")
    listed = [] if public is None else read_public_templates(public)
    before = read_templates(known, key=key)
    with ThreadPoolExecutor(_THREADS) as pool:
        templates = [*before, *mine_batches(_iterate(texts, users), known=before, key=key, pool=pool)]
        matched = _match_all(texts, make_matcher(templates), key=key, pool=pool)
    kept, n_prompts, n_accounts = _count(matched, users, n=len(templates), n_known=len(before))
    order = [int(place) for place in sorted(np.flatnonzero(kept), key=lambda place: (-n_prompts[place], place))]
    code = np.full(len(templates) + 1, -1)
    code[order] = np.arange(len(order))
    chosen = [templates[place] for place in order]
    names = [template.template_id for template in chosen]
    ids = pd.Series(pd.Categorical.from_codes(code[matched], categories=pd.Index(names, dtype=str)), index=index)
    frame = _to_frame(
        chosen,
        n_prompts=n_prompts[order],
        n_accounts=None if n_accounts is None else n_accounts[order],
        known_as=name_templates(chosen, listed, key=key),
        digest=digest,
        key=key,
    )
    return ids.rename("template_id"), frame


def mine_batches(
    batches: Iterable[tuple[pa.Array, Hashes | None]], *, known: Sequence[Template], key: bytes, pool: Executor
) -> list[Template]:
    """New templates of the prompts that no known one fits.

    Parameters
    ----------
    batches
        As for ``add_batches``.
    """
    matcher = make_matcher(known)

    def unmatched() -> Iterator[tuple[pa.Array, Hashes | None]]:
        for texts, users in batches:
            left = np.flatnonzero(match_batch(texts, matcher, key=key, pool=pool) < 0)
            yield texts.take(pa.array(left)), None if users is None else users[left]

    sketch = add_batches(empty_sketch(), unmatched() if known else batches, key=key, pool=pool)
    return find_templates(sketch, known=known, key=key)


def find_templates(sketch: Sketch, *, known: Sequence[Template] = (), key: bytes) -> list[Template]:
    """Templates of the prompts of a sketch, by id; without those that are known."""
    candidates = find_candidates(sketch, key=key)
    chosen = choose_frames(candidates, n_prompts=sketch.n_prompts)
    found = write_templates(candidates, chosen, sketch, key=key)
    if not known or not found:
        return found
    _, bits = pair_bits([*known, *found])
    total = np.maximum(np.asarray(bits.sum(axis=0), dtype=np.float64).ravel(), np.finfo(float).tiny)
    old, new = bits[:, : len(known)], bits[:, len(known) :]
    in_old = _share_of(new, old, total[len(known) :])
    in_new = _share_of(old, new, total[: len(known)])
    same = in_old.minimum(in_new.T).max(axis=1).toarray().ravel()
    return [template for template, likeness in zip(found, same, strict=True) if likeness < _SAME]


def _share_of(bits: csr_array, others: csr_array, total: Numbers) -> csr_array:
    """Share of each template's bits whose pairs another one has too: shape (templates, others)."""
    has = others.copy()
    has.data = np.ones_like(has.data)
    share: csr_array = (bits.T @ has).tocsr().multiply(1 / total[:, None]).tocsr()
    return share


def read_templates(frame: pd.DataFrame | None, *, key: bytes) -> list[Template]:
    """Templates of a frame that ``mine_templates`` gave.

    Raises
    ------
    UsageError
        If it was made with another key, or is no such frame.
    """
    if frame is None:
        return []
    missing = [name for name in _KEPT if name not in frame]
    if missing:
        raise UsageError(f"known templates: no column {missing[0]!r}; give the frame that mine_templates gave")
    frame = frame.assign(example=frame.get("example"))[frame["words"].notna()].sort_values("template_id")
    columns = (frame[name].tolist() for name in (*_KEPT, "example"))
    templates = [
        Template(
            str(name),
            str(text),
            None if pd.isna(example) else str(example),
            np.array(words, np.uint64),
            np.array(bits, float),
            float(least),
        )
        for name, text, words, bits, least, example in zip(*columns, strict=True)
    ]
    strange = [template for template in templates if name_frame(template.words, key=key) != template.template_id]
    if strange:
        raise UsageError(f"known templates: {strange[0].template_id} was made with another key; give the same one")
    return templates


def _open(prompts: Any, accounts: Any) -> tuple[Any, Any, Any]:
    """The columns of prompts and accounts, and the index of the result."""
    index = prompts.index if isinstance(prompts, pd.DataFrame | pd.Series) else None
    if not hasattr(prompts, "columns"):
        return prompts, accounts, index
    names = prompts.column_names if isinstance(prompts, pa.Table | pa.RecordBatch) else list(prompts.columns)
    if "prompt" not in names:
        shown = ", ".join(shorten(str(name), width=40) for name in names) or "nothing"
        raise InputError(f"prompts: no column 'prompt'; there are: {shown}. Give the column of prompts itself")
    if accounts is None and "account_id" in names:
        accounts = prompts["account_id"]
    return prompts["prompt"], accounts, index


def _hash_accounts(accounts: pa.ChunkedArray, *, key: bytes) -> Hashes:
    """Hash of each account; 0 for none."""
    parts = [np.zeros(0, np.uint64)]
    for _, part in iterate_chunks(accounts, n_prompts=_BATCH_PROMPTS, n_bytes=_PART_BYTES):
        parts.append(np.where(part.is_null().to_numpy(zero_copy_only=False), 0, hash_texts(part, key=key)))
    return np.concatenate(parts)


def _iterate(texts: pa.ChunkedArray, users: Hashes | None) -> Iterator[tuple[pa.Array, Hashes | None]]:
    for first, batch in iterate_chunks(texts, n_prompts=_BATCH_PROMPTS, n_bytes=_BATCH_BYTES):
        yield batch, None if users is None else users[first : first + len(batch)]


def _match_all(texts: pa.ChunkedArray, matcher: Matcher, *, key: bytes, pool: Executor) -> Places:
    matched = [match_batch(batch, matcher, key=key, pool=pool) for batch, _ in _iterate(texts, None)]
    return np.concatenate([np.zeros(0, np.int64), *matched])


def match_batch(texts: pa.Array, matcher: Matcher, *, key: bytes, pool: Executor) -> Places:
    """Place of each prompt's template, see ``match_prompts``; prompts that are the same are matched once."""
    distinct = pc.fill_null(texts, "").dictionary_encode()
    whole = pa.chunked_array([distinct.dictionary], pa.large_string())
    parts = [part for _, part in iterate_chunks(whole, n_prompts=_PART_PROMPTS, n_bytes=_PART_BYTES)]
    matched = list(pool.map(lambda part: match_prompts(part, matcher, key=key), parts))
    places: Places = np.concatenate([np.zeros(0, np.int64), *matched])[distinct.indices.to_numpy()]
    return places


def _count(
    matched: Places, users: Hashes | None, *, n: int, n_known: int
) -> tuple[npt.NDArray[np.bool_], Places, Places | None]:
    """Which templates are kept, and how many prompts and accounts each has."""
    made = np.flatnonzero(matched >= 0)
    n_prompts = np.bincount(matched[made], minlength=n)
    n_accounts = None
    if users is not None:
        made = made[users[made] != 0]
        pairs = pd.DataFrame({"template": matched[made], "user": users[made]}).drop_duplicates()
        n_accounts = np.bincount(pairs["template"], minlength=n)
    kept = (n_prompts if n_accounts is None else n_accounts) >= LEAST_USES
    kept[:n_known] = True
    return kept, n_prompts, n_accounts


def _to_frame(
    templates: Sequence[Template],
    *,
    n_prompts: Places,
    n_accounts: Places | None,
    known_as: list[str | None],
    digest: bool,
    key: bytes,
) -> pd.DataFrame:
    frames = [
        digest_value(template.frame, key=key, kind="prompt_template") if digest and template.example else template.frame
        for template in templates
    ]
    return pd.DataFrame(
        {
            "template_id": pd.array([template.template_id for template in templates], dtype="str"),
            "frame": pd.array(frames, dtype="str"),
            "n_prompts": n_prompts,
            "n_accounts": pd.array([None] * len(templates) if n_accounts is None else n_accounts, dtype="Int64"),
            "known_as": pd.array(known_as, dtype="str"),
            "example": pd.array([None if digest else template.example for template in templates], dtype="str"),
            "words": pd.Series([template.words.tolist() for template in templates], dtype=object),
            "word_bits": pd.Series([template.bits.tolist() for template in templates], dtype=object),
            "least_bits": [template.least_bits for template in templates],
        }
    )
