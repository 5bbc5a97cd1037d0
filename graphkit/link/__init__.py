"""Links between accounts and entities, the pairs they make, and the bipartite graph."""
