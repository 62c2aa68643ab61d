"""What a file really is, by its first bytes: an uploaded name and content type are only a claim. Pure."""

from __future__ import annotations

#: As many bytes from the start of a file as `kind()` wants to see.
HEAD = 4096

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x7fELF", "program"),
    (b"{\\rtf", "rtf"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"OggS", "ogg"),
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"ID3", "mp3"),
)
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<body", b"<svg")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8 = b"\xef\xbb\xbf"
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b") | {127})

#: The content types of our contract, by what the bytes say.
AUDIO_TYPES = {"mp3": "audio/mpeg", "mp4": "audio/mp4", "wav": "audio/wav", "ogg": "audio/ogg"}
#: How browsers and systems call the same.
AUDIO_ALIASES = {
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/opus": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/ogg": "audio/ogg",
    "video/mp4": "audio/mp4",
}
#: The same for what carriers fetch.
MEDIA_TYPES = {
    **{"jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "pdf": "application/pdf"},
    **{"mp4": "video/mp4", "webm": "video/webm"},
}


def kind(head: bytes) -> str:
    """`text`, `markup`, `binary`, `empty`, or the name of a known format (`zip`, `pdf`, `mp3`, ...)."""
    if not head.strip(b"\r\n\t \x00"):
        return "empty"
    if head.startswith(_UTF16) or utf16(head):
        return "text"
    known = next((name for magic, name in _MAGIC if head.startswith(magic)), None) or _container(head)
    if known:
        return known
    start = head.removeprefix(_UTF8).lstrip().lower()
    if start.startswith(_MARKUP):
        return "markup"
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return "binary" if controls > 3 and controls * 20 > len(head) else "text"


def utf16(head: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` for such text without its mark: of Latin letters every other byte is 0."""
    pairs = len(head) // 2
    high, low = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs < 4 or max(high, low) < 0.7 * pairs or min(high, low) > 0.01 * pairs:
        return None
    return "utf-16-le" if low > high else "utf-16-be"


def _container(head: bytes) -> str | None:
    """Formats whose name is not at the very start: RIFF, ISO media, and an MP3 without a tag."""
    if head.startswith(b"RIFF"):
        return "wav" if head[8:12] == b"WAVE" else "riff"
    if head[4:8] == b"ftyp":
        return "mp4"
    frame = len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return "mp3" if frame and head[1] & 0x06 == 0x02 and head[2] >> 4 not in (0x0, 0xF) else None
