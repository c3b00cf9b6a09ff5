"""The charset of a body (docs/adr/0036). Pure.

Labels are those of the Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels). The table is fixed: a
target's label must not be passed to Python, which has codecs that are not charsets, and imports some by name.
"""

import re
from collections.abc import Sequence

UTF_8 = "utf-8"
# A codec of Python, and its labels.
_TABLE = """
utf-8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8
cp866 866 cp866 csibm866 ibm866
iso8859_2 csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2
iso8859_3 csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3
iso8859_4 csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4
iso8859_5 csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988
iso8859_6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e
  iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987
iso8859_7 csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7
  iso_8859-7:1987 sun_eu_greek
iso8859_8 csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i iso-ir-138
  iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 logical visual
iso8859_10 csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6
iso8859_13 iso-8859-13 iso8859-13 iso885913
iso8859_14 iso-8859-14 iso8859-14 iso885914
iso8859_15 csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9
iso8859_16 iso-8859-16
koi8_r cskoi8r koi koi8 koi8-r koi8_r
koi8_u koi8-ru koi8-u
mac_roman csmacintosh mac macintosh x-mac-roman
mac_cyrillic x-mac-cyrillic x-mac-ukrainian
cp874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874
cp1250 cp1250 windows-1250 x-cp1250
cp1251 cp1251 windows-1251 x-cp1251
cp1252 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591
  iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252 x-user-defined
cp1253 cp1253 windows-1253 x-cp1253
cp1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5
  windows-1254 x-cp1254
cp1255 cp1255 windows-1255 x-cp1255
cp1256 cp1256 windows-1256 x-cp1256
cp1257 cp1257 windows-1257 x-cp1257
cp1258 cp1258 windows-1258 x-cp1258
gb18030 chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030
big5hkscs big5 big5-hkscs cn-big5 csbig5 x-x-big5
euc_jp cseucpkdfmtjapanese euc-jp x-euc-jp
iso2022_jp csiso2022jp iso-2022-jp
cp932 csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis
cp949 cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601
  windows-949
utf-16-be unicodefffe utf-16be
utf-16-le csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le
"""
_ROWS = [row.split() for row in _TABLE.replace("\n  ", " ").strip().split("\n")]
_CODECS = {label: codec for codec, *labels in _ROWS for label in labels}
_MARKS = ((b"\xef\xbb\xbf", UTF_8), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_SNIFFED = 1_024
_LONGEST_TYPE = 1_024
_PARAMETER = re.compile(r"""(?:^|[;,\s])charset\s*=\s*(?:["']\s*)?([^\s;,"']+)""", re.IGNORECASE)
_BETWEEN_COMMAS = re.compile(r"""(?:[^,"]|"(?:[^"\\]|\\.)*"?)+""", re.DOTALL)
_ESSENCE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
_COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
_META = re.compile(rb"""<meta[\s/][^>]*?charset\s*=\s*(?:["']\s*)?([^\s"'/>;]+)""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([^"']+)["']""")


def to_utf_8(headers: Sequence[tuple[bytes, bytes]], data: bytes) -> bytes:
    """Return a body as valid UTF-8 and without a byte order mark.

    The charset is that of a byte order mark; else of Content-Type, the last of several; else of the page itself, if it
    is HTML or XML; else UTF-8. Invalid bytes become U+FFFD.
    """
    codec, mark = _codec(headers, data)
    if mark:
        data = data[mark:]
    if codec == UTF_8:
        if data.isascii():
            return data
        try:
            data.decode()
        except UnicodeDecodeError:
            return data.decode(errors="replace").encode()
        return data
    return data.decode(codec, "replace").encode(errors="replace")


def _codec(headers: Sequence[tuple[bytes, bytes]], data: bytes) -> tuple[str, int]:
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return marked, len(mark)
    given = [value for name, value in headers if name.lower() == b"content-type"]
    media_type = b",".join(given)[:_LONGEST_TYPE].decode("latin-1").lower()
    media_type, label = _extracted(media_type) if "," in media_type else (media_type, _label(media_type))
    codec = _CODECS.get(label)
    if codec is None and ("html" in media_type or "xml" in media_type):
        codec = _named_within(data[:_SNIFFED])
    return codec or UTF_8, 0


def _label(media_type: str) -> str:
    named = _PARAMETER.search(media_type)
    return named[1] if named else ""


def _extracted(media_types: str) -> tuple[str, str]:
    """Return the effective one of several media types, and its charset (Fetch Standard, "extract a MIME type").

    The last one is effective; it inherits the charset of earlier ones that differ only in their parameters. Unlike in
    browsers, a charset outside of all media types counts if they name none.
    """
    counts = label = stray = ""
    for part in _BETWEEN_COMMAS.findall(media_types):
        essence = part.partition(";")[0].strip()
        if not _ESSENCE.fullmatch(essence) or essence == "*/*":
            stray = stray or _label(part)
            continue
        label = _label(part) or (label if essence == counts else "")
        counts = essence
    return counts or media_types, label or stray


def _named_within(start: bytes) -> str | None:
    """Return the codec that a page names; since the name could be read, it is not UTF-16."""
    found = _XML.match(start.lstrip()) or _META.search(_COMMENT.sub(b"", start))
    codec = _CODECS.get(found[1].decode("latin-1").strip().lower()) if found else None
    return UTF_8 if codec is not None and codec.startswith("utf-16") else codec
