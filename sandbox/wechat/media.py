"""Temporary media: what users send and what the account uploads. Bytes are files, named by media id."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from runxia.clock import Clock
from sandbox.wechat.database import Database
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import MEDIA_BYTES, MEDIA_SECONDS

_SAMPLES = Path(__file__).parent / "samples"
SAMPLES = {"meter": "水表", "meter_blurred": "拍糊了的水表", "yellow_water": "发黄的水"}
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
    (b"#!AMR", "audio/amr"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"\x1aE\xdf\xa3", "audio/webm"),
    (b"OggS", "audio/ogg"), (b"RIFF", "audio/wav"),
)
# One second of AMR narrow-band: 50 frames of 20 ms that carry no data (RFC 4867, 5.3: frame type 15).
SILENCE = b"#!AMR\n" + b"\x7c" * 50


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file. ``kind``: image, voice, video or thumb."""

    media_id: str
    kind: str
    content_type: str
    path: Path


class MediaStore:
    """Media for three days."""

    def __init__(self, db: Database, folder: Path, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, kind: str, content: bytes) -> Media:
        """Keep a file.

        Raises:
            ApiError: 40004 unknown kind, 41005 empty, 40006 too large, 40005 not a file of that kind.
        """
        if kind not in MEDIA_BYTES:
            raise ApiError(40004)
        if not content:
            raise ApiError(41005)
        if len(content) > MEDIA_BYTES[kind]:
            raise ApiError(40006)
        media_id, content_type = secrets.token_urlsafe(48), _content_type(kind, content)
        (self._folder / media_id).write_bytes(content)
        self._db.write("INSERT INTO media (media_id, kind, content_type, created_at) VALUES (?, ?, ?, ?)",
                       (media_id, kind, content_type, self._clock.now().timestamp()))
        return Media(media_id, kind, content_type, self._folder / media_id)

    def get(self, media_id: str, *, expired: bool = False) -> Media:
        """The file; with ``expired`` also after its three days, as a user's phone still shows it.

        Raises:
            ApiError: 40007, unknown or too old.
        """
        row = self._db.one("SELECT * FROM media WHERE media_id = ?", (media_id,))
        if row is None or (not expired and row["created_at"] + MEDIA_SECONDS <= self._clock.now().timestamp()):
            raise ApiError(40007)
        return Media(row["media_id"], row["kind"], row["content_type"], self._folder / row["media_id"])


def _content_type(kind: str, content: bytes) -> str:
    found = next((mime for start, mime in _SIGNATURES if content.startswith(start)), None)
    if content[4:8] == b"ftyp":
        found = "audio/mp4" if kind == "voice" else "video/mp4"
    family = {"image": "image/", "thumb": "image/", "voice": "audio/", "video": "video/"}[kind]
    if found is None or not found.startswith(family):
        raise ApiError(40005)
    return found


def sample(name: str) -> bytes | None:
    """A photo that comes with the sandbox, or none."""
    return (_SAMPLES / f"{name}.jpg").read_bytes() if name in SAMPLES else None
