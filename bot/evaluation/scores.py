"""From truths and what was heard to figures. Nothing here knows a model."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Counter as CounterOf
from typing import DefaultDict, Dict, Iterable, List, NamedTuple, Sequence, Tuple

from bot.evaluation.examples import Entity, Heard, Truth
from bot.nlu.requests import SEPARATOR

OUT_OF_SCOPE = "oos"
ALL = "all"
CHOICES = 2  # meanings offered when asking back: CHOICES of actions/basics.py

Confusion = Tuple[str, str]  # what it was, what was heard


class Rates(NamedTuple):
    """How well one thing is found, of ``total`` that there are."""

    precision: float
    recall: float
    f1: float
    total: int

    @classmethod
    def of(cls, right: int, found: int, marked: int) -> Rates:
        """From how many were right, how many were found and how many there are."""
        return cls(right / max(1, found), right / max(1, marked), 2 * right / max(1, found + marked), marked)


class IntentScores(NamedTuple):
    """How well intents are understood. Asking back is never counted as right.

    ``best_guess``: the share in which the likeliest intent was right, were it acted on however unsure;
    ``asked_back``: the share that was answered by a question; ``asked_well``: of these, the share in which the right intent
    was among the choices offered; ``out_of_scope``: F1 of what the assistant cannot do.
    """

    total: int
    accuracy: float
    macro_f1: float
    best_guess: float
    asked_back: float
    asked_well: float
    out_of_scope: float
    by_intent: Dict[str, Rates]


class RequestScores(NamedTuple):
    """How well messages with several requests are understood.

    ``exact``: all requests in their order; ``parts``: of the single requests; ``torn``: the share of messages with one request
    only in which several were heard.
    """

    total: int
    exact: float
    parts: Rates
    torn: float


def score_intents(truths: Sequence[Truth], heard: Sequence[Heard]) -> IntentScores:
    """Figures over messages with one request each."""
    pairs = list(zip(truths, heard, strict=True))
    by_intent = rates_of([truth.intent for truth in truths], [each.intent for each in heard])
    asked = [(truth, each) for truth, each in pairs if each.asks_back]
    return IntentScores(
        total=len(pairs),
        accuracy=share(truth.intent == each.intent for truth, each in pairs),
        macro_f1=sum(rates.f1 for rates in by_intent.values()) / max(1, len(by_intent)),
        best_guess=share(truth.intent == each.best_guess for truth, each in pairs),
        asked_back=len(asked) / max(1, len(pairs)),
        asked_well=share(truth.intent in each.guesses[:CHOICES] for truth, each in asked),
        out_of_scope=by_intent[OUT_OF_SCOPE].f1 if OUT_OF_SCOPE in by_intent else 0.0,
        by_intent=by_intent,
    )


def rates_of(truth: Sequence[str], heard: Sequence[str]) -> Dict[str, Rates]:
    """Precision, recall and F1 of every label that is true somewhere."""
    right = Counter(name for name, guess in zip(truth, heard, strict=True) if name == guess)
    found, marked = Counter(heard), Counter(truth)
    return {name: Rates.of(right[name], found[name], marked[name]) for name in sorted(marked)}


def by_register(truths: Sequence[Truth], heard: Sequence[Heard]) -> Dict[str, Tuple[int, float]]:
    """Number of messages and accuracy for each way of speaking, the best understood first."""
    right: DefaultDict[str, List[bool]] = defaultdict(list)
    for truth, each in zip(truths, heard, strict=True):
        right[truth.register].append(truth.intent == each.intent)
    return dict(sorted(((name, (len(all_), share(all_))) for name, all_ in right.items()), key=lambda item: -item[1][1]))


def score_requests(truths: Sequence[Truth], heard: Sequence[Heard]) -> RequestScores:
    """Figures over messages with several requests, and what is torn apart among the others."""
    pairs = list(zip(truths, heard, strict=True))
    several = [(truth, each) for truth, each in pairs if len(truth.requests) > 1]
    parts = [(Counter(truth.requests), Counter(each.intent.split(SEPARATOR))) for truth, each in several]
    return RequestScores(
        total=len(several),
        exact=share(truth.intent == each.intent for truth, each in several),
        parts=Rates.of(
            sum((true & found).total() for true, found in parts),
            sum(found.total() for _, found in parts),
            sum(true.total() for true, _ in parts),
        ),
        torn=share(SEPARATOR in each.intent for truth, each in pairs if len(truth.requests) == 1),
    )


def score_entities(truths: Sequence[CounterOf[Entity]], heard: Sequence[CounterOf[Entity]]) -> Dict[str, Rates]:
    """Rates of every kind that is marked somewhere, and of ``all`` of them; kind and words must be right."""
    kinds = {kind for truth in truths for kind, _ in truth}
    right: CounterOf[str] = Counter()
    found: CounterOf[str] = Counter()
    marked: CounterOf[str] = Counter()
    for truth, each in zip(truths, heard, strict=True):
        right.update(_by_kind(truth & each))
        found.update(_by_kind(Counter({entity: count for entity, count in each.items() if entity[0] in kinds})))
        marked.update(_by_kind(truth))
    scores = {kind: Rates.of(right[kind], found[kind], marked[kind]) for kind in sorted(kinds)}
    return {**scores, ALL: Rates.of(right.total(), found.total(), marked.total())}


def _by_kind(entities: CounterOf[Entity]) -> CounterOf[str]:
    kinds: CounterOf[str] = Counter()
    for (kind, _), count in entities.items():
        kinds[kind] += count
    return kinds


def confusions(truths: Sequence[Truth], heard: Sequence[Heard]) -> List[Tuple[Confusion, List[str]]]:
    """What was taken for what, with the sentences, the most frequent first."""
    wrong: DefaultDict[Confusion, List[str]] = defaultdict(list)
    for truth, each in zip(truths, heard, strict=True):
        if truth.intent != each.intent:
            wrong[truth.intent, each.intent].append(truth.text)
    return sorted(wrong.items(), key=lambda item: (-len(item[1]), item[0]))


def share(flags: Iterable[bool]) -> float:
    """How many of some yes or no are yes; 0 of none."""
    found = list(flags)
    return sum(found) / max(1, len(found))


def percentile(times: Sequence[float], percent: int) -> float:
    """The time that ``percent`` of 100 do not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
