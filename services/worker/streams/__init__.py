"""Streams of results, resumed by position."""
