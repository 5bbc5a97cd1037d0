"""The demo: a synthetic service with hidden farms, two snapshots of it, and a report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
