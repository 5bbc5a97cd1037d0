"""From raw prompts to findings: farms that share templates alone, the store that knows them, pages that show them."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

import graphkit as gk
from graphkit.ingest.prompt_spool import PromptSpool
from graphkit.lab.measures import judge_farms
from graphkit.show.labels import make_namer
from tests.commands import refresh, run
from tests.prompt_world import CANARY, FRAMES, by_day, prompted
from tests.taken import KEY, write

QUICK = gk.Config(stability=False, chance_runs=0)
FARMS = {"north": ["critic", "ledger", "proof"], "south": ["garden", "letter", "recipe"]}


@pytest.fixture(scope="module")
def events():
    return prompted(FARMS, others=1_500)


@pytest.fixture(scope="module")
def found(events):
    return gk.analyze(events, config=QUICK, key=KEY)


def members(snapshot):
    return sorted(sorted(group) for _, group in snapshot.accounts.groupby("cluster_id")["account_id"])


def test_farms_bound_by_templates_alone_are_found(found, events):
    """No address, card or agent is shared; every prompt is another one."""
    assert events["prompt"].is_unique
    assert members(found) == [sorted(f"{farm}-{n}" for n in range(12)) for farm in ("north", "south")]
    assert set(found.evidence["kind"]) == {"prompt_template"}
    assert found.clusters["binding"].str.contains("All share 3 prompt templates that no one else uses").all()


def test_the_table_tells_of_each_template(found, events):
    templates = found.templates.set_index("frame")
    assert len(templates) == 6
    for name, text in FRAMES.items():
        row = templates.loc[text.replace("{}", "⟨…⟩")]
        made = events[events["prompt"].str.startswith(text.split("{}", maxsplit=1)[0])]
        assert (row["n_prompts"], row["n_accounts"]) == (len(made), made["account_id"].nunique()), name
        assert row["first_seen"] == made["timestamp"].min().floor("s")
        assert row["last_seen"] == made["timestamp"].max().floor("s")
    assert found.templates["known_as"].isna().all()
    assert set(found.templates["template_id"]) == set(found.evidence["entity"])


def test_a_snapshots_templates_are_known_when_prompts_are_mined(found):
    later = prompted({"east": ["critic"]}, others=40, seed=9)
    ids, _ = gk.mine_templates(later, known=found.templates, key=KEY)
    critic = found.templates.set_index("frame")["template_id"][FRAMES["critic"].replace("{}", "⟨…⟩")]
    assert set(ids.dropna()) == {critic}
    assert ids.notna().sum() == 12 * 6


def test_a_world_of_prompts_gives_the_farms_of_the_world_of_ids():
    size = {"n_accounts": 1_200, "n_events": 20_000, "seed": 1, "days": 7}
    ids, prompts = gk.synthesize(**size), gk.synthesize(**size, raw_prompts=True)
    pd.testing.assert_frame_equal(
        ids.events.drop(columns="prompt_template"), prompts.events.drop(columns="prompt"), check_like=True
    )
    snapshots = [gk.analyze(world.events, world.accounts, QUICK) for world in (ids, prompts)]
    judged = [judge_farms(snapshot.accounts, ids.truth).set_index("farm") for snapshot in snapshots]
    told = ["n_accounts", "clustered", "best_share", "found", "whole"]
    pd.testing.assert_frame_equal(*(farms[told] for farms in judged))
    whole = judged[0].index[judged[0]["whole"]]
    assert len(whole) >= 7
    for farm in whole:  # who else is in the cluster is the same too
        groups = [
            set(one.accounts.loc[one.accounts["cluster_id"] == farms.loc[farm, "best_cluster"], "account_id"])
            for one, farms in zip(snapshots, judged, strict=True)
        ]
        assert groups[0] == groups[1], farm


def test_the_store_knows_templates_the_next_day_without_its_partials(tmp_path):
    """A farm changes its wording a little: with yesterday's snapshot alone, it is still the same template."""
    first = prompted(FARMS, others=400, days=1)
    second = prompted(FARMS, others=400, days=1, seed=4).assign(
        timestamp=lambda frame: frame["timestamp"] + pd.Timedelta(days=1),
        prompt=lambda frame: frame["prompt"].str.replace(" Name its three weakest scenes.", "", regex=False),
    )
    store = tmp_path / "store"
    for day, frame in (("a", first), ("b", second)):
        frame.to_parquet(tmp_path / f"{day}.parquet", index=False)
        refresh(tmp_path / f"{day}.parquet", store, "--no-stability")
        for segment in (store / "partials").iterdir():
            for path in segment.iterdir():
                path.unlink()
            segment.rmdir()
    old, new = (gk.open_store(store).load(name) for name in gk.open_store(store).list()["snapshot_id"])
    assert new.content["parent"] == old.id
    assert set(new.templates["template_id"]) == set(old.templates["template_id"])
    assert set(new.accounts["cluster_id"]) == set(old.accounts["cluster_id"])
    anew = gk.analyze(second, config=QUICK, key=gk.open_store(store).key())
    assert set(anew.templates["template_id"]) != set(old.templates["template_id"]), "else this shows nothing"


def test_days_that_are_added_give_one_snapshot_however_often(tmp_path):
    days = by_day(prompted(FARMS, others=400))
    stores = []
    for name in ("one", "two"):
        store = tmp_path / name
        for n in range(1, 4):
            (tmp_path / f"{name}-events").mkdir(exist_ok=True)
            days[n - 1].to_parquet(tmp_path / f"{name}-events" / f"{n}.parquet", index=False)
            files = sorted((tmp_path / f"{name}-events").iterdir())
            key = tmp_path / "key"
            key.write_text("k" * 40)
            refresh(files[:: 1 if name == "one" else -1], store, "--no-stability", "--key-file", key)
        assert (
            refresh(files, store, "--no-stability", "--key-file", key)["snapshot"]
            == gk.open_store(store).list()["snapshot_id"].iloc[-1]
        )
        stores.append(list(gk.open_store(store).list()["snapshot_id"]))
    assert len(stores[0]) == 3
    assert stores[0] == stores[1]


def test_nothing_of_a_slot_is_in_a_store(events, tmp_path):
    """Nor in what a refresh prints, nor in its report."""
    events.to_csv(tmp_path / "events.csv", index=False)
    assert (tmp_path / "events.csv").read_text().count(CANARY) > 3_000
    store, page = tmp_path / "store", tmp_path / "report.html"
    public = write(tmp_path, "public.csv", f"name,text\nstage kit,{FRAMES['critic']}\n")
    given = (tmp_path / "events.csv", "--store", store, "--public-templates", public)
    ended = run("refresh", *given, "--no-stability")
    assert ended.code == 0, ended.err
    assert "1 source read anew, 6 prompt templates" in " ".join(ended.err.split())
    assert set(gk.open_store(store).latest().templates["known_as"].dropna()) == {"stage kit"}
    assert run("report", store, "--reveal", "-o", page).code == 0
    assert CANARY not in ended.out + ended.err
    assert not list(store.glob("scratch/*"))
    files = [path for path in [*store.rglob("*"), page] if path.is_file()]
    assert len(files) > 20
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
        if path.suffix == ".parquet":
            assert CANARY not in str(pq.read_table(path).to_pylist()), path


def test_with_digests_a_store_has_no_word_of_a_frame(events):
    config = gk.Config(stability=False, chance_runs=0, kinds={"ip": {}, "prompt_template": {"digest": True}})
    snapshot = gk.analyze(events, config=config, key=KEY)
    assert snapshot.templates["frame"].str.fullmatch("[0-9a-f]{32}").all()
    assert len(snapshot.templates) == 6
    assert members(snapshot) == [sorted(f"{farm}-{n}" for n in range(12)) for farm in ("north", "south")]
    data = b"".join(str(snapshot.table(name).to_pylist()).encode() for name in snapshot.content["tables"])
    assert b"critic" not in data


def test_frames_go_and_come_with_the_setting(events, found):
    """What is known from a snapshot with frames is digested; of one with digests, frames are found anew."""
    config = gk.Config(stability=False, chance_runs=0, kinds={"ip": {}, "prompt_template": {"digest": True}})
    hidden = gk.analyze(events, config=config, key=KEY, parent_of=lambda _: found)
    assert hidden.templates["frame"].str.fullmatch("[0-9a-f]{32}").all()
    shown = gk.analyze(events, config=QUICK, key=KEY, parent_of=lambda _: hidden)
    for name in ("template_id", "frame", "n_prompts", "n_accounts"):
        assert shown.templates[name].tolist() == found.templates[name].tolist()
    assert hidden.templates["template_id"].tolist() == found.templates["template_id"].tolist()


def test_public_templates_are_named_where_they_bind(events, tmp_path):
    public = pd.DataFrame({"name": ["Stage <b>kit</b>"], "text": [FRAMES["critic"].format("{play}")]})
    public.to_csv(tmp_path / "public.csv", index=False)
    snapshot = gk.analyze(events, config=QUICK, key=KEY, public_templates=tmp_path / "public.csv")
    assert set(snapshot.templates["known_as"].dropna()) == {"Stage <b>kit</b>"}
    north = next(
        name for name, group in snapshot.accounts.groupby("cluster_id") if "north-0" in set(group["account_id"])
    )
    told = gk.explain_cluster(snapshot, north)
    named = (
        "Stage <b>kit</b>: Act as a stern critic of the theater. Review this play: ⟨…⟩ Name its three weakest scenes."
    )
    assert named in set(told.evidence["template"])
    assert "Public prompt templates, of your list, among what links it: Stage <b>kit</b>." in told.why
    assert set(told.evidence["template"]) - {named} == {
        FRAMES[name].replace("{}", "⟨…⟩") for name in ("ledger", "proof")
    }
    assert named in set(gk.explain_pair(snapshot, "north-0", "north-1")["template"])
    assert named in set(gk.explain_account(snapshot, "north-0").shared["template"])
    for page in (told._repr_html_(), gk.write_report(snapshot, tmp_path / "r.html", cluster_id=north).read_text()):
        assert "Stage <b>kit" not in page
        assert "Review this play" in page
    packet = gk.write_packet(snapshot, north, tmp_path / "p.html").read_text()
    assert "Stage &lt;b&gt;kit&lt;/b&gt;: Act as a stern critic" in packet
    with pytest.raises(gk.InputError, match="public templates: no column 'name'"):
        gk.analyze(events, config=QUICK, public_templates=pd.DataFrame({"text": ["a"]}))


def test_names_of_frames_are_fit_to_be_shown(events):
    hostile = events.assign(prompt=events["prompt"].str.replace("ledger", "\u202e<img src=x onerror=alert(1)> $x$"))
    snapshot = gk.analyze(hostile, config=QUICK, key=KEY)
    name_of = make_namer(snapshot, reveal=False)
    names = [name_of("prompt_template", name) for name in snapshot.templates["template_id"]]
    assert any("<img src=x" in name for name in names)
    assert not any("\u202e" in name or "\n" in name for name in names)
    figure = gk.plot_cluster(snapshot, snapshot.clusters["cluster_id"].iloc[0]).to_json()
    both = figure + gk.plot_cluster(snapshot, snapshot.clusters["cluster_id"].iloc[1]).to_json()
    assert "<img" not in both
    assert "&lt;img src=x" in both
    assert name_of("prompt_template", "not mined") == "not mined"


def test_prompts_are_held_in_files_without_names(tmp_path, events):
    """They are gone when their process is, however it ends."""
    import pyarrow as pa

    table = pa.table({"code": range(len(events)), "account": events["account_id"], "prompt": events["prompt"]})
    types = pa.schema([("code", pa.uint64()), ("account", pa.large_string()), ("prompt", pa.large_string())])
    with PromptSpool(tmp_path, key=KEY) as spool:
        spool.add(table.cast(types).to_batches(max_chunksize=100))
        spool.add(table.cast(types).to_batches())
        assert list(tmp_path.iterdir()) == []
        texts = [text for prompts in spool for text in prompts.text.to_pylist()]
    assert sorted(texts) == sorted(events["prompt"])
