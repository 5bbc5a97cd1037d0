"""Writing that a crash cannot tear: bytes reach the disk before the name does."""

import os
from pathlib import Path

from graphkit.store.names import beside


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and wait until its bytes are on the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it: a reader sees the old bytes or the new, never a part."""
    staged = path.with_name(beside(path.name))
    staged.unlink(missing_ok=True)
    try:
        write_file(staged, data)
        rename(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def rename(source: Path, target: Path) -> None:
    """Rename within a folder and wait until the new name is on the disk."""
    source.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
