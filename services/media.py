"""Photos and recordings that customers send, and pictures made for them: encrypted files with a row each."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Final

from runxia.clock import Clock
from store import crypto
from store.crypto import media_context
from store.db import Database
from store.models import Media

_FOLDER: Final = "media"
# The first bytes of each kind of picture that WeChat passes on; what a server says of its own content proves nothing.
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"), (b"BM", "image/bmp"),
)


def picture_type(content: bytes) -> str | None:
    """The content type of a picture by its first bytes, or none where it is no picture."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _MAGIC if content.startswith(start)), None)


class MediaStore:
    """Keeps media under ``DATA_DIR/media``."""

    def __init__(self, db: Database, clock: Clock, data_dir: Path) -> None:
        self._db = db
        self._clock = clock
        self._data_dir = data_dir

    async def keep(self, openid: str, kind: str, content: bytes, content_type: str) -> str:
        """Store a file; its id."""
        media_id = secrets.token_hex(16)
        path = f"{_FOLDER}/{media_id[:2]}/{media_id}"
        await asyncio.to_thread(_write, self._data_dir / path, crypto.ring().encrypt(content, media_context(media_id)))
        async with self._db.begin() as session:
            session.add(
                Media(
                    id=media_id, openid=openid, kind=kind, content_type=content_type, size=len(content), path=path,
                    created_at=self._clock.now(),
                ),
            )
        return media_id

    async def read(self, media_id: str) -> tuple[bytes, str]:
        """A file and its content type.

        Raises:
            KeyError: there is no such file.
        """
        async with self._db.read() as session:
            media = await session.get(Media, media_id)
        if media is None:
            raise KeyError(media_id)
        sealed = await asyncio.to_thread((self._data_dir / media.path).read_text, "ascii")
        return crypto.ring().decrypt(sealed, media_context(media_id)), media.content_type


def _write(path: Path, sealed: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".part")
    draft.write_text(sealed, "ascii")
    draft.replace(path)
