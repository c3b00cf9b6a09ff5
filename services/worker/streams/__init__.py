"""Streams of results, resumable by position."""
