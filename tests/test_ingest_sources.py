import os
from pathlib import Path

import pytest

from graphkit.errors import InputError
from graphkit.ingest.sources import find_files, shorten
from tests.taken import take, write

CSV = "account_id,timestamp,ip\na,2026-05-01,::1\n"


SEEN = ("b.csv", "a.jsonl", "sub/c.tsv", "sub/d.CSV")


def names(given):
    return [file.name for file in find_files(given, what="events")]


@pytest.fixture
def folder(tmp_path):
    for name in (*SEEN, ".hidden.csv", "_SUCCESS", "_delta_log/0.json", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path, name, CSV)
    return tmp_path


def test_folders_and_globs(folder):
    assert names(folder) == ["a.jsonl", "b.csv", "c.tsv", "d.CSV"]
    assert names(str(folder) + "/") == names([folder])
    assert names(f"{folder}/*.csv") == ["b.csv"]
    assert names(f"{folder}/**/*.[cC]*") == ["b.csv", "d.CSV"]
    assert names(f"{folder}/**") == names(folder)
    assert names(f"{folder}/_delta_log/*") == ["0.json"]
    assert names(folder / "*") == ["a.jsonl", "b.csv", "c.tsv", "d.CSV"]
    assert names([folder / "sub", folder / "b.csv"]) == ["c.tsv", "d.CSV", "b.csv"]


def test_a_file_is_read_once_however_it_is_spelled(folder, monkeypatch):
    (folder / "link.csv").symlink_to("b.csv")
    os.link(folder / "b.csv", folder / "twin.csv")
    (folder / "sub" / "loop").symlink_to(folder)
    monkeypatch.chdir(folder)
    spellings = [folder / "b.csv", "b.csv", "./sub/../b.csv", "link.csv", "twin.csv", "*.csv"]
    assert names(spellings) == ["b.csv"]
    assert names(folder) == ["a.jsonl", "b.csv", "c.tsv", "d.CSV"]
    intake, rows = take([str(spelling) for spelling in spellings])
    assert len(rows) == 1
    assert intake.sources == (os.path.realpath(folder / "b.csv"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.csv", "events: nowhere.csv does not exist"),
        ("s3://bucket/key.parquet", "s3://bucket/key.parquet is elsewhere; only local files and folders"),
        ("~nobody-here/e.csv", "does not exist"),
        ("", "the path is empty"),
        ("empty", "the folder empty holds no file of a known ending"),
        ("empty/*", r"nothing of a known ending matches empty/\*"),
        ([], "the list of paths is empty"),
        (None, "got NoneType; give a path, a list of paths, or one frame"),
        (7, "got int"),
        ([7], "got list"),
        ({"a": 1}, "got dict"),
    ],
)
def test_what_is_not_there(tmp_path, monkeypatch, given, message):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "README.md", CSV)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        find_files(given, what="events")


def test_the_home_folder_may_be_a_tilde(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/b.csv") == ["b.csv"]
    assert find_files(Path("~/b.csv"), what="events")[0].path == os.path.realpath(folder / "b.csv")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", "plain é"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("x" * 200, "x" * 119 + "…"),
        ("\u202eabc", "\\u202eabc"),
    ],
)
def test_shown_text_is_one_line_and_short(text, shown):
    assert shorten(text) == shown
