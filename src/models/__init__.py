"""Models: what is predicted, how it is judged, how it is kept."""
