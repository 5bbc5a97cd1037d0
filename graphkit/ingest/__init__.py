"""Events in: files and frames, checked row by row."""
