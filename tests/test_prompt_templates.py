"""Templates mined from raw prompts: by hand where a hand can, and on prompts made to be hard."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import graphkit as gk
from graphkit.ingest.sketch import add_batches, empty_sketch
from graphkit.ingest.template_mining import find_templates
from graphkit.ingest.words import read_prompts
from graphkit.lab.prompts import JITTERS, make_frame, write_prompts
from tests.show_world import HOSTILE
from tests.test_prompt_words import KEY

CRITIC = "Act as a stern critic of the theater. Review this play: {} Close with a grade from A to F."
TABLE = "Turn the following notes into a table with three columns. {} Add no words of your own."


def filling(number, n=12):
    """Words that nobody else uses."""
    random = np.random.default_rng(number)
    return " ".join("".join(chr(97 + letter) for letter in random.integers(0, 26, 5)) for _ in range(n))


@pytest.fixture(scope="module")
def world():
    """Two templates with 20 accounts each, and 100 prompts of others."""
    prompts = [CRITIC.format(filling(n)) for n in range(20)] + [TABLE.format(filling(n)) for n in range(20, 40)]
    prompts += [f"what is {filling(n, 6)} and why" for n in range(40, 140)]
    return pd.DataFrame({"account_id": [f"acct-{n}" for n in range(140)], "prompt": prompts})


def test_prompts_are_grouped_and_frames_can_be_read(world):
    ids, templates = gk.mine_templates(world)
    assert set(templates["frame"]) == {CRITIC.replace("{}", "⟨…⟩"), TABLE.replace("{}", "⟨…⟩")}
    by_frame = templates.set_index("frame")
    assert set(by_frame["n_prompts"]) == set(by_frame["n_accounts"]) == {20}
    assert ids.iloc[:20].eq(by_frame.loc[CRITIC.replace("{}", "⟨…⟩"), "template_id"]).all()
    assert ids.iloc[20:40].eq(by_frame.loc[TABLE.replace("{}", "⟨…⟩"), "template_id"]).all()
    assert ids.iloc[40:].isna().all()
    assert by_frame["example"].str.contains("⟨12 words⟩").all()


def test_nothing_of_a_slot_is_given(world):
    _, templates = gk.mine_templates(world)
    written = templates.to_json()
    assert not [word for n in range(140) for word in filling(n).split() if word in written]


def test_ids_depend_on_nothing_but_the_frame(world):
    _, templates = gk.mine_templates(world)
    shuffled = world.sample(frac=1, random_state=3)
    ids, again = gk.mine_templates(shuffled["prompt"], shuffled["account_id"])
    assert ids.index.equals(shuffled.index)
    pd.testing.assert_frame_equal(again, templates)
    other = [(CRITIC if n < 20 else TABLE).format(filling(1_000 + n)) for n in range(40)]
    anew = gk.mine_templates([*other, *(f"why {filling(2_000 + n)}" for n in range(50))])[1]
    assert set(anew["template_id"]) == set(templates["template_id"])


@pytest.mark.parametrize("accounts", [None, [f"a{n}" for n in range(6)]])
def test_what_farms_do_to_a_prompt(world, accounts):
    dressed = [
        CRITIC.format(filling(900)).upper(),
        CRITIC.format(filling(901)).replace(" ", "\n\t "),
        f"Hi there! {CRITIC.format(filling(902))} Thank you so much, dear assistant!",
        CRITIC.format(filling(903)).replace("e", "\u0435").replace("a", "\u0430\u200b"),
        CRITIC.format(filling(904)).replace("stern", "strn").replace("grade", "gradde"),
        CRITIC.format('def f(x):\n    return {"a": [1, 2]}\n# **bold** $x^2$ 日本語 🙂'),
    ]
    prompts = [*world["prompt"], *dressed]
    given = None if accounts is None else [*world["account_id"], *accounts]
    ids, _ = gk.mine_templates(prompts, given)
    assert ids.iloc[140:].eq(ids.iloc[0]).all()


def test_one_account_makes_no_template(world):
    one = world.assign(account_id="acct-0")
    ids, templates = gk.mine_templates(one)
    assert ids.isna().all()
    assert not len(templates)
    three = world.assign(account_id=[f"acct-{n % 3}" for n in range(140)])
    assert gk.mine_templates(three)[1]["n_accounts"].tolist() == [3, 3]


def test_an_account_s_own_prefix_is_no_part_of_the_frame(world):
    number = np.arange(140) % 7
    prefix = [f"{filling(5_000 + n, 8)}." for n in number]
    prefixed = world.assign(
        account_id=number.astype(str), prompt=[f"{a} {b}" for a, b in zip(prefix, world["prompt"], strict=True)]
    )
    ids, templates = gk.mine_templates(prefixed)
    assert set(templates["frame"]) == {f"⟨…⟩ {text.replace('{}', '⟨…⟩')}" for text in (CRITIC, TABLE)}
    assert (ids.iloc[:20].nunique(), ids.iloc[20:40].nunique(), ids.iloc[40:].count()) == (1, 1, 0)


def test_what_many_put_into_slots_is_no_template(world):
    passage = "The committee met on a rainy Tuesday and rejected every single proposal that the village had sent."
    frames = [CRITIC, TABLE, "Translate the letter below into formal Dutch. {} Keep all names as they are."]
    popular = [frames[n % 3].format(passage) for n in range(30)]
    own = [frames[2].format(filling(n)) for n in range(200, 230)]
    ids, templates = gk.mine_templates([*world["prompt"], *own, *popular])
    assert not templates["frame"].str.contains("committee").any()
    assert ids.iloc[170:].nunique() == 3
    assert ids.iloc[170] == ids.iloc[0]


def test_a_frame_with_a_long_popular_filling_is_no_template_of_its_own():
    """Six frames are filled with one task in three variants, which holds more words than they do."""
    task = [f"The following lines {filling(700, 80)} {{}} describe {filling(710 + n, 40)} choose one" for n in range(3)]
    frames = [f"{filling(800 + n, 6)} {{}} {filling(900 + n, 6)}" for n in range(6)]
    own = [frames[n % 6].format(filling(3_000 + n)) for n in range(180)]
    popular = [frames[n % 6].format(task[n % 3].format(filling(4_000 + n, 3))) for n in range(72)]
    others = [f"what is {filling(n, 6)} and why" for n in range(5_000, 7_000)]
    ids = gk.mine_templates([*own, *popular, *others])[0].tolist()
    assert len(set(ids[:180])) == 6
    assert ids[180:252] == ids[:72]
    assert not [name for name in ids[252:] if isinstance(name, str)]


def test_common_words_are_no_template(world):
    """Each word follows the one before it half of the time: so thirty prompts of a thousand begin with the same six."""
    random = np.random.default_rng(0)
    choices = ["can will do may should must", "you we they i somebody one", "tell show give send bring lend"]
    choices += ["me him her us them it", "what why how when where which", "the a this that my your"]
    weights = np.array([32, 16, 8, 4, 2, 2]) / 64
    asked = [
        " ".join([*(random.choice(words.split(), p=weights) for words in choices), filling(n, 5)]) for n in range(1_000)
    ]
    assert sum(text.startswith("can you tell me what the") for text in asked) > 10
    _, templates = gk.mine_templates([*world["prompt"], *asked])
    assert set(templates["frame"]) == {text.replace("{}", "⟨…⟩") for text in (CRITIC, TABLE)}


def test_known_templates_keep_their_ids(world):
    _, first = gk.mine_templates(world.iloc[:20])
    tomorrow = world.iloc[5:]
    ids, second = gk.mine_templates(tomorrow, known=first)
    assert (
        second["template_id"].tolist()[1] == first["template_id"][0]
        or second["template_id"][0] == first["template_id"][0]
    )
    assert len(second) == 2
    assert ids.iloc[:15].eq(first["template_id"][0]).all()
    few, _ = gk.mine_templates([CRITIC.format(filling(9_999))], known=second)
    assert few.tolist() == [first["template_id"][0]]
    with pytest.raises(gk.UsageError, match="another key"):
        gk.mine_templates(world, known=first, key=b"another key, as long")
    with pytest.raises(gk.UsageError, match="no column 'words'"):
        gk.mine_templates(world, known=first.drop(columns="words"))


def test_digests_tell_nothing_and_know_the_frame_again(world):
    plain_ids, plain = gk.mine_templates(world, key=KEY)
    ids, templates = gk.mine_templates(world, digest=True, key=KEY)
    assert ids.equals(plain_ids)
    assert templates["frame"].str.fullmatch("[0-9a-f]{32}").all()
    assert templates["example"].isna().all()
    assert "critic" not in templates.to_json()
    again, known = gk.mine_templates(world, known=templates, digest=True, key=KEY)
    assert again.equals(ids)
    assert known["frame"].tolist() == templates["frame"].tolist()
    assert plain["template_id"].tolist() == templates["template_id"].tolist()


def test_public_templates_are_named(world, tmp_path):
    path = tmp_path / "public.csv"
    rows = [
        ("Drama kit", CRITIC.replace("{}", "{{play}}")),
        ("Other", "Act as a stern critic of the theater."),
        ("", "x"),
    ]
    pd.DataFrame(rows, columns=["name", "text"]).to_csv(path, index=False)
    for public in (path, str(path), pa.table(pd.read_csv(path))):
        _, templates = gk.mine_templates(world, public=public)
        named = templates.set_index("frame")["known_as"]
        assert named[CRITIC.replace("{}", "⟨…⟩")] == "Drama kit"
        assert pd.isna(named[TABLE.replace("{}", "⟨…⟩")])


@pytest.mark.parametrize(
    ("text", "said"),
    [("title,text\na,b\n", "no column 'name'; there are: title, text"), ("", r"public\.csv: cannot be read as CSV")],
)
def test_a_public_list_that_cannot_be_read_says_why(world, tmp_path, text, said):
    path = tmp_path / "public.csv"
    path.write_text(text)
    with pytest.raises(gk.InputError, match=said):
        gk.mine_templates(world, public=path)
    with pytest.raises(gk.InputError, match="neither a file nor a frame"):
        gk.mine_templates(world, public=["LangChain default"])


def test_frames_of_every_library(world):
    pl = pytest.importorskip("polars")
    ids, templates = gk.mine_templates(world)
    for frame in (pl.from_pandas(world), pa.table(world)):
        again, same = gk.mine_templates(frame)
        assert again.tolist() == ids.tolist()
        pd.testing.assert_frame_equal(same, templates)
    with pytest.raises(gk.InputError, match="no column 'prompt'; there are: text"):
        gk.mine_templates(pa.table({"text": ["a"]}))
    with pytest.raises(gk.UsageError, match="2 accounts for 1 prompts"):
        gk.mine_templates(["a"], ["x", "y"])


def test_hostile_texts_stay_on_one_line():
    prompts = [
        f"{text} stays what it is\x1b[2J\0\r\nwhoever reads it: {filling(n)}" for text in HOSTILE for n in range(8)
    ]
    ids, templates = gk.mine_templates(prompts)
    assert ids.notna().all()
    assert all(frame.isprintable() for frame in [*templates["frame"], *templates["example"]])


@pytest.mark.parametrize(
    "prompts",
    [
        [],
        [None, "", " ", "\u200b", float("nan")],
        [b"\xff\xfe\x00", "half \ud800", 7, None],
        ["word " * 5_000] * 20,
        ["x" * 3_000_000] * 3,
        ["\ufdfa" * 50_000] * 2,
        [np.random.default_rng(0).bytes(10_000_000)],
        [" ".join(f"w{n}x{k}" for k in range(1_200_000)) for n in range(2)],
        [" ".join(np.random.default_rng(n).choice(["a", "b", "c", "d", "e"], 300)) for n in range(400)],
        [filling(n, 300) for n in range(400)],
    ],
    ids=["none", "blank", "odd", "one word", "long word", "ligatures", "bytes", "10 MB", "five words", "all distinct"],
)
def test_prompts_made_to_exhaust_are_read_and_nothing_is_lost(prompts):
    ids, templates = gk.mine_templates(prompts)
    assert len(ids) == len(prompts)
    assert ids.isna().all()
    assert not len(templates)


def test_a_million_copies_are_one_template():
    prompt = "Please write a short poem about the sea and the wind for my grandmother"
    ids, templates = gk.mine_templates(pa.array([prompt]).take(pa.array(np.zeros(1_000_000, np.int8))))
    assert templates[["frame", "n_prompts"]].values.tolist() == [[prompt, 1_000_000]]
    assert ids.notna().all()


def test_prompts_of_five_words_and_of_fifty_thousand():
    short = [f"Conjugate one irregular Latin verb: {filling(n, 1)}" for n in range(30)]
    long = [
        f"Below stands a complete novel in ten parts. {filling(n, 50_000)} Name its three worst chapters."
        for n in range(8)
    ]
    ids, templates = gk.mine_templates([*short, *long, *(filling(n, 7) for n in range(300, 500))])
    assert ids.iloc[:30].nunique() == ids.iloc[30:38].nunique() == 1
    assert ids.iloc[:38].notna().all()
    assert "Below stands a complete novel in ten parts. ⟨…⟩ Name its three worst chapters." in set(templates["frame"])


def test_sketches_of_parts_make_that_of_the_whole(world):
    texts = read_prompts(world["prompt"]).combine_chunks()
    with ThreadPoolExecutor(2) as pool:
        options = {"key": KEY, "pool": pool}
        whole = add_batches(empty_sketch(), [(texts, None)], **options)
        twice = add_batches(
            add_batches(empty_sketch(), [(texts[:70], None)], **options), [(texts[70:], None)], **options
        )
        parts = add_batches(
            empty_sketch(), [(texts[first : first + 35], None) for first in range(0, 140, 35)], **options
        )
    found = [[each.template_id for each in find_templates(sketch, key=KEY)] for sketch in (whole, twice, parts)]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 2


def test_one_thread_and_two_make_the_same(world):
    texts = read_prompts(world["prompt"]).combine_chunks()
    made = []
    for n_threads in (1, 2):
        with ThreadPoolExecutor(n_threads) as pool:
            batches = ((texts[first : first + 20], None) for first in range(0, 140, 20))
            made.append(add_batches(empty_sketch(), batches, key=KEY, pool=pool))
    one, two = made
    assert one.texts.equals(two.texts)
    assert (one.counts.shingles.tolist(), one.counts.uses.tolist()) == (
        two.counts.shingles.tolist(),
        two.counts.uses.tolist(),
    )
    frames = [[(each.template_id, each.frame) for each in find_templates(sketch, key=KEY)] for sketch in made]
    assert frames[0] == frames[1]
    assert len(frames[0]) == 2


@pytest.mark.parametrize("jitter", JITTERS)
def test_templates_are_found_again_through_noise(jitter):
    numbers = np.where(np.arange(3_000) % 2 == 0, np.arange(3_000) % 30 // 2, -1)
    prompts = write_prompts(numbers.tolist(), seed=5, jitters={"none": 2.0, jitter: 1.0})
    ids, _ = gk.mine_templates(prompts)
    truth = pd.Series(numbers)
    best = [ids[truth == number].value_counts(normalize=True).iloc[0] for number in range(15)]
    assert np.mean(best) > 0.87
    assert len({ids[truth == number].mode()[0] for number in range(15)}) >= 14
    assert None in make_frame(0, seed=5)
