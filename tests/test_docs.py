"""What the documents say is what the code does."""

import json
import re
import runpy

import pytest
from typer.main import get_command

import graphkit as gk
from graphkit.cli import app
from graphkit.config import Config, Score
from graphkit.detect import communities, cores, detached, faults, lineage, matching, members, stability, tracing
from graphkit.ingest import frame_choice, frame_search, public_templates, shingles, sketch, template_match, word_model
from graphkit.link import likeness, profiles, weights


@pytest.fixture(scope="module")
def pages(root):
    """Text of each document for readers, by its path; of a notebook, that of its Markdown cells."""
    paths = [root / "README.md", *root.glob("docs/*.md"), *root.glob("data/*.md"), *root.glob("notebooks/*.ipynb")]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    for path in (path for path in paths if path.suffix == ".ipynb"):
        cells = json.loads(texts[path])["cells"]
        texts[path] = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return texts


def rows_of(text, head):
    """Cells of the rows of the table whose head begins so."""
    lines = text[text.index(f"| {head} |") :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code_in(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_page_of_commands_is_current(root):
    made = runpy.run_path(str(root / "docs" / "make.py"))["render_cli"]()
    assert (root / "docs" / "cli.md").read_text(encoding="utf-8") == made, "run `make docs`"


def test_links_lead_somewhere(pages):
    targets = [(path, found) for path, text in pages.items() for found in re.findall(r"\]\(([^)#]+)[^)]*\)", text)]
    assert len(targets) > 30
    assert not [f"{path.name}: {target}" for path, target in targets if not (path.parent / target).exists()]


def test_every_page_is_in_the_index(root):
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\| \[([a-z_-]+\.md)\]", index))
    assert named == {path.name for path in (root / "docs").glob("*.md")} - {"README.md"}


def test_settings_shown_are_valid(pages, load_settings):
    shown = [block for text in pages.values() for block in code_in(text, "toml")]
    assert len(shown) >= 4
    for block in shown:
        load_settings(block)


def test_names_shown_are_public(pages):
    shown = {name for text in pages.values() for name in re.findall(r"\bgk\.([A-Za-z_]\w*)", text)}
    assert {"analyze", "explain_pair", "open_store"} <= shown <= set(gk.__all__)


def test_commands_shown_exist_with_their_options(pages):
    commands = get_command(app).commands
    shown = [
        found
        for text in pages.values()
        for found in re.findall(r"(?:^ {4}|`)graphkit ([a-z]+)([^`\n]*)", text, re.MULTILINE)
    ]
    assert len(shown) > 10
    for name, rest in shown:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known | {"--help"}, name


def test_the_score_is_as_told(root):
    text = (root / "docs" / "scores.md").read_text(encoding="utf-8")
    told = {name.strip("`"): float(weight) for name, weight, *_ in rows_of(text, "part | weight")}
    assert told == Score().weights
    assert [row[0].strip("`") for row in rows_of(text, "part | effect")] == list(Score().weights)
    assert f"s = {Score().intercept} + sum over parts" in text


def test_standard_kinds_are_as_told(root):
    text = (root / "docs" / "link_types.md").read_text(encoding="utf-8")
    kinds = Config().kinds
    for name, prior, _, kept, shown in rows_of(text, "kind | prior in bits"):
        kind = kinds.pop(name.strip("`"))
        assert (float(prior), kept == "keyed digest", shown == "masked") == (kind.prior, kind.digest, kind.mask)
    assert not kinds


def test_every_tier_and_reason_is_told(root):
    text = (root / "docs" / "method.md").read_text(encoding="utf-8")
    told = {(tier, *re.findall(r"`(\w+)`", reasons)) for tier, reasons, _ in rows_of(text, "tier | reasons")}
    assert told == {(tier, *reasons) for tier, reasons in members.TIER_RULES}


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("whose pairs hold {:.0f} bits or more besides", cores.CORROBORATED_BITS),
        ("keep {:.0%} or more of their edge strength", cores._INSIDE_SHARE),
        ("hold {:.0f} bits or more from *other* kinds", weights.CORROBORATING_BITS),
        ("fewer than {:.0%} of the runs", members.STEADY),
        ("with `reach = {:.0f}`:", Config().reach),
        ("alike by {:.0f} bit or more", weights.ALIKE_BITS),
        ("credited with {} events", profiles._USUAL_EVENTS),
        ("a correlation of 0, {}, {} or {} in each", likeness._CORRELATIONS),
        ("at {} times the resolution", {30: "thirty"}[communities._FINER]),
        ("keeps {} of its edge strength", {0.9: "nine tenths"}[detached._INSIDE_SHARE]),
        ("edges drawn anew {} times", {3: "three"}[stability.BOOTSTRAPS]),
        ("`hub_bits = {:.0f}` bits", Config().hub_bits),
        ("`m = partners = {}`", Config().partners),
        ("`min_cluster_size = {}`", Config().min_cluster_size),
    ],
)
def test_the_numbers_of_the_method_are_as_told(root, words, number):
    text = " ".join((root / "docs" / "method.md").read_text(encoding="utf-8").replace(" %", "%").split())
    assert words.format(*(number if isinstance(number, tuple) else (number,))) in text


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("recurs* from {} users on", {3: "three"}[sketch.LEAST_USES]),
        ("as many users as {:,}, however", sketch._FEW_USERS),
        ("one use in {} million uses of shingles", {4: "four"}[shingles.BATCH >> 20]),
        ("the prompts of {} users are kept", sketch.WITNESSES),
        ("besides, {:,} at random", sketch._RANDOM_PROMPTS),
        ("and {} MB of witnesses", sketch._MOST_KEPT_BYTES >> 20),
        ("nearly always ({:.0%}) follow one another", frame_search.TOGETHER),
        ("What {:.0%} of a core's witnesses hold", frame_search.COMMON),
        ("A word adds at most {:.0f} bits", word_model.MOST_BITS),
        ("needs {} pairs, of which", {4: "four"}[frame_search.LEAST_PAIRS]),
        ("do not count; {:.0f} bits; and {:.0f} after", (frame_search._LEAST_BITS, frame_search._LEAST_SURPRISE)),
        ("need {:.0f} after that price", frame_search.OWN_SURPRISE),
        ("at most {:,} candidates", frame_search._MOST_CANDIDATES),
        ("of which {:.0%} of the prompts are made from other", frame_choice._ENCLOSED),
        ("A frame with {:.0%} of the words of one", frame_choice._SAME_WORDS),
        ("with {} words of its own that is used less than a {} as much",
         ({2: "two"}[frame_choice._FEW_WORDS], {0.1: "tenth"}[frame_choice._FEW])),
        ("where its cases make up {:.0%} of it", frame_choice._REPLACED),
        ("those cases that have {:.0f} bits of their own", frame_search.DISTINCT_BITS),
        ("holds {:.0%} of them and {:.0f} bits more", (template_match.COVERED, template_match.MATCHING_BITS)),
        ("if the text holds {:.0%} of its bits", public_templates._HELD),
    ],
)  # fmt: skip
def test_the_numbers_of_templates_are_as_told(root, words, number):
    text = " ".join((root / "docs" / "templates.md").read_text(encoding="utf-8").replace(" %", "%").split())
    assert words.format(*(number if isinstance(number, tuple) else (number,))) in text


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("a core member counts {}, a likely one {}, one of tier review {}", ("four", "two", "one")),
        ("holds {} of the other's weight or more", {0.5: "half"}[matching.HALF]),
        ("in the last `remember_days` ({})", Config().lineage.remember_days),
        ("or {} accounts, must come from the old one", {5: "five"}[tracing._NOT_FEW]),
        ("a small part (less than a {}) of one", {0.1: "tenth"}[lineage.LEAST_PART]),
        ("changed by `least_change` ({:.0%}) or more", Config().lineage.least_change),
        ("or `fewer_events` ({:.0%}) fewer than the median of the {}", (Config().lineage.fewer_events, "week")),
        ("reaches `score` ({})", Config().alerts.score),
        ("has grown by `growth` ({:.0%})", Config().alerts.growth),
        ("fewer than `least_accounts` ({})", Config().alerts.least_accounts),
    ],
)
def test_the_numbers_of_the_lineage_are_as_told(root, words, number):
    assert [matching._TIER_WEIGHTS[tier] for tier in ("core", "likely", "review")] == [4, 2, 1]
    assert faults._USUAL_DAYS == 7
    text = " ".join((root / "docs" / "lineage.md").read_text(encoding="utf-8").replace(" %", "%").split())
    assert words.format(*(number if isinstance(number, tuple) else (number,))) in text


def test_when_a_review_is_outgrown_is_as_told(root):
    text = (root / "docs" / "reviews.md").read_text(encoding="utf-8").replace(" %", "%")
    assert f"more than `renew` ({Config().lineage.renew:.0%}) of its accounts" in text


def test_worked_example_of_posts_gives_its_counts(root, shared_data, load_settings):
    text = (root / "docs" / "worked-example-posts.md").read_text(encoding="utf-8")
    shares = str(shared_data / "coordinated_tweets" / "shares.parquet")
    plain, timed = (block for block in code_in(text, "toml"))
    (key,) = re.findall(r'GRAPHKIT_KEY="(.*?)"', text)
    snapshot = gk.analyze(shares, config=load_settings(plain), key=key.encode())
    told = dict(rows_of(text, "what | how much"))
    assert told["linked pairs sampled"] == f"{len(snapshot.pairs):,}"
    assert told["linked accounts"] == f"{snapshot.content['resolved']['n_linked_accounts']:,}"
    assert (
        told["clusters of three accounts or more"] == f"{len(snapshot.clusters)}, of {len(snapshot.accounts)} accounts"
    )
    assert told["largest cluster"] == f"{snapshot.clusters['n_accounts'].max()} accounts"
    for within, *counts in rows_of(text, "`within` | linked accounts"):
        found = gk.analyze(shares, config=load_settings(timed.replace('"60s"', within.strip("`"))))
        linked = found.content["resolved"]["n_linked_accounts"]
        assert counts == [f"{n:,}" for n in (linked, len(found.pairs), len(found.clusters), len(found.accounts))]
