"""How deep JSON is nested, told before it is read: how deep Python's parser goes depends on its version. Pure."""

DEEPEST_PARSED = 800
"""How deep text may be nested that Python's parser is given: one before 3.12 goes as deep as its stack, of 1,000."""
_OPENING = b"[{"
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_PER_BLOCK = 4  # blocks as long as a quarter of the limit: most are passed over by their count of openings


def is_deeper(text: bytes, limit: int) -> bool:
    r"""Return whether objects and lists are nested deeper than a limit, in linear time.

    Args:
        text: JSON in UTF-8; of other text the answer may be either.
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
