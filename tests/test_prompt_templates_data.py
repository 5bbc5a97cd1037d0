"""Templates mined from real prompts by others, and from prompts made up here, beside what is true."""

import runpy

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.lab.prompts import write_prompts


@pytest.fixture(scope="module")
def prompts(shared_data):
    return pd.read_parquet(shared_data / "prompts" / "prompts.parquet")


@pytest.fixture(scope="module")
def score(shared_data):
    return runpy.run_path(str(shared_data / "prompts" / "score_prompts.py"))["score"]


def grade(score, prompts, **options):
    ids, templates = gk.mine_templates(prompts["prompt"], **options)
    return score(prompts, ids.astype(object).where(ids.notna(), None)), templates


def test_templates_of_real_prompts_are_recovered(prompts, score):
    reached, templates = grade(score, prompts)
    assert reached["bestF1"] >= 0.96
    assert reached["recovered"] >= 0.94
    assert reached["jit_recall"] >= 0.98
    assert reached["organic_fp"] <= 0.01
    assert 55 <= reached["n_big"] <= 65
    texts = set(templates["frame"])
    assert "Given the request ⟨…⟩ would a search system need clarification to answer it?" in texts
    assert "Generate a story from key plot points: ⟨…⟩" in texts


def test_a_half_with_other_templates_does_as_well(prompts, score):
    number = prompts["template_id"].str[1:].replace("", "-1").astype(int)
    for part in (0, 1):
        reached, _ = grade(score, prompts[(number < 0) | (number % 2 == part)].reset_index(drop=True))
        assert reached["bestF1"] >= 0.92
        assert reached["recovered"] >= 0.85
        assert reached["organic_fp"] <= 0.01


def test_a_frame_has_one_id_in_two_files(prompts, score):
    one, other = prompts.iloc[::2].reset_index(drop=True), prompts.iloc[1::2].reset_index(drop=True)
    _, first = grade(score, one)
    _, second = grade(score, other)
    large = [set(templates.loc[templates["n_prompts"] >= 30, "template_id"]) for templates in (first, second)]
    assert len(large[0] & large[1]) >= 0.95 * len(large[0] | large[1])
    reached, third = grade(score, other, known=first)
    assert reached["bestF1"] >= 0.94
    assert set(first["template_id"]) <= set(third["template_id"])


def test_public_templates_of_the_list_are_named(prompts, shared_data):
    listed = pd.read_csv(shared_data / "prompts" / "templates.csv")
    public = listed.rename(columns={"src": "name", "template": "text"})[["name", "text"]]
    ids, templates = gk.mine_templates(prompts["prompt"], public=public)
    named = templates.set_index("template_id")["known_as"]
    by_template = pd.DataFrame({"src": prompts["template_src"], "known_as": ids.astype(object).map(named)})
    made = by_template[(by_template["src"] != "") & by_template["known_as"].notna()]
    assert len(made) > 0.9 * (by_template["src"] != "").sum()
    assert (made["src"] == made["known_as"]).mean() > 0.9


@pytest.mark.parametrize("seed", [1, 2])
def test_templates_made_up_here_are_recovered(seed):
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 31) ** 0.8
    truth = np.where(random.random(8_000) < 0.5, random.choice(30, 8_000, p=weights / weights.sum()), -1)
    ids, _ = gk.mine_templates(write_prompts(truth.tolist(), seed=seed))
    table = pd.crosstab(pd.Series(truth), ids.astype(object).fillna("none"))
    sizes, groups = table.sum(axis=1), table.sum(axis=0)
    f1 = (
        (2 * table).div(sizes, axis=0).div(1 + table.mul(0).add(groups, axis=1).div(sizes, axis=0)).drop(columns="none")
    )
    assert f1.drop(index=-1).max(axis=1).mean() > 0.9
