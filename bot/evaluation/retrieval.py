"""How well the knowledge base's entries are found for phrasings that they have not learnt."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

from bot.environment import ROOT
from bot.evaluation.scores import share

CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6)
OFFERED = 3  # of actions/faq.py


class AtOnce(NamedTuple):
    """What answering at once from a confidence on would do.

    ``answered``: the share answered at once; ``right``: of these; ``offered``: of the others, the share in which the right
    entry is among those offered.
    """

    answered: float
    right: float
    offered: float


class RetrievalScores(NamedTuple):
    """Figures over all phrasings, each left out in turn; ``misses`` are not even among the entries offered."""

    entries: int
    phrasings: int
    first: float
    among: float
    category: float
    at_once: Dict[str, AtOnce]
    misses: List[Tuple[str, str, str]]  # id of the right entry, of the one found, phrasing


def measure_retrieval() -> RetrievalScores:
    """Index the knowledge base and look up every phrasing as though it were not in it."""
    import numpy as np

    from bot.nlu.faq import FaqRetriever, learn_folder

    settings = FaqRetriever.get_default_config()
    learnt = learn_folder(ROOT / settings["path"], settings["embedding_weight"])
    order = np.argsort(-learnt.held_out, axis=1)
    first = order[:, 0] == learnt.truth
    among = (order[:, :OFFERED] == learnt.truth[:, None]).any(axis=1)
    sure = np.array([learnt.index.confidences(scores).max() for scores in learnt.held_out])
    ids = [each for each, _ in learnt.index.entries]
    keys = np.array([key for _, key in learnt.index.entries])
    at_once = {
        f"{least}": AtOnce(share(sure >= least), share(first[sure >= least]), share(among[sure < least]))
        for least in CONFIDENCES
    }
    misses = [(ids[learnt.truth[row]], ids[order[row, 0]], learnt.phrasings[row]) for row in np.flatnonzero(~among)]
    category = share(keys[order[:, 0]] == keys[learnt.truth])
    return RetrievalScores(len(keys), len(first), share(first), share(among), category, at_once, misses)
