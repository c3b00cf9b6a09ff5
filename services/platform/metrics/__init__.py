"""Figures for Prometheus: histograms, and the endpoint that shows them."""
