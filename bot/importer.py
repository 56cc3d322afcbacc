"""Reads the training data: one file per capability in each folder of ``data/``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.exceptions import RasaException, YamlException
from rasa.shared.importers import utils
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_model_configuration, read_yaml_file

from runxia.faq import BrokenFaq, FaqCategory, read_faq

# Sections of a domain file in which a name belongs to one file only. Entities may be named wherever they are used.
OWNED_LISTS = ("intents", "actions")
OWNED_TABLES = ("slots", "forms", "responses")
SHARED_LISTS = ("entities", "e2e_actions")
SETTINGS = ("version", "session_config", "config")


class BrokenTrainingData(RasaException):
    """A file of training data that cannot be used; the message names the file and what is wrong with it."""


class CapabilityImporter(TrainingDataImporter):
    """Merges ``domain.yml`` with ``domain/`` and ``responses/``, and reads ``nlu/``, ``rules/`` and ``stories/``.

    Named in ``config.yml``, so that ``rasa train``, ``rasa data validate`` and the server all read the same data.
    """

    def __init__(
        self,
        config_file: Optional[str] = None,
        domain_path: Optional[str] = None,
        training_data_paths: Optional[Union[List[str], str]] = None,
    ) -> None:
        paths = [training_data_paths] if isinstance(training_data_paths, str) else training_data_paths or []
        self._config_file = config_file
        self._domain_file = Path(domain_path) if domain_path else None
        self._folders = [Path(path) for path in paths]

    def get_config(self) -> Dict[str, Any]:
        """The model configuration."""
        return read_model_configuration(self._config_file) if self._config_file else {}

    def get_config_file_for_auto_config(self) -> Optional[str]:
        """The configuration file that Rasa may complete with defaults."""
        return self._config_file

    def get_domain(self) -> Domain:
        """The domain, merged from all files.

        Raises:
            BrokenTrainingData: a file is broken, or two files define the same intent, action, slot, form or response.
        """
        files = [self._domain_file] if self._domain_file and self._domain_file.is_file() else []
        domain = merge_domains([*files, *self._files("domain"), *self._files("responses")])
        with _naming_the_file():
            # What Rasa asks for of a retrieval intent; the answers themselves are given by actions/faq.py.
            titles = {f"utter_faq/{each.name}": [{"text": each.title}] for each in self._faq()}
        return Domain.from_dict({**domain, "responses": {**domain.get("responses", {}), **titles}})

    def get_stories(self, exclusion_percentage: Optional[int] = None) -> StoryGraph:
        """Rules and stories.

        Raises:
            BrokenTrainingData: a file is broken.
        """
        files = [str(path) for path in [*self._files("rules"), *self._files("stories")]]
        with _naming_the_file():
            return utils.story_graph_from_paths(files, self.get_domain(), exclusion_percentage)

    def get_conversation_tests(self) -> StoryGraph:
        """None: conversations are tested through the whole stack, by ``tests/dialogue``."""
        return StoryGraph([])

    def get_nlu_data(self, language: Optional[str] = "zh") -> TrainingData:
        """Examples of what customers say, those of the knowledge base included (word lists are the tokenizer's).

        Raises:
            BrokenTrainingData: a file is broken.
        """
        with _naming_the_file():
            written = utils.training_data_from_paths([str(path) for path in self._files("nlu")], language or "zh")
            return written.merge(TrainingData(self._faq_examples()))

    def _faq_examples(self) -> List[Message]:
        """Questions and phrasings as examples of ``faq/<category>``."""
        return [
            Message.build(text, entry.key)
            for category in self._faq()
            for entry in category.entries
            for text in (entry.question, *entry.phrasings)
        ]

    def _faq(self) -> Iterator[FaqCategory]:
        for folder in self._folders:
            yield from read_faq(folder / "faq")

    def _files(self, kind: str) -> Iterator[Path]:
        for folder in self._folders:
            yield from sorted((folder / kind).glob("*.yml"))


@contextmanager
def _naming_the_file() -> Iterator[None]:
    """Turn an error about a file, whose text names the file, into ours."""
    try:
        yield
    except (YamlException, BrokenFaq) as error:
        raise BrokenTrainingData(str(error)) from error


def read_words(path: Path) -> List[str]:
    """The words of a list, one on a line, without empty lines."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def merge_domains(files: List[Path]) -> Dict[str, Any]:
    """One domain as a dictionary from several files.

    Raises:
        BrokenTrainingData: see ``CapabilityImporter.get_domain``.
    """
    merged: Dict[str, Any] = {}
    owners: Dict[Tuple[str, str], Path] = {}
    for path in files:
        for section, content in _read_table(path).items():
            if section in SETTINGS:
                merged[section] = content
            elif section in OWNED_LISTS + SHARED_LISTS:
                _merge_list(merged.setdefault(section, []), section, content, path, owners)
            elif section in OWNED_TABLES:
                _merge_table(merged.setdefault(section, {}), section, content, path, owners)
            else:
                raise BrokenTrainingData(f"{path}: there is no section '{section}' in a domain")
    return merged


def _merge_list(into: List[Any], section: str, content: Any, path: Path, owners: Dict[Tuple[str, str], Path]) -> None:
    if not isinstance(content, list):
        raise BrokenTrainingData(f"{path}: '{section}' must be a list")
    for entry in content:
        name = str(next(iter(entry)) if isinstance(entry, dict) else entry)
        if section in OWNED_LISTS:
            _claim(owners, section, name, path)
        elif entry in into:
            continue
        into.append(entry)


def _merge_table(into: Dict[str, Any], section: str, content: Any, path: Path, owners: Dict[Tuple[str, str], Path]) -> None:
    if not isinstance(content, dict):
        raise BrokenTrainingData(f"{path}: '{section}' must be a table of names")
    for name, value in content.items():
        _claim(owners, section, str(name), path)
        into[name] = value


def _claim(owners: Dict[Tuple[str, str], Path], section: str, name: str, path: Path) -> None:
    owner = owners.setdefault((section, name), path)
    if owner is not path:
        raise BrokenTrainingData(f"{path}: {section} '{name}' is defined in {owner} already")


def _read_table(path: Path) -> Dict[str, Any]:
    try:
        content = read_yaml_file(path)
    except YamlException as error:
        raise BrokenTrainingData(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise BrokenTrainingData(f"{path}: must hold named sections, such as 'intents:' or 'nlu:'")
    return content
