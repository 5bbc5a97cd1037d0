"""What leaves a store for other people and other tools."""
