import json
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from graphkit.errors import UsageError
from graphkit.show.prompt_template import MOST_ROWS, plot_template
from graphkit.show.template_use import MOST_COLUMNS, NO_CLUSTER
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.snapshot import build_snapshot
from graphkit.tables import TABLES
from tests.show_world import HOSTILE, make_snapshot, raw_identifiers

START = datetime(2026, 5, 1, tzinfo=UTC)
ID = "t-1"


def make(uses, *, frame="Act as a ⟨…⟩ Be brief.", known_as=None, n_accounts=None, clusters=None, mask=False):
    """A snapshot in which accounts use one template; ``uses`` holds account, first day and last day of each."""
    given = make_snapshot((3,), kinds={"ip": {}, "prompt_template": {"mask": mask}}, hostile=False)
    links = pd.DataFrame(uses, columns=["account_id", "first", "last"])
    for name in ("first", "last"):
        links[f"{name}_seen"] = START + pd.to_timedelta(links[name], unit="D") + timedelta(hours=5)
    links = links.assign(kind="prompt_template", entity=ID, n_events=2)
    owner = clusters or {account: "C000" for account, *_ in uses}
    member = given.accounts.iloc[0].to_dict()
    members = pd.DataFrame([{**member, "account_id": name, "cluster_id": cluster} for name, cluster in owner.items()])
    template = {"template_id": ID, "frame": frame, "n_prompts": 9, "n_accounts": n_accounts or len(uses)}
    templates = [{**template, "known_as": known_as}] if frame else []
    tables = {name: given.table(name) for name in given.content["tables"]}
    tables["links"] = _to_arrow("links", links)
    tables["accounts"] = _to_arrow("accounts", members)
    tables["templates"] = pa.Table.from_pylist(templates, TABLES["templates"].schema())
    return build_snapshot(tables, as_of=date(2026, 5, 15), content=given.content, run=given.manifest["run"])


def _to_arrow(name, frame):
    schema = TABLES[name].schema()
    return (
        pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False) if len(frame) else schema.empty_table()
    )


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def test_accounts_count_from_first_use_to_last_by_cluster():
    uses = [("a", 0, 2), ("b", 1, 1), ("c", 2, 4), ("d", 4, 4)]
    figure = plot_template(make(uses, clusters={"a": "C1", "b": "C1", "c": "C2"}), ID)
    bars, rows = figure.data
    assert [list(row) for row in rows.z] == [[1, 2, 1, 0, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 1]]
    assert list(bars.customdata) == [1, 2, 2, 1, 2]
    assert [name.split(":")[0] for name in figure.layout.yaxis.ticktext] == ["C1", "C2", NO_CLUSTER]
    assert "8 prompts of 4 linked accounts · UTC, 2026-05-01 to 2026-05-05" in subtitle(figure)
    assert "not drawn" not in subtitle(figure)


@pytest.mark.parametrize("n", [1, 2, 100, 25_000])
def test_every_number_of_uses_fits(n):
    figure = plot_template(make([(f"account-{i:05d}", i % 400, i % 400 + 30) for i in range(n)], n_accounts=n + 7), ID)
    bars, rows = figure.data
    assert max(max(row) for row in rows.z) == max(bars.customdata)
    assert sum(bars.customdata) >= n
    assert len(bars.x) <= MOST_COLUMNS
    assert all(abs(x) <= BOX_WIDTH / 2 for x in (*bars.x, *rows.x))
    assert min(rows.y) >= -BOX_HEIGHT / 2
    assert "not drawn: 7 accounts linked to no other" in subtitle(figure)
    assert len(figure.to_json()) < 40_000


def test_of_many_clusters_the_smaller_ones_are_left_out_and_it_is_said():
    uses = [(f"account-{i}", 0, 3) for i in range(60)]
    figure = plot_template(make(uses, clusters={f"account-{i}": f"C{min(i, 30):03d}" for i in range(60)}), ID)
    assert len(figure.data[1].z) == MOST_ROWS
    assert figure.layout.yaxis.ticktext[0] == "C030: 30 accounts, 60 prompts"
    assert "rows of 19 smaller groups, 19 accounts" in subtitle(figure)


def test_words_are_shown_with_slots_and_public_name():
    words = plot_template(make([("a", 0, 0)], known_as="Drama kit"), ID).layout.annotations[0].text
    assert words.startswith("Drama kit: Act as a <span")
    assert "⟨…⟩</b></span> Be brief." in words


@pytest.mark.parametrize("frame", ["word " * 2_000, "字" * 3_000, "x" * 5_000], ids=["words", "no spaces", "one word"])
def test_long_words_are_cut_and_it_is_said(frame):
    figure = plot_template(make([("a", 0, 3)], frame=frame), ID)
    lines = figure.layout.annotations[0].text.split("<br>")
    assert len(lines) == 8
    n_shown = len("".join(lines).replace(" ", "")) - 1
    assert f"the last {len(frame.replace(' ', '')) - n_shown:,} letters of the words" in subtitle(figure)
    assert min(figure.data[1].y) >= -BOX_HEIGHT / 2


def test_templates_without_words_are_shown_by_their_ids():
    for frame in (None, "0123456789abcdef" * 2):
        assert plot_template(make([("a", 0, 3)], frame=frame), ID).layout.annotations[0].text == ID


def test_no_use_and_no_template_are_said():
    figure = plot_template(make([], n_accounts=2), ID)
    assert not figure.data
    assert "No account that is linked" in figure.layout.annotations[0].text
    assert "Be brief." in figure.layout.annotations[1].text
    with pytest.raises(UsageError, match="no template 'nothing'"):
        plot_template(make([("a", 0, 0)]), "nothing")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_inert(text):
    figure = plot_template(make([("a", 0, 3)], frame=text, known_as=text), ID)
    shown = figure.layout.annotations[0].text.replace("<br>", "")
    assert not set("<$\u202e") & set(shown)
    hostile = make_snapshot((40,))
    names = hostile.links.loc[hostile.links["kind"] == "prompt_template", "entity"].unique()
    for name in names:
        assert "<" not in plot_template(hostile, name).layout.title.text.removeprefix("<b>").removesuffix("</b>")


def test_masked_templates_tell_neither_words_nor_id():
    snapshot = make([("a", 0, 3)], mask=True)
    masked = plot_template(snapshot, ID, reveal=False).to_json()
    assert "stern" not in masked
    assert "Be brief" not in masked
    assert ID not in json.loads(masked)["layout"]["title"]["text"]
    assert "Be brief" in plot_template(make([("a", 0, 3)]), ID, reveal=False).to_json()
    plain = make_snapshot((40,), hostile=False)
    drawn = plot_template(plain, "prompt_template-000-0000", reveal=False).to_json()
    assert not [name for name in raw_identifiers(plain) if name in drawn]


def test_modes_share_positions_and_bytes_are_the_same():
    light, dark = (plot_template(make([("a", 0, 3)]), ID, mode=mode) for mode in ("light", "dark"))
    assert [trace.x for trace in light.data] == [trace.x for trace in dark.data]
    assert light.to_json() == plot_template(make([("a", 0, 3)]), ID).to_json()
    with pytest.raises(UsageError, match="no mode"):
        plot_template(make([("a", 0, 3)]), ID, mode="blue")
