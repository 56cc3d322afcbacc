"""The one dialogue policy: rules, and forms that come back after a digression."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import LoopInterrupted
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class FormKeepingRulePolicy(RulePolicy):
    """Rasa's RulePolicy that also runs an interrupted form again once the digression is answered.

    The stock policy does so only where a rule of the digression ends in listening. Here a digression may also be answered by
    an action that hands on to another one (``FollowupAction``), for which no rule predicts anything.
    """

    def _predict(self, tracker: DialogueStateTracker, domain: Domain) -> Tuple[PolicyPrediction, Optional[str]]:
        prediction, source = super()._predict(tracker, domain)
        form = tracker.active_loop_name
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
    def _digression_answered(tracker: DialogueStateTracker) -> bool:
        """Whether the form refused the message and another action has run since."""
        return bool(tracker.is_active_loop_rejected) and tracker.latest_action_name != ACTION_LISTEN_NAME

    @staticmethod
    def _would_end_turn(prediction: PolicyPrediction, form: str, domain: Domain) -> bool:
        chosen = domain.action_names_or_texts[prediction.probabilities.index(prediction.max_confidence)]
        return chosen in (ACTION_LISTEN_NAME, form)

    def _default_predictions(self, domain: Domain) -> Any:
        """Nothing applies: listen, so that a chain of followed-up actions ends the turn."""
        result = super()._default_predictions(domain)
        if not any(result):
            result[domain.index_for_action(ACTION_LISTEN_NAME)] = self.config["core_fallback_threshold"]
        return result
