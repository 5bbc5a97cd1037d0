"""Communities, their scores and their explanations."""
