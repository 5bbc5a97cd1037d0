"""Figures as pictures, drawn by kaleido and Chromium as they are."""

import os
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import plotly.graph_objects as go
import pytest

import graphkit as gk
from graphkit.errors import UsageError
from graphkit.show.image import write_image, write_images
from tests.browser import find_chromium
from tests.show_world import HOSTILE, make_snapshot

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def figures():
    """The six figures of a small world."""
    snapshot, cluster = make_snapshot((40, 12, 6, 3)), "C000"
    return {
        "overview": gk.plot_overview(snapshot),
        "cluster": gk.plot_cluster(snapshot, cluster),
        "account": gk.plot_account(snapshot, HOSTILE[0]),
        "evidence": gk.plot_evidence(snapshot, cluster),
        "rhythm": gk.plot_rhythm(snapshot, cluster, mode="dark"),
        "changes": gk.plot_changes([make_snapshot((30, 12)), snapshot]),
    }


@pytest.fixture(scope="module")
def pictures(figures, tmp_path_factory):
    """The same as PNG and SVG, all by one browser."""
    find_chromium()
    folder = tmp_path_factory.mktemp("pictures")
    write_images({folder / f"{name}.{form}": each for name, each in figures.items() for form in ("png", "svg")})
    return folder


def count_colors(path):
    """Width, height and how many colors a PNG has; of 8 bits a channel, as browsers write."""
    data = path.read_bytes()
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", data[16:29])
    assert (depth, kind) == (8, 6)
    chunks, place = b"", 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            chunks += data[place + 8 : place + 8 + length]
        place += 12 + length
    raw = zlib.decompress(chunks)
    line = 4 * width + 1
    return width, height, len({raw[at : at + line] for at in range(0, len(raw), line)})


@pytest.mark.parametrize("name", ["overview", "cluster", "account", "evidence", "rhythm", "changes"])
def test_each_figure_is_a_picture(pictures, figures, name):
    width, height, n_lines = count_colors(pictures / f"{name}.png")
    size = figures[name].layout
    assert (width, height) == (2 * size.width, 2 * size.height)
    assert n_lines > 300, "it is blank"
    root = ET.parse(pictures / f"{name}.svg").getroot()  # noqa: S314  # our own
    assert root.tag == f"{SVG}svg"
    told = "".join(root.itertext())
    assert figures[name].layout.title.text.split("<")[0].strip()[:12] in told
    assert not [each for each in root.iter() if each.tag.endswith("script")]


def test_a_picture_alone_has_its_own_browser(tmp_path):
    find_chromium()
    path = write_image(go.Figure(go.Bar(y=[1, 2])), tmp_path / "my picture ü.png", scale=1)
    assert count_colors(path)[:2] == (1000, 720)
    assert [each.name for each in tmp_path.iterdir()] == ["my picture ü.png"]


@pytest.mark.parametrize(("name", "scale"), [("x.gif", 2), ("x", 2), ("x.png", 0), ("x.png", 1000)])
def test_what_is_no_picture_is_refused(figures, tmp_path, name, scale):
    with pytest.raises(UsageError):
        write_image(figures["overview"], tmp_path / name, scale=scale)
    assert not list(tmp_path.iterdir())


def test_without_kaleido_the_remedy_is_told(figures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(UsageError, match=r"pip install 'graphkit\[images\]'"):
        write_image(figures["overview"], tmp_path / "x.png")


def test_without_a_browser_the_remedy_is_told(tmp_path):
    code = "import graphkit as gk, plotly.graph_objects as go; gk.write_image(go.Figure(), 'x.png')"
    nowhere = {"BROWSER_PATH": str(tmp_path / "no browser"), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | nowhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr
    assert not list(tmp_path.glob("*.png"))
