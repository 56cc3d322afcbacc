"""Tunes the slow sentence encoder on the examples: ``python -m bot.tune``, when the language data has changed a lot.

Writes ``bot/nlu/e5_tuned.npz``, which belongs to the repository: tuning takes half an hour of two cores, while training the
model on what it has learnt takes minutes. With ``--on`` it goes on from the last tuning, which needs fewer ``--epochs``.
Sentences held apart for evaluation are never read here.
"""

from __future__ import annotations

import argparse
import os

import numpy as np

from bot.environment import configure_logging, prepare
from bot.nlu.e5_model import CENTRE, TUNED_FILE, PackedModel, load_tuned, read_tuned

AT_ONCE = 256  # texts


def main() -> None:
    """Tune, and keep what was learnt."""
    prepare()
    from bot.evaluation.examples import training_messages
    from bot.nlu.e5_tuning import Settings, tune

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--on", action="store_true", help="go on from the last tuning")
    parser.add_argument("--epochs", type=int, default=Settings().epochs)
    arguments = parser.parse_args()
    configure_logging()
    messages = training_messages()
    texts = [message.get("text") for message in messages]
    labels = [message.get("intent") for message in messages]
    print(f"  {len(texts)} examples of {len(set(labels))} intents ...", flush=True)
    learnt = read_tuned() if arguments.on else {}
    settings = Settings(epochs=arguments.epochs)
    tuned = tune(PackedModel(), learnt, texts, labels, settings, lambda told: print(f"  {told}", flush=True))
    np.savez_compressed(TUNED_FILE, **tuned)
    engine = load_tuned(threads=os.cpu_count() or 1)
    vectors = np.vstack([engine.query(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)])
    np.savez_compressed(TUNED_FILE, **tuned, **{CENTRE: vectors.mean(axis=0)})
    print(f"Wrote {TUNED_FILE}")


if __name__ == "__main__":
    main()
