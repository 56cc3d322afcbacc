"""Messages that hold more than one request: 查下水费，再报个修 is ``bill_current+repair_report``.

``RequestSplitter``, first in the pipeline, cuts a message where a new request may begin and puts the pieces beside it, so that
every other component reads them as messages of their own. ``RequestJoiner``, last, keeps a cut where both sides are
plainly different requests, and drops the pieces. The policy then has the requests done one after the other (``bot/policy.py``).
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME, INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import (
    ENTITIES,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message

REQUESTS = "requests"  # key of the parse: text, intent, intent_ranking and entities of each request
SEPARATOR = "+"  # between the names of a multi-intent, as in Rasa
_PIECES = "request_pieces"
IS_PIECE = "is_request_piece"

STRONG, MARK, WEAK = 2, 1, 0  # how plainly a cut announces a new request
# 顺便、另外… announce one; 再 does where a verb follows (再查一下), not in 再见 or 再说一遍; 和 may also just join two nouns.
_MARKS = r"[，,。；;！!？?\n、\s]"
_CUT = re.compile(
    rf"{_MARKS}*(?P<word>然后|顺便|顺带|捎带|还有(?!多|几|没|一?[天个])|另外|并且|同时|以及|完了再|接着|对了|哦对|再(?=[查看帮给问报交付订开办约])|还(?=[想要]))"
    rf"|(?P<mark>{_MARKS}+)"
    r"|(?P<and>(?<=..)[和跟](?=...))"
)
_STRENGTHS = {"word": STRONG, "mark": MARK, "and": WEAK}
_LEADING = re.compile(r"^(?:[\s，,。；;！!？?、]|然后|顺便|顺带|捎带|还有|另外|并且|同时|以及|完了|接着|对了|哦对|[和跟])+")
SHORTEST_PIECE = 2  # characters
LONGEST_TEXT = 200  # characters; longer messages tell a story
MOST_PIECES = 3


class Cut(NamedTuple):
    """A place where a new request may begin, and how plainly it does."""

    at: int
    strength: int


def find_cuts(text: str) -> List[Cut]:
    """The places in ``text`` where a new request may begin, the plainest ``MOST_PIECES - 1`` of them, in order."""
    found = (Cut(match.start(), _STRENGTHS[str(match.lastgroup)]) for match in _CUT.finditer(text))
    cuts = [cut for cut in found if _splits(text, cut.at)]
    plainest = sorted(cuts, key=lambda cut: (-cut.strength, cut.at))[: MOST_PIECES - 1]
    return sorted(plainest)


def _splits(text: str, at: int) -> bool:
    return min(len(trim(text[:at])), len(trim(text[at:]))) >= SHORTEST_PIECE


def trim(piece: str) -> str:
    """A piece without the marks and joining words at its beginning and the marks at its end."""
    return _LEADING.sub("", piece).rstrip(" ，,。；;！!？?、\n")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RequestSplitter(GraphComponent, IntentClassifier):
    """Puts the pieces of a message beside it. First in the pipeline."""

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RequestSplitter:
        """Nothing to load."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """The messages, and after them every piece that may be a request."""
        pieces: List[Message] = []
        for message in messages:
            pieces += self._cut(message)
        return [*messages, *pieces]

    @staticmethod
    def _cut(message: Message) -> List[Message]:
        text = str(message.get(TEXT) or "")
        if text.startswith(INTENT_MESSAGE_PREFIX) or len(text) > LONGEST_TEXT:
            return []
        cuts = find_cuts(text)
        if not cuts:
            return []
        edges = [0, *(cut.at for cut in cuts), len(text)]
        found: Dict[Tuple[int, int], Message] = {}
        for first, last in combinations(range(len(edges)), 2):
            if (first, last) != (0, len(edges) - 1):
                piece = trim(text[edges[first] : edges[last]])
                found[first, last] = Message({TEXT: piece, IS_PIECE: True}, output_properties={TEXT})
        message.set(_PIECES, (cuts, found))
        return list(found.values())


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RequestJoiner(GraphComponent, IntentClassifier):
    """Decides where a message really holds several requests, and drops the pieces. Last in the pipeline."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Settings.

        ``families``: intents that tell of one matter (没水了，什么时候来 is one question). ``never``: intents that are no
        requests. ``sure``: the least confidence of a piece after a joining word, after a mark, and after 和, and between two
        of a family (``kin``) where no word joins them.
        """
        return {"families": [], "never": [], "sure": {"word": 0.5, "mark": 0.95, "and": 0.97, "kin": 0.99}}

    def __init__(self, config: Dict[str, Any]) -> None:
        self._never: FrozenSet[str] = frozenset(config["never"]) | {DEFAULT_NLU_FALLBACK_INTENT_NAME}
        self._families: List[FrozenSet[str]] = [frozenset(family) for family in config["families"]]
        sure = config["sure"]
        self._least = {STRONG: sure["word"], MARK: sure["mark"], WEAK: sure["and"]}
        self._least_of_kin: float = sure["kin"]

    @classmethod
    def create(
        cls, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RequestJoiner:
        """Nothing to load."""
        return cls(config)

    def process(self, messages: List[Message]) -> List[Message]:
        """The messages without their pieces; ``requests`` and a joined intent where there are several."""
        whole = [message for message in messages if not message.get(IS_PIECE)]
        for message in whole:
            requests = self._requests(message)
            if requests:
                _join(message, requests)
        return whole

    def _requests(self, message: Message) -> List[Message]:
        if not message.get(_PIECES):
            return []
        cuts, found = message.get(_PIECES)
        last = len(cuts) + 1
        best: List[Message] = []
        surest = 0.0
        for count in range(1, len(cuts) + 1):
            for inner in combinations(range(1, last), count):
                edges = [0, *inner, last]
                pieces = [found[start, end] for start, end in pairwise(edges)]
                sure = self._sureness(pieces, [cuts[edge - 1] for edge in inner])
                if sure is not None and sure > surest:
                    best, surest = pieces, sure
        return best

    def _sureness(self, pieces: Sequence[Message], cuts: Sequence[Cut]) -> Optional[float]:
        """The least confidence of the pieces, or None where they are not different requests that are understood."""
        guesses = [_best(piece) for piece in pieces]
        names = [name for name, _ in guesses]
        if len(set(names)) < len(names) or self._never & set(names):
            return None
        for cut, ((before, sure_before), (after, sure_after)) in zip(cuts, pairwise(guesses), strict=True):
            least = self._least[cut.strength]
            if cut.strength < STRONG and any({before, after} <= family for family in self._families):
                least = max(least, self._least_of_kin)
            if min(sure_before, sure_after) < least:
                return None
        return min(confidence for _, confidence in guesses)


def _best(piece: Message) -> Tuple[str, float]:
    intent = piece.get(INTENT) or {}
    name = intent.get(INTENT_NAME_KEY) or DEFAULT_NLU_FALLBACK_INTENT_NAME
    return str(name), float(intent.get(PREDICTED_CONFIDENCE_KEY) or 0)


def _join(message: Message, pieces: Sequence[Message]) -> None:
    joined = {
        INTENT_NAME_KEY: SEPARATOR.join(_best(piece)[0] for piece in pieces),
        PREDICTED_CONFIDENCE_KEY: min(_best(piece)[1] for piece in pieces),
    }
    ranking = [joined, *(message.get(INTENT_RANKING_KEY) or [])]
    message.set(REQUESTS, [_parse_of(piece) for piece in pieces], add_to_output=True)
    message.set(INTENT, joined, add_to_output=True)
    message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)


def _parse_of(piece: Message) -> Dict[str, Any]:
    parse: Dict[str, Any] = piece.as_dict(only_output_properties=True)
    parse.setdefault(ENTITIES, [])
    return parse
