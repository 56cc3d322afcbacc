"""The smallest PDF that shows Chinese text: one page, with a font that every reader has for Chinese (Adobe-GB1)."""

from __future__ import annotations

from collections.abc import Sequence

_TOP, _LEFT, _LEADING, _TITLE_SIZE, _SIZE = 780, 60, 28, 20, 12


def one_page(title: str, lines: Sequence[str]) -> bytes:
    """A4 with a title and lines of text."""
    text = [f"BT /F1 {_TITLE_SIZE} Tf {_LEFT} {_TOP} Td <{_hex(title)}> Tj /F1 {_SIZE} Tf"]
    text += [f"0 -{_LEADING} Td <{_hex(line)}> Tj" for line in lines]
    content = "\n".join([*text, "ET"]).encode()
    return _file([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 7 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>",
        b"<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /ItalicAngle 0 /Ascent 880 /Descent -120"
        b" /CapHeight 880 /StemV 93 /FontBBox [-25 -254 1000 880] >>",
    ])


def _file(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def _hex(text: str) -> str:
    return text.encode("utf-16-be").hex()
