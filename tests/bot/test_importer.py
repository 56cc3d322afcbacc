"""The importer: what it merges, and what it tells a trainer whose file is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.importer import BrokenTrainingData, CapabilityImporter


def write(folder: Path, files: dict[str, str]) -> CapabilityImporter:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return CapabilityImporter(None, str(folder / "domain.yml"), [str(folder / "data")])


def test_domain_and_responses_are_merged_from_all_capabilities(tmp_path: Path) -> None:
    importer = write(
        tmp_path,
        {
            "domain.yml": "session_config: {session_expiration_time: 30, carry_over_slots_to_new_session: true}\n",
            "data/domain/a.yml": "intents: [greet]\nentities: [phone]\nactions: [action_a]\n",
            "data/domain/b.yml": "intents: [bye]\nentities: [phone]\n",
            "data/responses/a.yml": "responses:\n  utter_a: [{text: 你好}]\n",
        },
    )
    domain = importer.get_domain()
    assert {"greet", "bye"} <= set(domain.intents)
    assert domain.session_config.session_expiration_time == 30
    assert domain.responses["utter_a"][0]["text"] == "你好"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("domain", "intents: [greet]\n"),
        ("domain", "slots:\n  account_no: {type: any, mappings: [{type: custom}]}\n"),
        ("responses", "responses:\n  utter_a: [{text: 你好}]\n"),
    ],
)
def test_a_name_defined_twice_is_refused_with_both_files(tmp_path: Path, kind: str, text: str) -> None:
    importer = write(tmp_path, {f"data/{kind}/one.yml": text, f"data/{kind}/two.yml": text})
    with pytest.raises(BrokenTrainingData, match=r"two\.yml.*one\.yml"):
        importer.get_domain()


@pytest.mark.parametrize(
    "text", ["intents: [greet\n", "- greet\n", "intentions: [greet]\n", "intents: greet\n", "slots: [a]\n"]
)
def test_a_broken_domain_file_is_named(tmp_path: Path, text: str) -> None:
    importer = write(tmp_path, {"data/domain/broken.yml": text})
    with pytest.raises(BrokenTrainingData, match=r"broken\.yml"):
        importer.get_domain()


def test_a_broken_example_file_is_named(tmp_path: Path) -> None:
    importer = write(tmp_path, {"data/nlu/broken.yml": "nlu:\n- intent: greet\n  examples: |\n- 你好\n  - 嗨\n"})
    with pytest.raises(BrokenTrainingData, match=r"broken\.yml"):
        importer.get_nlu_data()


def test_examples_come_from_all_capabilities(tmp_path: Path) -> None:
    nlu = 'version: "3.1"\nnlu:\n  - intent: {0}\n    examples: |\n      - {1}\n'
    importer = write(tmp_path, {"data/nlu/a.yml": nlu.format("greet", "你好"), "data/nlu/b.yml": nlu.format("bye", "再见")})
    assert {message.get("intent") for message in importer.get_nlu_data().intent_examples} == {"greet", "bye"}
