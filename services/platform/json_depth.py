"""The nesting depth of JSON, computed before parsing: the limit of Python's parser depends on its version. Pure."""

DEEPEST_PARSED = 800
"""The deepest text that Python's parser is given: before 3.12 its limit is the stack of 1,000 frames."""
_OPENING = b"[{"
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_PER_BLOCK = 4  # blocks of a quarter of the limit: most are skipped by their count of openings


def is_deeper(text: bytes, limit: int) -> bool:
    r"""Return whether objects and lists are nested deeper than a limit, in linear time.

    Args:
        text: JSON in UTF-8; for other text the result may be either.
        limit: in levels; ``[[1]]`` has two.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    outside = b"".join(text.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    brackets = outside.translate(None, delete=_NO_BRACKET)
    size, depth = max(limit // _PER_BLOCK, 1), 0
    for start in range(0, len(brackets), size):
        block = brackets[start : start + size]
        opening = block.count(b"[") + block.count(b"{")
        if depth + opening > limit and _reaches(block, depth, limit):
            return True
        depth += 2 * opening - len(block)
    return False


def _reaches(block: bytes, depth: int, limit: int) -> bool:
    for bracket in block:
        depth += 1 if bracket in _OPENING else -1
        if depth > limit:
            return True
    return False
