"""Re-encrypts everything with the active key: ``python -m store.rotate``, after a new key was put first in ``FIELD_KEY``.

It works in small batches beside the running processes, can be stopped and started again, and ends with a count for each
place. When it reports nothing left, the old key may be taken out of ``FIELD_KEY``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Text, and_, select, tuple_, type_coerce, update

from runxia.settings import load_settings
from store import crypto
from store.crypto import CryptoError, EncryptedText, KeyRing, media_context
from store.db import Database
from store.models import Base, Media

BATCH = 200


async def rotate(db: Database, ring: KeyRing, data_dir: Path, batch: int = BATCH) -> dict[str, int]:
    """Re-encrypt all values and media files that another key than the active one encrypted.

    Returns:
        How many were re-encrypted, by ``table.column``, and ``media files``.

    Raises:
        CryptoError: a value can be read with no key given; what came before it is done.
    """
    counts = {kind.context: await _rotate_column(db, ring, column, kind, batch) for column, kind in _encrypted_columns()}
    counts["media files"] = await _rotate_media(db, ring, data_dir, batch)
    return counts


def _encrypted_columns() -> Iterator[tuple[Column[Any], EncryptedText]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, EncryptedText):
                yield column, column.type


async def _rotate_column(db: Database, ring: KeyRing, column: Column[Any], kind: EncryptedText, batch: int) -> int:
    """Go through a column in the order of its primary key, so that each row is looked at once."""
    count = 0
    keys = list(column.table.primary_key.columns)
    stored = type_coerce(column, Text)
    stale = and_(column.is_not(None), ~stored.startswith(f"{ring.active}.", autoescape=True))
    after: list[Any] = []
    while True:
        beyond = [tuple_(*keys) > tuple_(*after)] if after else []
        async with db.read() as session:
            rows = (await session.execute(select(*keys, stored).where(stale, *beyond).order_by(*keys).limit(batch))).all()
        if not rows:
            return count
        async with db.begin() as session:
            for *key, old in rows:
                new = ring.encrypt(ring.decrypt(old, kind.context), kind.context)
                this = [each == value for each, value in zip(keys, key, strict=True)]
                # Where somebody wrote meanwhile, the value is new already.
                changed = await session.execute(
                    update(column.table).where(*this, stored == old).values({column: type_coerce(new, Text)}).returning(*keys),
                )
                count += len(changed.all())
        after = list(rows[-1][:-1])


async def _rotate_media(db: Database, ring: KeyRing, data_dir: Path, batch: int) -> int:
    count, after = 0, ""
    while True:
        async with db.read() as session:
            rows = (await session.execute(
                select(Media.id, Media.path).where(Media.id > after).order_by(Media.id).limit(batch),
            )).all()
        if not rows:
            return count
        for media_id, path in rows:
            count += await asyncio.to_thread(_rotate_file, ring, data_dir / path, media_context(media_id))
        after = rows[-1].id


def _rotate_file(ring: KeyRing, path: Path, context: str) -> bool:
    """Replace one file in one step, so that it is whole at any moment; whether it had to be."""
    sealed = path.read_text("ascii")
    if ring.is_current(sealed):
        return False
    draft = path.with_suffix(".part")
    draft.write_text(ring.encrypt(ring.decrypt(sealed, context), context), "ascii")
    draft.replace(path)
    return True


async def _run() -> None:
    settings = load_settings()
    ring = KeyRing.parse(settings.field_key.get_secret_value())
    crypto.use(ring)
    db = Database(settings.database_url)
    try:
        counts = await rotate(db, ring, settings.data_dir)
    finally:
        await db.close()
    for place, count in counts.items():
        sys.stdout.write(f"{place}: {count}\n")
    sys.stdout.write(f"All is encrypted with key {ring.active}. Older keys may be taken out of FIELD_KEY.\n")


def main() -> None:
    """The command line."""
    try:
        asyncio.run(_run())
    except CryptoError as error:
        sys.exit(f"Not finished: {error}. Put the key back into FIELD_KEY and start again.")


if __name__ == "__main__":
    main()
