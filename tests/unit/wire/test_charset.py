"""How the text of a body is written: by its byte order mark, its Content-Type, the page itself; else in UTF-8."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import charset
from services.wire.charset import to_utf_8

TEXTS = {
    "windows-1252": "Störung “€”",
    "iso-8859-2": "Łódź",
    "iso-8859-5": "сбой",
    "iso-8859-7": "βλάβη",
    "iso-8859-15": "Störung €",
    "windows-1250": "příliš",
    "windows-1251": "сбой",
    "windows-1253": "βλάβη",
    "windows-1254": "ağ çöktü",
    "windows-1255": "תקלה",
    "windows-1256": "عطل",
    "windows-874": "ขัดข้อง",
    "koi8-r": "сбой",
    "koi8-u": "збій їжак",
    "ibm866": "сбой",
    "macintosh": "Störung",
    "gb2312": "故障",
    "gbk": "故障",
    "gb18030": "故障𠀀",
    "big5": "故障",
    "euc-jp": "障害",
    "iso-2022-jp": "障害",
    "shift_jis": "障害①",
    "euc-kr": "장애 뷁",
    "utf-16le": "Störung 障害",
    "utf-16be": "Störung 障害",
    "utf-8": "Störung 障害",
}
_WRITTEN = {
    "ibm866": "cp866",
    "macintosh": "mac_roman",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "windows-874": "cp874",
}


def read(data: bytes, content_type: str = "") -> str:
    headers = [(b"Server", b"x"), (b"Content-Type", content_type.encode())] if content_type else []
    return to_utf_8(headers, data).decode()


@pytest.mark.parametrize(("label", "text"), TEXTS.items())
def test_a_body_is_read_in_the_charset_that_its_content_type_names(label: str, text: str) -> None:
    data = text.encode(_WRITTEN.get(label, label))

    assert read(data, f"text/html; charset={label}") == text
    assert read(data, f'text/plain; boundary=x; CHARSET = "{label.upper()}"; format=flowed') == text


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1", "us-ascii", "ISO_8859-1:1987"])
def test_latin_1_is_windows_1252_as_in_browsers(label: str) -> None:
    assert read(b"\x80 caf\xe9", f"text/plain;charset={label}") == "€ café"


@pytest.mark.parametrize(
    "meta",
    [
        b'<meta charset="iso-8859-1">',
        b"<META CHARSET=latin1 />",
        b"<meta name=x content=y><meta charset='windows-1252'>",
        b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">',
        b'<!-- <meta charset="koi8-r"> --><meta charset="iso-8859-1">',
        b'<?xml version="1.0" encoding="iso-8859-1"?>',
    ],
)
def test_a_page_says_itself_how_it_is_written(meta: bytes) -> None:
    page = meta + b"<p>St\xf6rung"

    assert "Störung" in read(page, "text/html")
    assert "Störung" in read(page, "application/xhtml+xml; charset=unknown")
    assert "Störung" not in read(page, "text/plain")
    assert "Störung" not in read(page)
    assert "Störung" not in read(b" " * 1_024 + page, "text/html")
    assert "Störung" in read(meta + "Störung".encode(), "text/html; charset=utf-8")


def test_a_page_that_says_utf_16_of_itself_is_utf_8() -> None:
    assert read('<meta charset="utf-16">Störung'.encode(), "text/html").endswith("Störung")


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
@pytest.mark.parametrize("content_type", ["", "text/html", "text/html; charset=iso-8859-1", "application/json"])
def test_a_byte_order_mark_says_more_than_all_others_and_is_no_text(mark: bytes, codec: str, content_type: str) -> None:
    assert read(mark + "Störung".encode(codec), content_type) == "Störung"


@pytest.mark.parametrize(
    ("content_types", "expected"),
    [
        (("text/html; charset=utf-8", "text/html; charset=latin1"), "latin1"),
        (("text/html; charset=latin1", "text/html"), "latin1"),
        (("text/html; charset=latin1", "TEXT/HTML ; a=b"), "latin1"),
        (("text/html; charset=latin1", "text/plain"), "utf-8"),
        (("text/html; charset=latin1", "text/plain", "text/html"), "utf-8"),
        (("text/html; charset=utf-8, text/plain; charset=latin1",), "latin1"),
        (("text/plain; charset=latin1", "*/*; charset=utf-8"), "latin1"),
        (("text/plain; charset=latin1", "html; charset=utf-8"), "latin1"),
        (("text/plain; charset=latin1", "", ","), "latin1"),
        (("text/plain; charset=latin1", "text/plain; charset=unknown"), "utf-8"),
        (('text/plain; a=",text/html"; charset=latin1',), "latin1"),
        (("text/plain; charset=latin1; charset=utf-8",), "latin1"),
        (('text/plain; charset=latin1; a="\\', "text/plain"), "latin1"),
        # Browsers take no notice of these.
        (("text/plain, charset=latin1",), "latin1"),
        (("text/plain charset=latin1", "x"), "latin1"),
        (("charset=latin1", "text/plain"), "latin1"),
    ],
)
def test_of_several_content_types_the_one_counts_that_counts_for_browsers(
    content_types: tuple[str, ...], expected: str
) -> None:
    data = "Störung".encode("latin-1")
    headers = [(b"content-type", each.encode()) for each in content_types]

    assert to_utf_8(headers, data).decode() == data.decode(expected, "replace")


def test_of_several_content_types_the_last_says_whether_a_page_says_how_it_is_written() -> None:
    page = '<meta charset="latin1">Störung'.encode("latin-1")

    def reads(*types: bytes) -> bool:
        return "Störung".encode() in to_utf_8([(b"Content-Type", each) for each in types], page)

    assert reads(b"text/plain", b"text/html")
    assert not reads(b"text/html", b"text/plain")


@pytest.mark.parametrize("label", ["", "none", "utf8mb4", "binary", "x" * 10_000])
def test_a_charset_that_nobody_knows_says_nothing(label: str) -> None:
    assert read("Störung".encode(), f"text/plain; charset={label}") == "Störung"


@pytest.mark.parametrize(
    "label", ["rot13", "zlib", "hex", "idna", "punycode", "unicode_escape", "utf-7", "mbcs", "os.path"]
)
def test_what_is_a_codec_of_python_and_no_charset_is_never_looked_up(label: str) -> None:
    assert read(b"+AGE- \\u0061 uryyb", f"text/plain; charset={label}") == "+AGE- \\u0061 uryyb"
    assert label not in charset._CODECS


def test_every_label_stands_for_a_charset_that_python_reads() -> None:
    assert len(charset._CODECS) > 200
    assert all(label == label.lower() for label in charset._CODECS)
    assert {
        b"a".decode(codec, "replace") for codec in set(charset._CODECS.values()) if not codec.startswith("utf-16")
    } == {"a"}


def test_what_is_not_written_as_it_says_is_replaced() -> None:
    assert read(b"caf\xe9!") == "caf\N{REPLACEMENT CHARACTER}!"
    assert read(b"a\0b", "text/plain; charset=utf-16le") == "a\N{REPLACEMENT CHARACTER}"


@given(st.binary(max_size=200), st.sampled_from(sorted(charset._CODECS)), st.sampled_from(["text/html", "text/plain"]))
def test_any_bytes_make_valid_utf_8(data: bytes, label: str, media_type: str) -> None:
    read(data, f"{media_type}; charset={label}")


def test_a_content_type_of_any_length_is_read_at_once() -> None:
    assert read(b"hello", "text/plain; charset=" + " " * 60_000 + "x") == "hello"
    assert read(b"<meta charset=" + b" " * 900 + b"x", "text/html").startswith("<meta")


def test_a_plain_body_is_not_copied() -> None:
    data = b"plain"

    assert to_utf_8([(b"content-type", b"text/html; charset=utf-8")], data) is data
