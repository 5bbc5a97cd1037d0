"""Find, explain and defend coordinated account farms with graphs, in notebooks."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphkit.analysis import analyze
    from graphkit.config import Columns, Config, Kind, Score, load_config
    from graphkit.detect.about_account import explain_account
    from graphkit.detect.about_cluster import explain_cluster
    from graphkit.detect.diff import SnapshotDiff, diff_snapshots
    from graphkit.detect.explain import explain_pair, explain_path
    from graphkit.detect.explanation import AccountExplanation, ClusterExplanation
    from graphkit.detect.refit import RefitScore, refit_score
    from graphkit.errors import (
        BudgetError,
        ConfigError,
        GraphkitError,
        InputError,
        StoreError,
        StoreLockedError,
        UsageError,
    )
    from graphkit.export.casebook import write_case
    from graphkit.ingest.infrastructure import Infrastructure, read_infrastructure
    from graphkit.ingest.template_mining import mine_templates
    from graphkit.lab.backdrop import read_backdrop
    from graphkit.lab.blindspots import measure_blind_spots
    from graphkit.lab.measures import evaluate_clusters
    from graphkit.lab.planting import FarmGrade
    from graphkit.lab.worlds import World, synthesize
    from graphkit.link.bipartite import bipartite_graph, to_networkx
    from graphkit.refresh import refresh_store
    from graphkit.show.account import plot_account
    from graphkit.show.blindpage import write_blind_spots
    from graphkit.show.blindspots import plot_blind_spots
    from graphkit.show.borders import describe_blind_spots, list_blind_spots
    from graphkit.show.changes import plot_changes
    from graphkit.show.cluster import plot_cluster
    from graphkit.show.evidence import plot_evidence
    from graphkit.show.explore import explore
    from graphkit.show.image import write_image, write_images
    from graphkit.show.overview import plot_overview
    from graphkit.show.packet import explain, write_packet
    from graphkit.show.report import render_report, write_report
    from graphkit.show.rhythm import plot_rhythm
    from graphkit.show.tableview import TableView, mask_identifiers, table
    from graphkit.snapshot import Snapshot
    from graphkit.store.alerts import find_alerts, note_alerts
    from graphkit.store.history import cluster_history
    from graphkit.store.known_bad import measure_known_bad
    from graphkit.store.prune import Pruning, prune_store
    from graphkit.store.reviews import Review, review
    from graphkit.store.store import Store, open_store

__version__ = "0.1.0"

_MODULES = {
    "graphkit.analysis": ("analyze",),
    "graphkit.config": ("Columns", "Config", "Kind", "Score", "load_config"),
    "graphkit.detect.about_account": ("explain_account",),
    "graphkit.detect.about_cluster": ("explain_cluster",),
    "graphkit.detect.diff": ("SnapshotDiff", "diff_snapshots"),
    "graphkit.detect.explain": ("explain_pair", "explain_path"),
    "graphkit.detect.explanation": ("AccountExplanation", "ClusterExplanation"),
    "graphkit.detect.refit": ("RefitScore", "refit_score"),
    "graphkit.errors": (
        "BudgetError",
        "ConfigError",
        "GraphkitError",
        "InputError",
        "StoreError",
        "StoreLockedError",
        "UsageError",
    ),
    "graphkit.export.casebook": ("write_case",),
    "graphkit.ingest.infrastructure": ("Infrastructure", "read_infrastructure"),
    "graphkit.ingest.template_mining": ("mine_templates",),
    "graphkit.lab.backdrop": ("read_backdrop",),
    "graphkit.lab.blindspots": ("measure_blind_spots",),
    "graphkit.lab.measures": ("evaluate_clusters",),
    "graphkit.lab.planting": ("FarmGrade",),
    "graphkit.lab.worlds": ("World", "synthesize"),
    "graphkit.link.bipartite": ("bipartite_graph", "to_networkx"),
    "graphkit.refresh": ("refresh_store",),
    "graphkit.show.account": ("plot_account",),
    "graphkit.show.blindpage": ("write_blind_spots",),
    "graphkit.show.blindspots": ("plot_blind_spots",),
    "graphkit.show.borders": ("describe_blind_spots", "list_blind_spots"),
    "graphkit.show.changes": ("plot_changes",),
    "graphkit.show.cluster": ("plot_cluster",),
    "graphkit.show.evidence": ("plot_evidence",),
    "graphkit.show.explore": ("explore",),
    "graphkit.show.image": ("write_image", "write_images"),
    "graphkit.show.overview": ("plot_overview",),
    "graphkit.show.packet": ("explain", "write_packet"),
    "graphkit.show.report": ("render_report", "write_report"),
    "graphkit.show.rhythm": ("plot_rhythm",),
    "graphkit.show.tableview": ("TableView", "mask_identifiers", "table"),
    "graphkit.snapshot": ("Snapshot",),
    "graphkit.store.alerts": ("find_alerts", "note_alerts"),
    "graphkit.store.history": ("cluster_history",),
    "graphkit.store.known_bad": ("measure_known_bad",),
    "graphkit.store.prune": ("Pruning", "prune_store"),
    "graphkit.store.reviews": ("Review", "review"),
    "graphkit.store.store": ("Store", "open_store"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AccountExplanation",
    "BudgetError",
    "ClusterExplanation",
    "Columns",
    "Config",
    "ConfigError",
    "FarmGrade",
    "GraphkitError",
    "Infrastructure",
    "InputError",
    "Kind",
    "Pruning",
    "RefitScore",
    "Review",
    "Score",
    "Snapshot",
    "SnapshotDiff",
    "Store",
    "StoreError",
    "StoreLockedError",
    "TableView",
    "UsageError",
    "World",
    "analyze",
    "bipartite_graph",
    "cluster_history",
    "describe_blind_spots",
    "diff_snapshots",
    "evaluate_clusters",
    "explain",
    "explain_account",
    "explain_cluster",
    "explain_pair",
    "explain_path",
    "explore",
    "find_alerts",
    "list_blind_spots",
    "load_config",
    "mask_identifiers",
    "measure_blind_spots",
    "measure_known_bad",
    "mine_templates",
    "note_alerts",
    "open_store",
    "plot_account",
    "plot_blind_spots",
    "plot_changes",
    "plot_cluster",
    "plot_evidence",
    "plot_overview",
    "plot_rhythm",
    "prune_store",
    "read_backdrop",
    "read_infrastructure",
    "refit_score",
    "refresh_store",
    "render_report",
    "review",
    "synthesize",
    "table",
    "to_networkx",
    "write_blind_spots",
    "write_case",
    "write_image",
    "write_images",
    "write_packet",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import graphkit`` stays light (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graphkit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
