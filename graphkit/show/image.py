"""Figures as pictures: PNG, SVG or PDF, drawn by a browser of this machine, without a network."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import plotly.graph_objects as go

from graphkit.errors import UsageError
from graphkit.show.page import write_bytes
from graphkit.show.theme import HEIGHT, WIDTH

_FORMATS = ("png", "svg", "pdf")
_NOWHERE = "127.0.0.1:9"
"""The browser's proxy: whatever it would ask the network for goes to where nobody listens."""


def write_image(figure: go.Figure, path: str | Path, *, scale: float = 2.0) -> Path:
    """Write a figure as PNG, SVG or PDF, whole or not at all, and return its path; as ``write_images``."""
    (written,) = write_images({path: figure}, scale=scale)
    return written


def write_images(figures: Mapping[str | Path, go.Figure], *, scale: float = 2.0) -> list[Path]:
    """Write figures as PNG, SVG or PDF, each whole or not at all, and return their paths.

    One Chromium or Google Chrome draws them all, through kaleido. Unlike plotly's own ``figure.write_image``, this
    fetches no MathJax from the network.

    Parameters
    ----------
    figures
        By the files to write, which end with .png, .svg or .pdf.
    scale
        Pixels of a PNG for each pixel of the figure.

    Raises
    ------
    UsageError
        If a name ends otherwise, kaleido or a browser is not there, the browser fails, or a file cannot be written.
    """
    paths = [Path(path) for path in figures]
    for path in paths:
        if path.suffix.lower().removeprefix(".") not in _FORMATS:
            raise UsageError(f"{path}: a picture is PNG, SVG or PDF; name a file that ends with .png, .svg or .pdf")
    if not 0 < scale <= 10:
        raise UsageError(f"scale is {scale}; give a number above 0, at most 10")
    try:
        from choreographer.errors import ChromeNotFoundError
        from kaleido import Kaleido
    except ImportError as error:
        raise UsageError(f"pictures need {error.name}: pip install 'graphkit[images]'") from error

    async def draw() -> list[bytes]:
        async with Kaleido(n=1, mathjax=False, proxy_server=_NOWHERE) as browser:
            return [
                await browser.calc_fig(figure, opts=_choose_options(figure, path, scale=scale))
                for path, figure in zip(paths, figures.values(), strict=True)
            ]

    try:
        with ThreadPoolExecutor(max_workers=1) as thread:  # a notebook's own thread has an event loop already
            drawn = thread.submit(asyncio.run, draw()).result()
    except ChromeNotFoundError as error:
        raise UsageError(
            "pictures need a browser: install Chromium or Google Chrome (on Debian: apt-get install chromium), "
            "or name one in BROWSER_PATH"
        ) from error
    except Exception as error:  # what a browser and its pipes raise is no closed set
        raise UsageError(f"the browser cannot draw the pictures: {type(error).__name__}: {error}") from error
    return [write_bytes(path, data, what="picture") for path, data in zip(paths, drawn, strict=True)]


def _choose_options(figure: go.Figure, path: Path, *, scale: float) -> dict[str, object]:
    form = path.suffix.lower().removeprefix(".")
    size = {"width": figure.layout.width or WIDTH, "height": figure.layout.height or HEIGHT}
    return {"format": form, "scale": scale if form == "png" else 1, **size}
