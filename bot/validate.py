"""Checks the language data: ``python -m bot.validate``. Rasa's own validation, and what it does not look at.

Exits with 1 and a list of what is wrong, each with the file or name to look for.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from functools import partial
from typing import Any, Callable, Dict, Iterator, Set

from bot.environment import ROOT, configure_logging, prepare

LEAST_EXAMPLES = 25
PUSHED_PREFIX = "EXTERNAL_"  # intents that the worker triggers: nobody says them
LEARNT_ENTITIES = {"alias", "name", "address", "org"}


def main() -> None:
    """Validate everything under ``data/``."""
    prepare()
    from rasa.shared.exceptions import RasaException
    from rasa.shared.importers.importer import TrainingDataImporter
    from rasa.validator import Validator

    configure_logging()
    # Our actions choose responses themselves.
    warnings.filterwarnings("ignore", message="The utterance .* is not used in any story or rule")
    warnings.filterwarnings("ignore", message=f"The intent '{PUSHED_PREFIX}.*is not found in the NLU training data")
    importer = TrainingDataImporter.load_from_config(str(ROOT / "config.yml"), str(ROOT / "domain.yml"), [str(ROOT / "data")])
    try:
        validator = Validator.from_importer(importer)
        sound = all(check() for check in _checks_of_rasa(validator))
    except RasaException as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error
    problems = [*_check_examples(importer), *_check_rules(importer)]
    for problem in problems:
        print(problem)
    if problems or not sound:
        raise SystemExit(1)
    print("The language data is sound.")


def _checks_of_rasa(validator: Any) -> Iterator[Callable[[], bool]]:
    """What ``rasa data validate --fail-on-warnings`` checks; each prints what it finds."""
    yield validator.verify_domain_validity
    yield partial(validator.verify_nlu, ignore_warnings=False)
    yield validator.verify_forms_in_stories_rules
    yield validator.verify_actions_in_stories_rules
    yield validator.verify_form_slots
    yield validator.verify_slot_mappings
    yield partial(validator.verify_story_structure, ignore_warnings=False)


def _check_examples(importer: Any) -> Iterator[str]:
    """Too few examples, the same example under two intents, entities that examples need not mark."""
    data = importer.get_nlu_data("zh")
    intents_of: Dict[str, Set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for message in data.intent_examples:
        intent, text = message.get("intent"), message.get("text")
        counts[intent] += 1
        intents_of[text].add(intent)
        marked = {entity["entity"] for entity in message.get("entities", [])} - LEARNT_ENTITIES
        if marked:
            yield f"{intent}: “{text}” marks {', '.join(sorted(marked))}, which the value component finds by itself"
    for intent, count in sorted(counts.items()):
        if count < LEAST_EXAMPLES:
            yield f"{intent}: {count} examples; at least {LEAST_EXAMPLES} are needed"
    for text, intents in intents_of.items():
        if len(intents) > 1:
            yield f"“{text}” is an example of {' and '.join(sorted(intents))}"


def _check_rules(importer: Any) -> Iterator[str]:
    """Intents that no rule answers: the customer would get silence."""
    from rasa.shared.core.constants import DEFAULT_INTENTS

    domain, stories = importer.get_domain(), importer.get_stories()
    answered = {event.intent_name for step in stories.story_steps for event in step.events if hasattr(event, "intent_name")}
    for intent in sorted(set(domain.intents) - answered - set(DEFAULT_INTENTS)):
        if not intent.startswith(PUSHED_PREFIX):
            yield f"{intent}: no rule answers it"


if __name__ == "__main__":
    main()
