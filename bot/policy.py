"""The one dialogue policy: rules, forms that come back after a digression, and several requests done in order."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import LoopInterrupted
from rasa.shared.core.trackers import DialogueStateTracker

from bot.nlu.requests import REQUESTS

NEXT_REQUEST = "action_next_request"  # puts the next request to the rules as if the customer had just said it
REQUESTS_LEFT = "requests_left"  # slot: what is still to be done of the customer's requests


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FormKeepingRulePolicy(RulePolicy):
    """Rasa's RulePolicy that also runs an interrupted form again once the digression is answered, and takes requests in turn.

    The stock policy does so only where a rule of the digression ends in listening. Here a digression may also be answered by
    an action that hands on to another one (``FollowupAction``), for which no rule predicts anything.
    """

    def _predict(self, tracker: DialogueStateTracker, domain: Domain) -> Tuple[PolicyPrediction, Optional[str]]:
        if self._holds_requests(tracker):
            return self._prediction(self._prediction_result(NEXT_REQUEST, tracker, domain)), None
        prediction, source = super()._predict(tracker, domain)
        form = tracker.active_loop_name
        if form is None and self._has_request_left(tracker) and self._would_end_turn(prediction, None, domain):
            return self._prediction(self._prediction_result(NEXT_REQUEST, tracker, domain)), source
        if form is None or not self._digression_answered(tracker) or not self._would_end_turn(prediction, form, domain):
            return prediction, source
        again = self._prediction_result(form, tracker, domain)
        # LoopInterrupted: the form asks again and does not read the digression as an answer.
        return (
            PolicyPrediction(
                again, type(self).__name__, self.priority, events=[LoopInterrupted(True)], is_no_user_prediction=True
            ),
            source,
        )

    @staticmethod
    def _holds_requests(tracker: DialogueStateTracker) -> bool:
        """Whether the customer has just asked for several things."""
        said = tracker.latest_message
        return tracker.latest_action_name == ACTION_LISTEN_NAME and bool(said and (said.parse_data or {}).get(REQUESTS))

    @staticmethod
    def _has_request_left(tracker: DialogueStateTracker) -> bool:
        """Whether the request before is done and another one waits."""
        return tracker.latest_action_name != ACTION_LISTEN_NAME and bool(tracker.get_slot(REQUESTS_LEFT))

    @staticmethod
    def _digression_answered(tracker: DialogueStateTracker) -> bool:
        """Whether the form refused the message and another action has run since."""
        return bool(tracker.is_active_loop_rejected) and tracker.latest_action_name != ACTION_LISTEN_NAME

    @staticmethod
    def _would_end_turn(prediction: PolicyPrediction, form: Optional[str], domain: Domain) -> bool:
        chosen = domain.action_names_or_texts[prediction.probabilities.index(prediction.max_confidence)]
        return chosen in (ACTION_LISTEN_NAME, form)

    def _default_predictions(self, domain: Domain) -> Any:
        """Nothing applies: listen, so that a chain of followed-up actions ends the turn."""
        result = super()._default_predictions(domain)
        if not any(result):
            result[domain.index_for_action(ACTION_LISTEN_NAME)] = self.config["core_fallback_threshold"]
        return result
