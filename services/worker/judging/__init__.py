"""Judging: evaluates assertions on observations, returns UP or DOWN, and bounds the CPU cost."""
