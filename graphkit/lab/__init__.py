"""Synthetic worlds and the measures of a clustering against the truth."""
