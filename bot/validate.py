"""Checks the language data: ``python -m bot.validate``. Rasa's own validation, and what it does not look at.

Exits with 1 and a list of what is wrong, each with the file or name to look for. Examples that are nearly alike are no mistake,
but teach little: ``--near`` lists them.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from functools import partial
from typing import Any, Callable, DefaultDict, Iterator, List, Sequence

from bot.environment import ROOT, configure_logging, prepare
from bot.likeness import alike, count_varied, near_pairs

LEAST_EXAMPLES = 40  # of each intent, those left out that are nearly the same as another
MOST_MACHINE_MADE = 0.1  # of all examples: real customers do not write like machines
MACHINE_MADE = "machine_made"  # in an example's metadata
PUSHED_PREFIX = "EXTERNAL_"  # intents that the worker triggers: nobody says them
LEARNT_ENTITIES = {"alias", "name", "address", "org"}


def main() -> None:
    """Validate everything under ``data/``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--near", action="store_true", help="list examples that are nearly alike")
    arguments = parser.parse_args()
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
    if arguments.near:
        _print_near(importer)
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
    """Too few, repeated, machine-made ones, and entities that examples need not mark."""
    messages = list(importer.get_nlu_data("zh").intent_examples)
    yield from _check_marks(messages)
    yield from _check_counts(messages)
    yield from _check_repeated(messages)
    machine_made = sum(_is_machine_made(message) for message in messages)
    if machine_made > MOST_MACHINE_MADE * len(messages):
        yield f"{machine_made} of {len(messages)} examples are machine-made; at most {MOST_MACHINE_MADE:.0%} may be"


def _check_marks(messages: Sequence[Any]) -> Iterator[str]:
    for message in messages:
        marked = {entity["entity"] for entity in message.get("entities", [])} - LEARNT_ENTITIES
        if marked:
            yield (
                f"{message.get('intent')}: “{message.get('text')}” marks {', '.join(sorted(marked))}, "
                "which the value component finds by itself"
            )


def _check_counts(messages: Sequence[Any]) -> Iterator[str]:
    texts_of: DefaultDict[str, List[str]] = defaultdict(list)
    for message in messages:
        texts_of[message.get("intent")].append(message.get("text"))
    for intent, texts in sorted(texts_of.items()):
        varied = count_varied(texts)
        if varied < LEAST_EXAMPLES:
            yield f"{intent}: {varied} varied examples; at least {LEAST_EXAMPLES} are needed"


def _check_repeated(messages: Sequence[Any]) -> Iterator[str]:
    """The same example twice, also where marks, spaces or capitals differ."""
    texts = [message.get("text") for message in messages]
    for group in alike(texts):
        intents = sorted({messages[place].get("intent") for place in group})
        said = " and ".join(f"“{texts[place]}”" for place in group)
        yield f"{' and '.join(intents)}: {said} are the same example"


def _is_machine_made(message: Any) -> bool:
    metadata = (message.get("metadata") or {}).get("example")
    return isinstance(metadata, dict) and bool(metadata.get(MACHINE_MADE))


def _print_near(importer: Any) -> None:
    messages = list(importer.get_nlu_data("zh").intent_examples)
    pairs = near_pairs([message.get("text") for message in messages])
    for first, second, likeness in pairs:
        one, other = messages[first], messages[second]
        print(f"  {likeness:.2f}  {one.get('intent')}: {one.get('text')}    {other.get('intent')}: {other.get('text')}")
    print(f"{len(pairs)} pairs of {len(messages)} examples are nearly alike")


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
