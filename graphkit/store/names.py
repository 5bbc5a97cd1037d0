"""What the files of a store are called."""

import re

STORE_FILE = "store.json"
KEY = "key"
LOCK = "lock"
HOLDER = "lock.json"
SNAPSHOTS = "snapshots"
PARTIALS = "partials"
SCRATCH = "scratch"
REVIEWS = "reviews.jsonl"
ALERTS = "alerts.jsonl"
LINES_LOCK = "lines.lock"
LEASE = "lease"
LEASE_NOTE = "lease.json"


def pieces_folder(name: str) -> str:
    """Folder of the records that were appended in an object store, an object each, to what is a file elsewhere."""
    return name.removesuffix(".jsonl")


KNOWN_FILES = frozenset(
    {STORE_FILE, KEY, LOCK, HOLDER, SNAPSHOTS, PARTIALS, SCRATCH, REVIEWS, ALERTS, LINES_LOCK, LEASE}
    | {pieces_folder(REVIEWS), pieces_folder(ALERTS)}
)

MANIFEST = "manifest.json"
SNAPSHOT_ID = re.compile(r"\d{8}-[0-9a-f]{8}")
STAGING = ".staging-"
"""Start of the names of folders that a writer has not finished; readers pass them by."""


def table_file(name: str) -> str:
    """Name of a table's file."""
    return f"{name}.parquet"


def beside(name: str) -> str:
    """Name under which a file is written before it is renamed to ``name``."""
    return f".{name}.tmp"
