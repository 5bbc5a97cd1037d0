"""The command line on a store in S3: a server of its API, over HTTP, and processes that are killed or wait."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from graphkit.store.store import open_store
from tests.commands import finish, refresh, run, small_events, start

pytest.importorskip("s3fs")
pytest.importorskip("moto")

_STORE = "s3://farms/eine Übersicht [1]/store"
_KILLED_WHILE_PUTTING = """
import os, signal, sys
from datetime import date
from graphkit.snapshot import build_snapshot
from graphkit.store.remote import RemotePath
from graphkit.store.store import open_store

put = RemotePath.write_bytes

def put_and_die(path, data):
    put(path, data)
    if path.name == "links.parquet":
        os.kill(os.getpid(), signal.SIGKILL)

RemotePath.write_bytes = put_and_die
store = open_store(sys.argv[1])
content = {"key_fingerprint": store.key_fingerprint}
store.publish(build_snapshot({}, as_of=date(2026, 5, 17), content=content, run={}))
"""


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of S3's API with one bucket, and the settings by which it is found."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("GRAPHKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAPHKIT_KEY", "k" * 32)
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(process, port)
            import s3fs

            s3fs.S3FileSystem(use_listings_cache=False).mkdir("farms")
            yield process
        finally:
            process.kill()
            s3fs.S3FileSystem.clear_instance_cache()


def wait_for(process, port):
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < until, "the server did not come up"
            time.sleep(0.05)
        else:
            return


def test_a_store_in_s3(server, tmp_path):
    small_events().to_csv(tmp_path / "small.csv", index=False)
    first = refresh(tmp_path / "small.csv", _STORE, "--no-stability")["snapshot"]
    here = refresh(tmp_path / "small.csv", tmp_path / "store", "--no-stability")["snapshot"]
    assert first == here, "the same content, wherever it is kept"

    another_machine = os.environ | {"GRAPHKIT_CACHE": str(tmp_path / "another cache")}
    command = [
        "refresh",
        tmp_path / "small.csv",
        "--store",
        _STORE,
        "--no-stability",
        "--as-of",
        "2026-05-06",
        "--json",
    ]
    with open_store(_STORE).lock():
        told = finish(start(*command, env=another_machine))
        assert told.code == 1
        assert f"another writer holds the store (process {os.getpid()} on {socket.gethostname()}" in told.err
        waiting = start(*command, "--wait", "60", env=another_machine)
        assert open_store(_STORE).latest().id == first, "readers do not wait"
    second = finish(waiting).json["snapshot"]

    killed = subprocess.run([sys.executable, "-c", _KILLED_WHILE_PUTTING, _STORE], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [row["snapshot_id"] for row in run("list", _STORE, "--json").json["snapshots"]] == [first, second]
    (problem,) = run("verify", _STORE, "--json").json["problems"]
    assert problem["file"].startswith("snapshots/20260517-")
    third = refresh(tmp_path / "small.csv", _STORE, "--no-stability", "--as-of", "2026-05-07")["snapshot"]
    assert run("verify", _STORE).code == 0, "what the killed one left is gone, and its lease did not hold up anybody"

    store = open_store(_STORE)
    (cluster,) = store.latest().clusters["cluster_id"]
    assert run("review", _STORE, cluster, "confirmed", "--author", "A. Analyst").code == 0
    assert run("reviews", _STORE, "--json").json["reviews"][0]["verdict"] == "confirmed"
    assert run("explain", _STORE, cluster, "--json").json
    assert run("history", _STORE, cluster).code == 0
    assert run("diff", _STORE).code == 0
    assert run("report", _STORE, "-o", tmp_path / "report.html").code == 0
    assert cluster in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run("prune", _STORE, "--keep", "1", "--json").json["removed"] == [first]

    table = store.path / "snapshots" / third / "links.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    assert [each["file"] for each in run("verify", _STORE, "--json").json["problems"]] == [
        f"snapshots/{third}/{table.name}"
    ]
    assert "links.parquet are not those that its manifest names" in run("explain", _STORE, cluster).err

    server.kill()
    server.wait()
    away = run("list", _STORE)
    assert away.code == 1
    assert "Could not connect" in away.err
