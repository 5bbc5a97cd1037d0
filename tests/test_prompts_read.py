"""Raw prompts are mined when events are read: what becomes of them does not hang on how they came."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.ingest import reading
from graphkit.ingest.codes import make_secret
from graphkit.ingest.sources import find_files
from graphkit.ingest.tasks import TOLD, Task, read_files
from tests.prompt_world import CANARY, FRAMES, START, by_day, fill, prompted
from tests.taken import DAY_US, KEY, NOW, decode, take, taking, write

FARMS = {"north": ["critic", "ledger"], "south": ["proof", "garden"]}


@pytest.fixture(scope="module")
def events():
    return prompted(FARMS)


def told(intake, rows):
    """What came of the prompts: templates, and which account used which."""
    used = {(row["account_id"], row["t"], row["kind_prompt_template"]) for row in rows}
    return [(each.template_id, each.frame, each.words.tolist(), each.least_bits) for each in intake.templates], used


def read(given, **how):
    return told(*take(given, **how))


def put(folder, parts, names):
    folder.mkdir()
    for part, name in zip(parts, names, strict=True):
        part.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def test_templates_are_those_that_mining_the_prompts_gives(events):
    ids, mined = gk.mine_templates(events, key=KEY)
    templates, used = read(events)
    assert len(templates) == 4
    assert [each[0] for each in templates] == sorted(mined["template_id"])
    assert {frame for _, frame, *_ in templates} == set(mined["frame"])
    starts = [FRAMES[name].split("{}")[0].strip() for names in FARMS.values() for name in names]
    assert {frame.split(" ⟨…⟩")[0] for _, frame, *_ in templates} == set(starts)
    assert sorted(one for *_, one in used if one) == sorted(ids.dropna())


def test_files_and_rows_in_any_order_and_split_give_the_same(events, tmp_path):
    whole = read(events)
    mixed = events.sample(frac=1, random_state=2)
    days = by_day(events)
    places = [
        put(tmp_path / "whole", [events], "a"),
        put(tmp_path / "days", days, "abc"),
        put(tmp_path / "backward", days[::-1], "abc"),
        put(tmp_path / "mixed", [mixed.iloc[part::5] for part in range(5)], "abcde"),
    ]
    assert [read(place) == whole for place in places] == [True] * 4
    assert read(mixed) == whole


@pytest.mark.parametrize("how", ["csv", "jsonl", "csv.gz", "stream", "binary", "arrow"])
def test_every_format_gives_the_same(events, tmp_path, how):
    table = pa.table(events)
    if how == "stream":
        given = table.to_reader(max_chunksize=100)
    elif how == "arrow":
        given = table
    elif how == "binary":
        column = pa.array([text.encode() for text in events["prompt"]], pa.binary())
        given = table.set_column(table.schema.get_field_index("prompt"), "prompt", column)
    else:
        given = tmp_path / f"events.{how}"
        if how == "jsonl":
            events.assign(timestamp=events["timestamp"].astype(str)).to_json(given, orient="records", lines=True)
        else:
            events.to_csv(given, index=False)
    assert read(given) == read(events)


def test_many_batches_give_what_one_gives(events, tmp_path, monkeypatch):
    files = put(tmp_path / "days", by_day(events), "abc")
    whole = read(files)
    monkeypatch.setattr(reading, "_BATCH_FILES", 1)
    intake, rows = take(files)
    assert len(intake.segments) == 3
    assert told(intake, rows) == whole


def test_a_known_file_is_not_mined_anew(tmp_path):
    """On the first day a template has two users, too few; on the second it has ten more."""
    first, second = by_day(prompted({"north": ["critic"]}, days=2))
    late = prompted({"west": ["recipe"]}, others=0, days=1)
    accounts = late["account_id"].unique()
    early = late[late["account_id"].isin(accounts[:2])]
    later = late[~late["account_id"].isin(accounts[:2])].assign(timestamp=START + pd.Timedelta(days=1))
    folder, kept = tmp_path / "events", tmp_path / "kept"
    put(folder, [pd.concat([first, early])], "a")
    assert len(take(folder, partials=kept)[0].templates) == 1
    (segment,) = kept.iterdir()
    before = {path.name: path.read_bytes() for path in segment.iterdir()}
    pd.concat([second, later]).to_parquet(folder / "b.parquet", index=False)
    intake, rows = take(folder, partials=kept)
    assert intake.n_read == 1
    assert {path.name: path.read_bytes() for path in segment.iterdir()} == before
    recipe = next(each.template_id for each in intake.templates if "leftovers" in each.frame)
    users = {row["account_id"] for row in rows if row["kind_prompt_template"] == recipe}
    assert users == set(accounts[2:]), "prompts that were read before keep what they were given"
    assert len(read(folder)[0]) == 2
    assert {row[0] for row in read(folder)[1] if row[2] == recipe} == set(accounts), "read together, all are found"


def test_a_template_keeps_its_id_in_another_file_with_other_words_in_its_slots(tmp_path):
    kept = tmp_path / "kept"
    folder = put(tmp_path / "events", [prompted(FARMS, days=1)], "a")
    first = take(folder, partials=kept)[0].templates
    extra = prompted({"east": ["critic"]}, others=50, days=1, seed=5).assign(
        prompt=lambda frame: frame["prompt"].str.replace("Name its three weakest scenes.", "", regex=False),
        timestamp=START + pd.Timedelta(days=1),
    )
    extra.to_parquet(folder / "b.parquet", index=False)
    intake, rows = take(folder, partials=kept)
    assert [each.template_id for each in intake.templates] == [each.template_id for each in first]
    critic = next(each.template_id for each in first if "critic" in each.frame)
    assert {row["account_id"].split("-")[0] for row in rows if row["kind_prompt_template"] == critic} == {
        "north",
        "east",
    }


def test_what_is_gone_or_changed_counts_no_more(tmp_path):
    kept = tmp_path / "kept"
    days = by_day(prompted(FARMS))
    folder = put(tmp_path / "events", days, "abc")
    whole = take(folder, partials=kept)[1]
    days[0][days[0]["account_id"].str.startswith("u")].to_parquet(folder / "a.parquet", index=False)
    intake, rows = take(folder, partials=kept)
    assert intake.n_read == 1
    made = [(row["account_id"], row["t"], row["kind_prompt_template"]) for row in whole if row["kind_prompt_template"]]
    rest = [(row["account_id"], row["t"], row["kind_prompt_template"]) for row in rows if row["kind_prompt_template"]]
    midnight = (START + pd.Timedelta(days=1)).value // 1000
    assert rest == [each for each in made if each[1] >= midnight]
    (folder / "b.parquet").unlink()
    left = take(folder, partials=kept)[1]
    assert min(row["t"] for row in left if row["kind_prompt_template"]) >= midnight + DAY_US


def test_what_a_killed_run_left_goes_on_to_the_same_end(tmp_path, monkeypatch):
    """Of three segments two are lost: their files are matched with what was mined with them, and nothing is mined."""
    kept = tmp_path / "kept"
    folder = put(tmp_path / "events", by_day(prompted(FARMS)), "abc")
    monkeypatch.setattr(reading, "_BATCH_FILES", 1)
    with taking(folder, partials=kept) as (engine, intake):
        whole = told(intake, decode(engine, "events"))
    files = {path: path.read_bytes() for path in kept.rglob("*.parquet")}
    for lost in sorted(kept.iterdir())[:2]:
        for path in lost.iterdir():
            path.unlink()
        lost.rmdir()
    with taking(folder, partials=kept) as (engine, intake):
        assert intake.n_read == 2
        assert told(intake, decode(engine, "events")) == whole
    assert {path.read_bytes() for path in kept.rglob("templates.parquet")} == {
        data for path, data in files.items() if path.name == "templates.parquet"
    }


def test_ids_and_prompts_beside_each_other(tmp_path):
    """A file that has ids keeps them; one that has prompts has them mined; one that has neither has none."""
    prompts = prompted(FARMS)
    ids = prompts.drop(columns="prompt").assign(prompt_template="mine", timestamp=START)
    both = prompts.assign(prompt_template="both", timestamp=START)
    neither = prompts.drop(columns="prompt")
    folder = put(tmp_path / "events", [prompts, ids, both, neither], ["prompts", "ids", "both", "neither"])
    _, used = read(folder)
    assert {"mine", "both"} <= {name for *_, name in used}
    alone = read(prompts)
    assert {row for row in used if row[2] not in {"mine", "both", None}} == {row for row in alone[1] if row[2]}


def test_with_digests_no_word_of_a_frame_is_kept(events, tmp_path):
    kinds = {"kinds": {"prompt_template": {"digest": True}}}
    intake, rows = take(put(tmp_path / "events", [events], "a"), partials=tmp_path / "kept", **kinds)
    clear = take(events)[0].templates
    assert [each.template_id for each in intake.templates] == [each.template_id for each in clear]
    assert all(len(each.frame) == 32 for each in intake.templates)
    assert {row["kind_prompt_template"] for row in rows} - {None} == {each.template_id for each in clear}
    data = b"".join(path.read_bytes() for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert b"critic" not in data
    assert b"supplier" not in data


BAD = [
    None,
    "",
    " \t\n",
    "\x00",
    "�" * 40,
    "word " * 5_000,
    "\u200b" * 100,
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE events; --",
    "🙂" * 300,
]


def test_hostile_prompts_lose_no_rows(tmp_path):
    random = np.random.default_rng(7)
    long = " ".join(fill(random, 2_000) for _ in range(70))
    prompts = [*BAD, long * 10, *(FRAMES["critic"].format(fill(random, 9)) for _ in range(20))]
    prompts += ["one prompt that a farm repeats again and again, word for word, all day"] * 5_000
    prompts += [" ".join(f"w{n}x{k}" for k in range(60)) for n in range(300)]
    assert len(prompts[len(BAD)]) > 10_000_000
    account = [f"a{n % 700}" for n in range(len(prompts))]
    frame = pd.DataFrame({"account_id": account, "timestamp": START, "prompt": prompts})
    intake, rows = take(put(tmp_path / "events", [frame], "a"))
    assert (intake.n_rows, intake.n_accepted, intake.rejected, intake.unusable) == (len(frame), len(frame), [], [])
    counts = pd.Series([row["kind_prompt_template"] for row in rows]).value_counts()
    assert sorted(counts) == [20, 5_000]


def test_bytes_that_are_no_utf8_lose_no_rows_and_are_not_told(tmp_path):
    """Such a column of text is against Parquet's rules, and written all the same."""
    random = np.random.default_rng(8)
    texts = [FRAMES["proof"].format(fill(random, 6)).encode() for _ in range(20)] + [
        CANARY.encode() + b" \xff\xfe\x80"
    ] * 3
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    column = pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(texts))]
    )
    base = {"account_id": [f"a{n}" for n in range(len(texts))], "timestamp": [1_777_900_000] * len(texts)}
    table = pa.table(base | {"prompt": column})
    pq.write_table(table, tmp_path / "loose.parquet")
    for given in (tmp_path / "loose.parquet", table):
        intake, rows = take(given)
        assert (intake.n_accepted, intake.rejected) == (len(texts), [])
        assert sum(row["kind_prompt_template"] is not None for row in rows) == 20
    pq.write_table(pa.table(base | {"ip": column}), tmp_path / "ip.parquet")
    with pytest.raises(gk.InputError, match=r"ip\.parquet: a column of text holds bytes that are not UTF-8") as caught:
        take(tmp_path / "ip.parquet")
    assert CANARY not in str(caught.value)


def test_nothing_of_a_slot_is_written_where_it_stays(events, tmp_path):
    """Neither in partials nor in what is set aside, nor while a run lasts in files that have names."""
    csv = events.to_csv(index=False) + "".join(
        f"{line}\n" for line in (f"short,{CANARY}", f",{CANARY},2026-05-04,10.0.0.1", f"acct,{CANARY},never,10.0.0.1")
    )
    path = write(tmp_path, "events.csv", csv)
    intake, _ = take(path, partials=tmp_path / "kept", max_rejected_share=0.5)
    assert len(intake.templates) == 4
    assert intake.rejected
    assert CANARY not in json.dumps(intake.rejected + intake.unusable)
    with taking(path, max_rejected_share=0.5) as (engine, _):
        files = [file for file in [*(tmp_path / "kept").rglob("*"), *engine.scratch.rglob("*")] if file.is_file()]
        assert len(files) > 8
        for file in files:
            assert CANARY.encode() not in file.read_bytes(), file
            if file.suffix == ".parquet":
                assert CANARY not in str(pq.read_table(file).to_pylist()), file


def test_spark_workers_refuse_prompts_and_say_what_to_do(events, tmp_path):
    put(tmp_path / "events", [events], "a")
    (file,) = find_files(tmp_path / "events", what="events")
    task = Task("events", Config(), KEY, make_secret(KEY), int(NOW.timestamp() * 1e6), str(tmp_path))
    (batch,) = read_files([pa.record_batch({"file": [json.dumps(vars(file))]})], task)
    told_of = json.loads(batch.column("text")[0].as_py())
    assert batch.column("section").to_pylist() == [TOLD]
    assert told_of["error"] == "UsageError"
    assert told_of["failure"].startswith(
        'a.parquet: holds raw prompts, of which engine "spark" mines no templates; put'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["events"]
