"""Our data as stock Rasa takes it: the rules, and the same turns as stories, which TED learns from. Python 3.10."""

from __future__ import annotations

from typing import Any

from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.utils.io import read_yaml_file

from bot.importer import CapabilityImporter


class StockImporter(CapabilityImporter):
    """Adds a story for each rule that is a plain turn."""

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """Rules, stories, and the rules' turns as stories."""
        stories = [story for path in self._files("rules") for story in _turns(read_yaml_file(str(path)))]
        steps = YAMLStoryReader().read_from_parsed_yaml({"version": "3.1", "stories": stories})
        return super().get_stories(exclusion_percentage).merge(StoryGraph(steps))


def _turns(content: Any) -> list[dict[str, Any]]:
    """The rules that neither open nor close a form, as stories."""
    return [
        {"story": f"turn: {rule['rule']}", "steps": rule["steps"]}
        for rule in content.get("rules", [])
        if not any("active_loop" in step or "slot_was_set" in step for step in rule["steps"])
    ]
