"""The store: snapshots on disk."""
