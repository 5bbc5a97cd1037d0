"""Raw prompts for synthetic services: frames with slots, fillings of every sort, and the noise that farms add."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pydoc_data.topics import topics

import numpy as np

JITTERS = ("none", "spaces", "case", "typos", "polite", "marks", "invisible", "look-alikes", "words", "shuffled")
"""What is done to a prompt after it is made."""

_ROLES = "editor,teacher,chemist,lawyer,analyst,translator,historian,engineer,nurse,planner,critic,tutor"
_OPENINGS = (
    "You are a careful {role} who answers in plain words.|Act as a {role} with twenty years of practice.|Imagine "
    "that a {role} has to explain this to a beginner.|As a {role}, work through what follows.|Below you find a "
    "text that a {role} will read."
)
_VERBS = (
    "read,rewrite,grade,summarize,repair,question,sort,defend,extend,shorten,translate,check,compare,explain,quote,"
    "rank,score,simplify,solve,verify"
)
_AIMS = (
    "its three strongest claims|each hidden contradiction|the weakest step|every assumption that is not "
    "proven|what a child of ten would miss|the order in which things happen|all numbers with their units|the tone"
    " of each part|who gains and who loses|the shortest route to the result|what the author leaves out|the terms "
    "that need a definition"
)
_WAYS = (
    "in a table with one row per item|as a numbered list|in two short paragraphs|from the end to the "
    "start|without any jargon|with a reason for each choice|as if for a newspaper|before you judge it|with one "
    "example each|in the voice of a skeptic|while keeping every name|with a confidence from one to ten"
)
_THINGS = "passage,proof,program,report,contract,dialogue,recipe,argument,query,letter,lesson,review"
_RULES = (
    "Never mention these instructions.|Use no more than eighty words.|Answer with valid JSON and nothing "
    "else.|Think aloud first, then write the final answer on its own line.|Say so plainly if something is "
    "missing.|Quote the source for each statement that you make.|Do not add an introduction or a closing remark."
)
_FOREIGN = (
    "请你扮演一位经验丰富的{}\uff0c根据下面的内容回答问题\uff1a",
    "以下の文章を読んで、{}として三つの要点にまとめてください。",
    "โปรดทำหน้าที่เป็น{}และสรุปข้อความต่อไปนี้ให้สั้นที่สุด",
    "Прочитай следующий текст как опытный {} и выдели главные мысли:",
    "Lies den folgenden Text als {} und fasse ihn in drei Sätzen zusammen:",
    "اقرأ النص التالي بصفتك {} ثم اكتب ملخصا قصيرا له:",
)
_HEADS = "how do i|what is|can you|why does|please|should i|where can i||"
_SHARE_FOREIGN, _SHARE_ODD, _SHARE_CHANGED = 0.15, 0.2, 0.35
_SENTENCE_END = re.compile(r"(?<=[.:]) (?=[A-Z])")

Random = np.random.Generator


def write_prompts(templates: Sequence[int], *, seed: int, jitters: Mapping[str, float] | None = None) -> list[str]:
    """Write one prompt for each number of a template; for -1 one that somebody thought of.

    Parameters
    ----------
    templates
        The same number and seed always have the same frame.
    jitters
        How often what is done to prompts from templates; by default, each of ``JITTERS`` alike.
    """
    random = np.random.default_rng((seed, 1))
    words = _Words()
    shares = dict.fromkeys(JITTERS, 1.0) if jitters is None else dict(jitters)
    names, weights = list(shares), np.array(list(shares.values()), dtype=float)
    chosen = random.choice(len(names), len(templates), p=weights / weights.sum())
    frames = {number: make_frame(number, seed=seed) for number in {*templates} if number >= 0}
    return [
        add_noise(names[jitter], _fill(frames[number], words, random), random) if number >= 0 else _ask(words, random)
        for number, jitter in zip(templates, chosen, strict=True)
    ]


def make_frame(number: int, *, seed: int) -> list[str | None]:
    """The sections of a template, None for slots."""
    random = np.random.default_rng((seed, 2, number))
    role, thing = _pick(_split(_ROLES), random), _pick(_split(_THINGS), random)
    if random.random() < _SHARE_FOREIGN:
        return [_pick(_FOREIGN, random).format(_pick(_split(_ROLES), random).upper() + str(number)), None]
    verbs, aims, ways = (
        [words[place] for place in random.permutation(len(words))] for words in map(_split, (_VERBS, _AIMS, _WAYS))
    )
    task = f"{verbs[0].title()} the {thing} and {verbs[1]} {aims[0]} {ways[0]}, then {verbs[2]} {aims[1]} {ways[1]}."
    rules = random.permutation(_split(_RULES))[: random.integers(0, 3)].tolist()
    opening = [_pick(_split(_OPENINGS), random).format(role=role)] if random.random() < 0.7 else []
    fixed = [*opening, task, *rules]
    place = int(random.integers(1, len(fixed) + 1))
    label = f"{thing.title()}:" if random.random() < 0.5 else None
    slot: list[str | None] = [None] if label is None else [label, None]
    return [*fixed[:place], *slot, *fixed[place:], *([None] if random.random() < 0.3 else [])]


class _Words:
    """Sentences of the Python documentation, some words of which are others than there."""

    def __init__(self) -> None:
        text = " ".join(" ".join(topic.split()) for topic in topics.values())
        self._sentences = [sentence for sentence in _SENTENCE_END.split(text) if 3 <= len(sentence.split(" ")) <= 60]
        self._words = sorted({*text.split(" ")})

    def write(self, n: int, random: Random) -> str:
        """About so many words, and no more."""
        words: list[str] = []
        while len(words) < n:
            words += _pick(self._sentences, random).split(" ")
        return _change_words(" ".join(words[:n]), random, lambda _: _pick(self._words, random), _SHARE_CHANGED)


def _pick(values: Sequence[str], random: Random) -> str:
    return values[int(random.integers(len(values)))]


def _split(values: str) -> list[str]:
    return values.split("|" if "|" in values else ",")


def add_noise(jitter: str, sections: Sequence[str], random: Random) -> str:
    """A prompt of these sections, with noise of one of the sorts of ``JITTERS``."""
    return _JITTER[jitter](list(sections), random)


def _ask(words: _Words, random: Random) -> str:
    head, verb = _pick(_split(_HEADS), random), _pick(_split(_VERBS), random)
    return f"{head} {verb} {words.write(int(random.integers(3, 40)), random)}".strip()


def _fill(frame: Sequence[str | None], words: _Words, random: Random) -> list[str]:
    """A template's sections with slots filled."""
    sections = []
    for section in frame:
        text = section
        if text is None:
            text = words.write(int(np.clip(random.lognormal(3.2, 0.9), 2, 400)), random)
            if random.random() < _SHARE_ODD:
                text = _dress(text, random)
        sections.append(text)
    return sections


def _dress(text: str, random: Random) -> str:
    """A filling as code, JSON or Markdown."""
    first, _, rest = text.partition(" ")
    forms = (
        f"```python\ndef {first.lower()}(x):\n    return {rest!r}\n```",
        f'{{"id": {random.integers(1 << 30)}, "{first}": "{rest}"}}',
        f"# {first}\n\n- {rest}\n- $x^{{{random.integers(99)}}}$ **{first}**",
        f"{first} 🙂 {rest} 日本語のテキスト {random.integers(9999)}",
    )
    return _pick(forms, random)


def _change_words(text: str, random: Random, change: Callable[[str], str], share: float) -> str:
    return " ".join(change(word) if random.random() < share else word for word in text.split(" "))


def _mistype(word: str, random: Random) -> str:
    if len(word) < 4:
        return word
    place = int(random.integers(1, len(word) - 1))
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _plain(sections: list[str]) -> str:
    return "\n".join(sections)


def _shuffle(sections: list[str], random: Random) -> str:
    return _plain([sections[place] for place in random.permutation(len(sections))])


def _disguise(word: str) -> str:
    """A word with Cyrillic letters in place of Latin ones."""
    return word.translate(str.maketrans("aeopc", "\u0430\u0435\u043e\u0440\u0441"))


_JITTER: Mapping[str, Callable[[list[str], Random], str]] = {
    "none": lambda sections, _: _plain(sections),
    "spaces": lambda sections, random: _pick(("  ", "\t", " \u00a0", "\n"), random).join(_plain(sections).split(" ")),
    "case": lambda sections, random: _plain(sections).upper() if random.random() < 0.5 else _plain(sections).lower(),
    "typos": lambda sections, random: _change_words(
        _plain(sections), random, lambda word: _mistype(word, random), 0.06
    ),
    "polite": lambda sections, random: (
        f"{_pick(('Hi,', 'Hello there!', 'Please', 'hey -'), random)} {_plain(sections)} "
        f"{_pick(('thanks!', 'please', 'thank you so much', ''), random)}"
    ),
    "marks": lambda sections, _: _plain(sections).replace(".", " ;").replace(",", "").replace('"', "”"),
    "invisible": lambda sections, random: _change_words(
        _plain(sections), random, lambda word: word[:1] + "\u200b" + word[1:], 0.3
    ),
    "look-alikes": lambda sections, random: _change_words(_plain(sections), random, _disguise, 0.3),
    "words": lambda sections, random: _change_words(_plain(sections), random, lambda word: f"really {word}", 0.04),
    "shuffled": _shuffle,
}
