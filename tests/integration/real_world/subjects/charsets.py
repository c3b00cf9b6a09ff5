"""The charset of a body, by byte order mark, Content-Type, the declaration in the document, or UTF-8 by default."""

from tests.integration.real_world.row import UP, Json, Row, down, http
from tests.integration.real_world.servers import ok, says

_DECLARED = "RFC 9110 §8.3; phpservermon/phpservermon#200"
_WHATWG = "WHATWG Encoding, names and labels"
_SNIFFED = "WHATWG HTML, determining the character encoding"
_BOM = "WHATWG Encoding, decode"
_STORM = "Störung"
_TABLE = (
    # label, text, Python's codec
    ("iso-8859-1", _STORM, "latin-1"),
    ("l1", _STORM, "latin-1"),
    ("latin1", _STORM, "latin-1"),
    ("us-ascii", _STORM, "cp1252"),
    ("windows-1252", "10 € Störung", "cp1252"),
    ("iso-8859-1 with the Euro sign of windows-1252", "10 €", "cp1252"),
    ("iso-8859-2", "zażółć", "iso-8859-2"),
    ("iso-8859-5", "Ошибка", "iso-8859-5"),
    ("iso-8859-7", "Σφάλμα", "iso-8859-7"),
    ("iso-8859-9", "güncelleme şimdi", "cp1254"),
    ("iso-8859-15", "10 €", "iso-8859-15"),
    ("windows-1250", "chyba: příliš", "cp1250"),
    ("windows-1251", "Ошибка сервера", "cp1251"),
    ("windows-1253", "Σφάλμα", "cp1253"),
    ("windows-1254", "güncelleme şimdi", "cp1254"),
    ("windows-1255", "שגיאה", "cp1255"),
    ("windows-1256", "خطأ", "cp1256"),
    ("windows-1257", "klaida įvyko", "cp1257"),
    ("windows-874", "ผิดพลาด", "cp874"),
    ("koi8-r", "Ошибка", "koi8-r"),
    ("koi8-u", "Помилка ї", "koi8-u"),
    ("macintosh", "Störung", "mac-roman"),
    ("gb2312", "系统错误", "gbk"),
    ("gbk", "系统错误", "gbk"),
    ("gb18030", "系统错误", "gb18030"),
    ("big5", "系統錯誤", "big5"),
    ("shift_jis", "障害が発生", "cp932"),
    ("x-sjis", "障害が発生", "cp932"),
    ("euc-jp", "障害が発生", "euc-jp"),
    ("iso-2022-jp", "障害が発生", "iso-2022-jp"),
    ("euc-kr", "오류 발생", "euc-kr"),
    ("ks_c_5601-1987", "오류 발생", "euc-kr"),
    ("cp1252", _STORM, "cp1252"),
    ("csisolatin2", "zażółć", "iso-8859-2"),
    ("iso-8859-8-i", "שגיאה", "iso-8859-8"),
    ("iso-8859-13", "žąė", "iso-8859-13"),
    ("ibm866", "Ошибка", "cp866"),
    ("koi", "Ошибка", "koi8-r"),
    ("x-cp1251", "Ошибка", "cp1251"),
    ("windows-1258", "à", "cp1258"),
    ("tis-620", "ผิด", "tis-620"),
    ("big5-hkscs", "系統", "big5hkscs"),
    ("windows-31j", "障害", "cp932"),
    ("ms_kanji", "障害", "cp932"),
    ("euc-kr in its extended form", "똠", "cp949"),
    ("x-gbk", "系统", "gbk"),
    ("unicode-1-1-utf-8", _STORM, "utf-8"),
    ("utf-8", _STORM, "utf-8"),
    ("UTF8", _STORM, "utf-8"),
    ("utf-16le", _STORM, "utf-16-le"),
    ("utf-16be", _STORM, "utf-16-be"),
    ("utf-16", _STORM, "utf-16-le"),
)


def _html(body: bytes, content_type: str = "") -> bytes:
    """An answer with a body of a type."""
    return ok(body, *([b"Content-Type: " + content_type.encode()] if content_type else []))


def _lacks(text: str) -> Json:
    return http(assertions=[{"bodyNotContains": text}])


_SHOWS = down("ASSERTION", "the body contains the excluded text")

ROWS = (
    *(
        Row(
            name=f"The body is in {label}, declared in Content-Type",
            target=says(_html(f"<h1>{text}</h1>".encode(codec), f"text/html; charset={label.split(' ')[0]}")),
            check=http(bodyContains=text),
            verdict=UP,
            source=_DECLARED if "8859-1" in label else _WHATWG,
        )
        for label, text, codec in _TABLE
    ),
    *(
        Row(
            name=f"A page in {label} contains the excluded text",
            target=says(_html(f"<h1>{text}</h1>".encode(codec), f"text/html; charset={label}")),
            check=_lacks(text),
            verdict=_SHOWS,
            source=source,
        )
        for label, text, codec, source in (
            ("iso-8859-1", _STORM, "latin-1", _DECLARED),
            ("windows-1251", "Ошибка", "cp1251", "dgtlmoon/changedetection.io#3694"),
            ("gb2312", "系统错误", "gb2312", "louislam/uptime-kuma#3622"),
            ("shift_jis", "障害", "cp932", _WHATWG),
            ("euc-kr", "오류", "euc-kr", _WHATWG),
        )
    ),
    Row(
        name="The charset is quoted",
        target=says(_html(_STORM.encode("latin-1"), 'text/html; charset="iso-8859-1"')),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §5.6.6",
    ),
    Row(
        name="The charset is in single quotes",
        target=says(_html(_STORM.encode("utf-8"), "text/html; charset='utf-8'")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §8.3.2",
    ),
    Row(
        name="The charset is not the first parameter",
        target=says(_html(_STORM.encode("latin-1"), "text/html; level=1; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §8.3.1",
    ),
    Row(
        name="No space follows the semicolon",
        target=says(_html(_STORM.encode("latin-1"), "text/html;charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §8.3.1",
    ),
    Row(
        name="The parameter is CHARSET in upper case",
        target=says(_html(_STORM.encode("latin-1"), "text/html; CHARSET=ISO-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §5.6.6",
    ),
    Row(
        name="Content-Type ends in a semicolon",
        target=says(_html(_STORM.encode("latin-1"), "text/html; charset=iso-8859-1;")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 9110 §5.6.6",
    ),
    Row(
        name="A body of plain text declares its charset",
        target=says(_html(_STORM.encode("latin-1"), "text/plain; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_DECLARED,
    ),
    Row(
        name="XML declares its charset in Content-Type",
        target=says(_html(f"<a>{_STORM}</a>".encode("latin-1"), "application/xml; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 7303 §3",
    ),
    *(
        Row(
            name=f"Content-Type {words}",
            target=says(_html(_STORM.encode("latin-1"), content_type)),
            check=http(bodyContains=_STORM),
            verdict=UP,
            source="WHATWG MIME Sniffing, parsing a MIME type",
        )
        for words, content_type in (
            ("has spaces around the equals sign", "text/html; charset = iso-8859-1"),
            ("has a comma before the charset", "text/html, charset=iso-8859-1"),
            ("is only a charset", "charset=iso-8859-1"),
            ("has two charsets", "text/html; charset=iso-8859-1; charset=utf-8"),
        )
    ),
    # No valid charset is declared
    Row(
        name="The body is UTF-8 without a charset",
        target=says(_html(_STORM.encode(), "text/html")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_SNIFFED,
    ),
    Row(
        name="The body is UTF-8 without a Content-Type",
        target=says(_html(_STORM.encode())),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_SNIFFED,
    ),
    Row(
        name="The charset is unknown, and the body is UTF-8",
        target=says(_html(_STORM.encode(), "text/html; charset=klingon")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_WHATWG,
    ),
    Row(
        name="The charset is empty",
        target=says(_html(_STORM.encode(), "text/html; charset=")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_WHATWG,
    ),
    *(
        Row(
            name=f"The charset is {label}, a Python codec that is not a charset",
            target=says(_html(b"all is well", f"text/html; charset={label}")),
            check=http(bodyContains="all is well"),
            verdict=UP,
            source=_WHATWG,
            why="A name from a response is looked up in a fixed table only",
        )
        for label in ("rot13", "base64", "zlib", "idna", "unicode_escape", "utf-7")
    ),
    Row(
        name="The body is UTF-8, and Content-Type declares iso-8859-1",
        target=says(_html(_STORM.encode(), "text/html; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=down("ASSERTION", "does not contain"),
        source=_WHATWG,
        why="The declared charset is used, as in browsers",
    ),
    Row(
        name="Invalid UTF-8 surrounds the text",
        target=says(_html(b"\xfd ok \xc3", "text/html; charset=utf-8")),
        check=http(bodyContains="ok"),
        verdict=UP,
        source=_BOM,
    ),
    Row(
        name="A binary body contains the text",
        target=says(_html(bytes(range(256)) + b"ok", "application/octet-stream")),
        check=http(bodyContains="ok"),
        verdict=UP,
        source="docs/checks.md",
    ),
    # Byte order marks
    Row(
        name="The body begins with the byte order mark of UTF-8",
        target=says(_html(b"\xef\xbb\xbf" + _STORM.encode(), "text/html")),
        check=http(assertions=[{"bodyMatches": f"^{_STORM}$"}]),
        verdict=UP,
        source=_BOM,
        why="The byte order mark is not part of the text",
    ),
    Row(
        name="The body begins with the byte order mark of UTF-16 LE",
        target=says(_html(b"\xff\xfe" + _STORM.encode("utf-16-le"), "text/html")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_BOM,
    ),
    Row(
        name="The body begins with the byte order mark of UTF-16 BE",
        target=says(_html(b"\xfe\xff" + _STORM.encode("utf-16-be"), "text/html")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_BOM,
    ),
    Row(
        name="A page in UTF-16 contains the excluded text",
        target=says(_html(b"\xff\xfe" + _STORM.encode("utf-16-le"), "text/html; charset=utf-16")),
        check=_lacks(_STORM),
        verdict=_SHOWS,
        source=_BOM,
    ),
    Row(
        name="The byte order mark is that of UTF-8, and Content-Type declares iso-8859-1",
        target=says(_html(b"\xef\xbb\xbf" + _STORM.encode(), "text/html; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_BOM,
        why="The byte order mark takes precedence over the declared charset, as in browsers",
    ),
    Row(
        name="The byte order mark is that of UTF-16, and Content-Type declares utf-8",
        target=says(_html(b"\xff\xfe" + _STORM.encode("utf-16-le"), "text/html; charset=utf-8")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_BOM,
        why="The byte order mark takes precedence over the declared charset, as in browsers",
    ),
    Row(
        name="XML declares its charset in its first line",
        target=says(_html('<?xml version="1.0" encoding="ISO-8859-1"?><a>Störung</a>'.encode("latin-1"), "text/xml")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source="RFC 7303 §3.3",
    ),
    Row(
        name="A feed declares windows-1251 in its first line",
        target=says(
            _html('<?xml version="1.0" encoding="windows-1251"?><a>Ошибка</a>'.encode("cp1251"), "application/rss+xml")
        ),
        check=http(bodyContains="Ошибка"),
        verdict=UP,
        source="RFC 7303 §3.3",
    ),
    # Declarations in the document
    *(
        Row(
            name=f"The page declares its charset in {words}",
            target=says(_html(page.encode("latin-1"), "text/html")),
            check=http(bodyContains=_STORM),
            verdict=UP,
            source=_SNIFFED,
        )
        for words, page in (
            ("meta charset", f"<html><head><meta charset=iso-8859-1></head>{_STORM}"),
            ("a quoted meta charset", f'<html><head><meta charset="ISO-8859-1"/></head>{_STORM}'),
            (
                "meta http-equiv",
                f'<head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"></head>{_STORM}',
            ),
            (
                "meta http-equiv with content first",
                f'<head><META content="text/html; charset=iso-8859-1" http-equiv=content-type></head>{_STORM}',
            ),
            ("meta over two lines", f"<meta\r\n charset = 'iso-8859-1' >{_STORM}"),
            ("meta after a comment", f"<!-- <meta charset=utf-16> --><meta charset=iso-8859-1>{_STORM}"),
            ("meta after a title", f"<head><title>Shop</title><meta charset='iso-8859-1'></head>{_STORM}"),
        )
    ),
    Row(
        name="The page declares windows-1251 in meta",
        target=says(_html("<meta charset=windows-1251><h1>Ошибка</h1>".encode("cp1251"), "text/html")),
        check=_lacks("Ошибка"),
        verdict=_SHOWS,
        source="dgtlmoon/changedetection.io#3694",
    ),
    Row(
        name="The page declares gb2312 in meta",
        target=says(_html("<meta charset=gb2312><h1>系统错误</h1>".encode("gbk"), "text/html")),
        check=http(bodyContains="系统错误"),
        verdict=UP,
        source="Y2Z/monolith#212",
    ),
    Row(
        name="Content-Type and meta differ",
        target=says(_html(f"<meta charset=utf-8>{_STORM}".encode("latin-1"), "text/html; charset=iso-8859-1")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_SNIFFED,
        why="Content-Type takes precedence over meta",
    ),
    Row(
        name="meta declares utf-16, and the page is UTF-8",
        target=says(_html(f"<meta charset=utf-16>{_STORM}".encode(), "text/html")),
        check=http(bodyContains=_STORM),
        verdict=UP,
        source=_SNIFFED,
        why="A page in which meta can be read is not UTF-16",
    ),
    Row(
        name="An expression is matched with a body in another charset",
        target=says(_html("Größe: 3".encode("latin-1"), "text/html; charset=iso-8859-1")),
        check=http(assertions=[{"bodyMatches": "Größe: [0-9]"}]),
        verdict=UP,
        source=_DECLARED,
    ),
    Row(
        name="JSON is in another charset",
        target=says(_html('{"city": "Köln"}'.encode("latin-1"), "application/json; charset=iso-8859-1")),
        check=http(assertions=[{"jsonPath": {"path": "$.city", "equals": "Köln"}}]),
        verdict=UP,
        source="RFC 8259 §8.1",
    ),
    Row(
        name="JSON is in UTF-16 with a byte order mark",
        target=says(_html(b"\xff\xfe" + '{"city": "Köln"}'.encode("utf-16-le"), "application/json")),
        check=http(assertions=[{"jsonPath": {"path": "$.city", "equals": "Köln"}}]),
        verdict=UP,
        source="RFC 8259 §8.1",
    ),
)
