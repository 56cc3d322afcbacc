"""What a training has learnt and the next one need not learn again: ``models/kept``.

Every part is kept under a key made of all that it was learnt from: examples, settings, code. So training after a change of
rules or responses costs seconds.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Sequence, Union

import numpy as np
import numpy.typing as npt

from bot.environment import models_dir

Array = npt.NDArray[Any]

FOLDER = "kept"
MOST_KEPT = 12  # parts of the last few trainings; older ones are thrown away
_NAME_LENGTH = 20


def key_of(*parts: Union[Array, ModuleType, Any]) -> str:
    """A hash over arrays, modules (their source) and whatever JSON can hold."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, ModuleType):
            digest.update(inspect.getsource(part).encode())
        else:
            digest.update(json.dumps(part, ensure_ascii=False, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:_NAME_LENGTH]


def learn_once(what: str, key: str, learn: Callable[[Path], None]) -> Path:
    """The folder that ``learn`` filled, now or in an earlier training.

    Args:
        what: said in the progress of the training, and part of the folder's name.
        key: see ``key_of``.
        learn: fills the folder that it is given.
    """
    kept = models_dir() / FOLDER / f"{what.replace(' ', '-')}-{key}"
    if kept.is_dir():
        print(f"  {what}: as learnt before", flush=True)
        os.utime(kept)
        return kept
    print(f"  {what}: learning ...", flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=kept.parent, prefix="."))
    try:
        learn(made)
        made.rename(kept)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _throw_old_away(kept.parent)
    return kept


def embed_once(key: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Array]) -> Array:
    """Vectors of ``texts``, of which only those that the last training did not have are computed.

    Args:
        key: of what embeds them.
        texts: may hold a text more than once.
        embed: gives one vector for each text.
    """
    path = models_dir() / FOLDER / f"vectors-{key}.npz"
    known = _read_vectors(path)
    missing = sorted(set(texts) - set(known))
    if missing:
        print(f"  embedding {len(missing)} sentences ...", flush=True)
        known |= dict(zip(missing, embed(missing), strict=True))
        wanted = sorted(set(texts))
        _write_vectors(path, wanted, np.stack([known[text] for text in wanted]))
    return np.stack([known[text] for text in texts])


def _read_vectors(path: Path) -> dict[str, Array]:
    if not path.is_file():
        return {}
    os.utime(path)
    with np.load(path) as kept:
        return dict(zip(json.loads(kept["texts"].tobytes()), kept["vectors"], strict=True))


def _write_vectors(path: Path, texts: Sequence[str], vectors: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        np.savez(file, texts=np.frombuffer(json.dumps(list(texts)).encode(), dtype=np.uint8), vectors=vectors)
    os.replace(file.name, path)
    _throw_old_away(path.parent)


def _throw_old_away(folder: Path) -> None:
    kept = sorted((path for path in folder.iterdir() if path.name[0] != "."), key=lambda path: -path.stat().st_mtime)
    for old in kept[MOST_KEPT:]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
