"""How well templates are mined from prompts that nobody looked at while the miner was made.

    pip download --no-deps lm-eval llama-index-core; apt-get download fortunes fortunes-de fortunes-es fortunes-it ...
    python benchmarks/unseen_prompts.py FOLDER        where the packages are unpacked in FOLDER

Templates are those that the packages of FOLDER ship: of each task of lm-eval one (many languages), and the string
constants with slots of the others. Fillings and other prompts are fortunes in the languages that there are, and
paragraphs and source code of the installed Python packages. What is measured is told in prompt_templates.py.

Without senders, each prompt is taken as another one's. With them, what is not from a template is from one account for
each collection (a file of fortunes, a package), as texts of one collection share bylines and headings; what is from a
template is from one of 300.
"""

import ast
import re
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
import yaml
from prompt_templates import first_words, mined, score_groups
from rich.console import Console
from rich.table import Table

import graphkit as gk

_SLOT = re.compile(r"\{\{.*?\}\}|\{[a-z_]+\}", re.DOTALL)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
_LEAST_WORDS = 8
_LEAST_USES = 12
_SENDERS = 300

Random = np.random.Generator


def read_templates(folder: Path, random: Random) -> list[str]:
    """Templates of eight fixed words or more, slots as ``{}``: one of each lm-eval task, and constants of others."""
    by_task: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("lm_eval/tasks/*/**/*.yaml")):
        text = _read_field(path.read_text("utf-8"))
        if text and "{%" not in text:
            task = path.parts[path.parts.index("tasks") + 1]
            by_task.setdefault(task, []).append(text)
    chosen = [sorted(set(texts))[int(random.integers(len(set(texts))))] for _, texts in sorted(by_task.items())]
    for path in sorted(folder.rglob("*.py")):
        if "lm_eval" not in path.parts:
            chosen += _read_constants(path.read_text("utf-8"))
    shapes = {" ".join(_WORD.findall(_SLOT.sub(" ", text).lower())): text for text in chosen if _SLOT.search(text)}
    kept = [text for words, text in shapes.items() if len(words.split()) >= _LEAST_WORDS]
    return [_SLOT.sub("{}", text).strip() for text in sorted(kept)]


def _read_field(source: str) -> str | None:
    class Loader(yaml.SafeLoader):
        """Takes tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    try:
        task = yaml.load(source, Loader)  # noqa: S506  # a safe one
    except yaml.YAMLError:
        return None
    text = task.get("doc_to_text") if isinstance(task, dict) else None
    return text if isinstance(text, str) and "{{" in text else None


def _read_constants(source: str) -> list[str]:
    """Texts with slots that are the value of a name."""
    values = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign)]
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return [text for text in texts if re.search(r"(?<!\{)\{[a-z_]+\}", text)]


def read_texts(folder: Path) -> dict[str, str]:
    """Fortunes of every language, paragraphs of packages' descriptions, and source code; of each its collection."""
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("usr/share/games/fortunes*/**/*")):
        if path.is_file() and path.suffix not in {".dat", ".u8"}:
            fortunes = path.read_bytes().decode("utf-8", "replace")
            texts |= dict.fromkeys((text.strip() for text in re.split(r"\n%+\n", fortunes)), str(path))
    packages = Path(sysconfig.get_paths()["purelib"])
    for path in sorted(packages.glob("*.dist-info/METADATA")):
        paragraphs = path.read_text("utf-8").split("\n\n")[1:]
        texts |= dict.fromkeys((text.strip() for text in paragraphs), path.parent.name)
    for path in sorted(packages.glob("*/*.py"))[:400]:
        parts = path.read_bytes().decode("utf-8", "replace").split("\n\n\n")
        texts |= dict.fromkeys((text.strip() for text in parts), path.parent.name)
    return {text: collection for text, collection in texts.items() if 20 <= len(text) <= 3_000}


def write_prompts(
    templates: list[str], texts: list[str], n: int, *, share: float, random: Random
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Prompts, their templates (null: none), and which have noise; no other prompt is written twice."""
    own, fillings = np.array_split(random.permutation(len(texts)), [min(int(n * (1 - share)), len(texts) // 2)])
    weights = 1 / np.arange(1, len(templates) + 1) ** 1.1
    n_made = int(n * share) - _LEAST_USES * len(templates)
    drawn = random.choice(random.permutation(len(templates)), n_made, p=weights / weights.sum())
    truth = np.concatenate([np.repeat(np.arange(len(templates)), _LEAST_USES), drawn, np.full(len(own), -1)])
    noisy = (random.random(len(truth)) < 0.3) & (truth >= 0)
    other = iter(own)
    prompts = []
    for number, is_noisy in zip(truth, noisy, strict=True):
        text = texts[next(other)] if number < 0 else _fill(templates[number], texts, fillings, random)
        prompts.append(_JITTERS[int(random.integers(len(_JITTERS)))](text, random) if is_noisy else text)
    order = random.permutation(len(truth))
    made = pd.Series(truth[order])
    return pd.Series(np.array(prompts, dtype=object)[order]), made.where(made >= 0), pd.Series(noisy[order])


def _fill(template: str, texts: list[str], fillings: np.ndarray, random: Random) -> str:
    def pieces() -> Iterator[str]:
        for place, piece in enumerate(template.split("{}")):
            if place:
                text = texts[int(random.choice(fillings))]
                short = random.random() < 0.5
                yield " ".join(text.split()[: int(random.integers(1, 12))]) if short else text
            yield piece

    return "".join(pieces())


def _mistype(text: str, random: Random) -> str:
    letters = list(text)
    for place in random.integers(0, max(len(letters) - 1, 1), 1 + len(letters) // 80):
        letters[place : place + 2] = reversed(letters[place : place + 2])
    return "".join(letters)


_JITTERS: tuple[Callable[[str, Random], str], ...] = (
    lambda text, _: re.sub(r"\s+", " ", text),
    lambda text, _: text.replace(" ", "  ").replace("\n", "\n\n"),
    lambda text, random: text.upper() if random.random() < 0.5 else text.lower(),
    _mistype,
    lambda text, random: f"{random.choice(['Hello!', 'Please help:', 'Bonjour,', '你好'])} {text} Thanks a lot.",
    lambda text, _: text.replace('"', "”").replace("'", "\u2019").replace(":", " -"),
)


def name_senders(prompts: pd.Series, truth: pd.Series, collections: dict[str, str], random: Random) -> pd.Series:
    """Who sent each prompt: a text's collection, or one of 300 accounts for what is from a template."""
    accounts = pd.Series(random.integers(_SENDERS, size=len(prompts))).map("account {}".format)
    return accounts.where(truth.notna(), prompts.map(collections))


def main(folder: Path, prompts: Annotated[int, typer.Option()] = 25_000) -> None:
    """Print the score of three mixtures."""
    table = Table("mixture", "templates", "method", "F1", "found", "noise", "others", "groups of 20")
    for seed, share in ((1, 0.25), (2, 0.5), (3, 0.75)):
        random = np.random.default_rng(seed)
        templates, texts = read_templates(folder, random), read_texts(folder)
        written, truth, noisy = write_prompts(templates, list(texts), prompts, share=share, random=random)
        senders = name_senders(written, truth, texts, random)
        methods = {
            "first words": first_words(written),
            "mined": mined(written),
            "mined, with senders": gk.mine_templates(written, senders)[0].astype(object),
        }
        for method, groups in methods.items():
            score = score_groups(truth, groups, noisy)
            cells = [f"{score[name]:.3f}" for name in ("F1", "found", "noise", "organic")]
            about = f"{len(written):,}, {truth.notna().mean():.0%} from templates"
            table.add_row(about, str(len(templates)), method, *cells, str(score["groups"]))
    Console(width=130).print(table)


if __name__ == "__main__":
    typer.run(main)
