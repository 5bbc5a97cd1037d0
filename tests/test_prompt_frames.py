"""Which frames are templates of their own: not another one's sections in another order, nor its typos."""

import numpy as np
import pandas as pd

import graphkit as gk
from tests.test_prompt_templates import CRITIC, TABLE, filling

ROUTE = ("Plan a walking route through the harbor quarter.", "Here it is:", "Skip every museum that charges entry.")


def others(n):
    return [f"what is {filling(50_000 + number, 6)} and why" for number in range(n)]


def test_sections_in_another_order_are_no_other_template():
    task, label, rule = ROUTE
    orders = [f"{task} {label} {{}} {rule}"] * 80 + [f"{label} {task} {{}} {rule}"] * 20
    orders += [f"{rule} {label} {task} {{}}"] * 20
    prompts = [text.format(filling(n)) for n, text in enumerate(orders)]
    ids, templates = gk.mine_templates([*prompts, *others(400)])
    assert templates["frame"].tolist() == [f"{task} {label} ⟨…⟩ {rule}"]
    assert ids.iloc[:120].notna().all()
    assert ids.iloc[120:].isna().all()


def test_a_typo_that_several_made_is_no_other_template():
    typo = CRITIC.replace("theater", "theatre").replace("grade", "gradde")
    prompts = [CRITIC.format(filling(n)) for n in range(200)] + [typo.format(filling(n)) for n in range(200, 212)]
    ids, templates = gk.mine_templates([*prompts, *others(400)])
    assert templates["frame"].tolist() == [CRITIC.replace("{}", "⟨…⟩")]
    assert ids.iloc[:212].notna().all()


def test_a_wording_of_many_is_a_template_and_so_are_words_of_its_own():
    often = CRITIC.replace("theater", "opera")
    longer = CRITIC.replace("theater", "opera house in the old town by the river")
    prompts = [CRITIC.format(filling(n)) for n in range(200)] + [often.format(filling(n)) for n in range(200, 230)]
    prompts += [longer.format(filling(n)) for n in range(230, 245)]
    ids, templates = gk.mine_templates([*prompts, *others(400)])
    assert set(templates["frame"]) == {text.replace("{}", "⟨…⟩") for text in (CRITIC, often, longer)}
    assert [ids.iloc[part].nunique() for part in (slice(200), slice(200, 230), slice(230, 245))] == [1, 1, 1]


def test_three_accounts_share_a_template_among_many_prompts_of_few_accounts():
    """How often a run of words must recur grows with the accounts, not with what they send."""
    numbers = np.random.default_rng(0).integers(0, 1_000, (25_000, 4))
    asked = [f"what is {a} to {b} or {c} and {d}" for a, b, c, d in numbers]
    made = [TABLE.format(filling(n)) for n in range(9)]
    accounts = [*(f"a{n % 150}" for n in range(len(asked))), *(f"farm-{n % 3}" for n in range(9))]
    ids, templates = gk.mine_templates(pd.DataFrame({"prompt": [*asked, *made], "account_id": accounts}))
    assert templates.set_index("frame").loc[TABLE.replace("{}", "⟨…⟩"), "n_accounts"] == 3
    assert len(set(ids.iloc[-9:].tolist())) == 1
    assert ids.iloc[-9:].notna().all()


def test_an_address_or_path_alone_is_no_template():
    critics = [CRITIC.format(filling(900 + n)) for n in range(20)]
    links = [
        f"{filling(n, 5)} https://forge.example.org/kite/robot-arm/issues/{n} {filling(n + 500, 5)}" for n in range(40)
    ]
    paths = [f"{filling(n, 5)} /usr/share/robot_arm/profiles-v2/{n} {filling(n + 500, 5)}" for n in range(40, 80)]
    ids, templates = gk.mine_templates([*critics, *links, *paths])
    assert templates["frame"].tolist() == [CRITIC.replace("{}", "⟨…⟩")]
    assert ids.iloc[20:].isna().all()


def test_keys_of_json_and_scripts_without_spaces_are_words_apart():
    compact = '{{"task":"translate","tone":"formal","audience":"lawyers","glossary":"none","text":"{}"}}'
    chinese = "請把下面的文字翻譯成英文,不要加任何解釋:{}"
    made = [text.format(filling(number * 100 + n)) for number, text in enumerate((compact, chinese)) for n in range(20)]
    ids, _ = gk.mine_templates([*made, *others(100)])
    assert ids.iloc[:20].nunique() == ids.iloc[20:40].nunique() == 1
    assert ids.iloc[:40].notna().all()
