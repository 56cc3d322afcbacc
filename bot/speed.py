"""Work that Rasa 3.6 repeats with every message though its result never changes, done once.

Rasa is frozen at this version, so these two replacements need no upkeep. ``make bench`` shows what they are worth: together
they are more than half of the dialogue engine's time for a message.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict


def make_quick() -> None:
    """Replace what is slow. To be called before the server starts, when Rasa's modules are imported."""
    _check_answers_with_one_validator()
    _remember_subclasses()


def _check_answers_with_one_validator() -> None:
    """Rasa checks each answer of the action server by ``jsonschema.validate``, which first checks the schema itself."""
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def check(_action: RemoteAction, result: Dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = check


def _remember_subclasses() -> None:
    """Rasa walks all kinds of events anew for each event that it reads from the tracker store."""
    from rasa.shared.utils import common

    common.all_subclasses = lru_cache(maxsize=None)(common.all_subclasses)
