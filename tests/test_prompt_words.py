# ruff: noqa: RUF001  # letters that look like others are what is tested
"""Words of prompts: what counts as the same word, in every alphabet, and what is read of odd values."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from graphkit.errors import InputError
from graphkit.ingest import words as module
from graphkit.ingest.words import iterate_chunks, read_prompts, show_words, split_words

KEY = b"a key of sixteen bytes"


def hashes_of(*texts, key=KEY):
    words = split_words(pa.array(texts, pa.large_string()), key=key)
    return [words.hashes[words.prompt == place].tolist() for place in range(len(texts))]


@pytest.mark.parametrize(
    "text",
    [
        "HELLO World, 2 you",
        "hello\t world\n\n2   you!!",
        "“hello” – world… (2) you",
        "hello \u00a0world 2\u2009you",
        "\ufeffhe\u200bllo wor\u00adld 2 y\u2060ou",
        "ｈｅｌｌｏ ｗｏｒｌｄ ２ ｙｏｕ",
        "h\u0435llo w\u043erld 2 y\u043eu",
        "héllo wörld 2 yoú",
        "he\u0301llo w\u0334orld 2 you",
        "hello 🙂 world 🚀 2 you",
        "𝐡𝐞𝐥𝐥𝐨 𝘸𝘰𝘳𝘭𝘥 ② you",
        "hello_world-2/you",
    ],
)  # fmt: skip
def test_spellings_of_the_same_words(text):
    one, other = hashes_of(text, "hello world 2 you")
    assert one == other
    assert len(set(one)) == 4


def test_other_words_and_other_keys_have_other_hashes():
    words = hashes_of("a b ab ba aa hello hallo helo hello1")[0]
    assert len(set(words)) == len(words) == 9
    assert not set(words) & set(hashes_of("a b ab ba aa hello hallo helo hello1", key=b"another key, as long")[0])


@pytest.mark.parametrize("text", ["請把下面的文字翻譯成英文", "以下の文を要約して", "แปลข้อความต่อไปนี้", "សូមបកប្រែ"])
def test_scripts_without_spaces_are_read_character_by_character(text):
    whole, inside = hashes_of(text, f"x {text} y")
    assert len(whole) == len(text) == len(inside) - 2
    assert inside[1:-1] == whole


def test_words_do_not_run_into_the_next_prompt():
    assert hashes_of("ab", "cd", None, "", "é", "日", "本") == [
        one for text in ("ab", "cd", None, "", "é", "日", "本") for one in hashes_of(text)
    ]


def test_words_lie_where_they_are_shown():
    given = pa.array(["", "two words", "Grüße,\u200b dear  ＷＯＲＬＤ 日本!", "ﬁne"], pa.large_string())
    shown = [
        [text[start:end] for start, end in zip(words.start, words.end, strict=True)]
        for text, words in show_words(given, key=KEY)
    ]
    assert shown == [[], ["two", "words"], ["Grüße", "dear", "WORLD", "日", "本"], ["fine"]]


@pytest.mark.parametrize("make", [list, pd.Series, pa.array, lambda values: pd.Series(values, dtype=object)])
def test_columns_of_every_kind(make):
    assert read_prompts(make(["a", None, "b"])).to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ([b"\xffok", b"caf\xc3\xa9"], ["\ufffdok", "café"]),
        (["half \ud800 a character", None], ["half ? a character", None]),
        ([1, "two", 3.5, None, float("nan"), b"\xff"], ["1", "two", "3.5", None, None, "\ufffd"]),
        (pd.Series(["a", "b", "a"], dtype="category"), ["a", "b", "a"]),
        ([], []),
    ],
)
def test_odd_values_are_read(values, read):
    assert read_prompts(values).to_pylist() == read


def test_what_is_no_column_says_so():
    with pytest.raises(InputError, match="give one text a prompt"):
        read_prompts(7)


def test_of_a_long_prompt_both_ends_are_read(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_PROMPT", 40)
    (cut,) = hashes_of("first words " + "日" * 1_000 + " last words")
    (ends,) = hashes_of("first words last words")
    assert cut[:2] == ends[:2]
    assert cut[-2:] == ends[2:]
    assert len(cut) < 20


def test_chunks_hold_every_prompt_once():
    texts = pa.chunked_array([["a" * 50, "b", None, "c" * 5], [], ["d" * 100, "e"]], pa.large_string())
    chunks = list(iterate_chunks(texts, n_prompts=2, n_bytes=60))
    assert [text for _, chunk in chunks for text in chunk.to_pylist()] == texts.to_pylist()
    assert [first for first, _ in chunks] == np.cumsum([0, *(len(chunk) for _, chunk in chunks)])[:-1].tolist()
    assert max(len(chunk) for _, chunk in chunks) == 2
