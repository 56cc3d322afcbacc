"""Tells how well messages are understood: ``python -m bot.evaluate``, after training.

In the quick form (``make evaluate``) the classifier and the learnt entities are cross-validated on features of the trained
model. With ``--full`` (``make nlu-report``) the whole language part is trained anew for each fold, put to the sentences held
apart, compared with Rasa as it comes and a simple classifier, and taken apart; ``results/nlu-report.md`` tells all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from bot.environment import MODEL_FILE, configure_logging, models_dir, prepare
from bot.evaluation.examples import Truth, held_out, training_messages, truth_of, without_known
from bot.evaluation.scores import Confusion, Rates

WORST = 25


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="everything, into results/nlu-report.md; some hours")
    parser.add_argument("--no-folds", action="store_true", help="with --full: without cross-validation")
    parser.add_argument("--no-stock", action="store_true", help="with --full: without stock Rasa")
    parser.add_argument("--stock-folds", action="store_true", help="with --full: cross-validate stock Rasa too; some hours")
    parser.add_argument("--phrasings", type=Path, help="only JSON lines of text and topic, from real customers")
    arguments = parser.parse_args()
    prepare()
    import rasa.core.agent  # noqa: F401 - what it imports warns of things that only Rasa could mend

    configure_logging()
    if arguments.phrasings:
        measure_phrasings(arguments.phrasings)
    elif arguments.full:
        measure_all(arguments)
    else:
        measure_quickly()


def measure_quickly() -> None:
    """Print accuracy, macro-F1, the worst confusions, thresholds, learnt entities, and what the knowledge base finds."""
    from bot.evaluation.crossval import thresholds, validate_classifier, validate_entities
    from bot.evaluation.retrieval import measure_retrieval

    agent, messages = _agent(), training_messages()
    scores = validate_classifier(agent, messages)
    print(f"{len(messages)} 条例句，{len(scores.labels)} 个意图：准确率 {scores.accuracy:.3f}，宏平均 F1 {scores.macro_f1:.3f}")
    _print_confusions(scores.confusions)
    print("\n把握至少、领先至少：回答的比例，其中对的，原本答对却被反问的")
    for least, gap, answered, right, for_nothing in thresholds(scores):
        print(f"  {least:.2f} {gap:.2f}: {answered:.3f} {right:.3f} {for_nothing:.3f}")
    _print_rates("学出来的实体", validate_entities(agent, messages))
    found = measure_retrieval()
    print(f"\n知识库 {found.entries} 条、{found.phrasings} 种问法：第一条就对 {found.first:.3f}，前三条里有 {found.among:.3f}")
    for confidence, (answered, right, offered) in found.at_once.items():
        print(f"  把握至少 {confidence}: 直接回答 {answered:.3f}，其中对 {right:.3f}；其余三条里有 {offered:.3f}")
    for entry, instead, text in found.misses[:WORST]:
        print(f"  {entry} → {instead}    {text}")


def measure_all(arguments: argparse.Namespace) -> None:
    """Measure everything that is not left out, write the report and print its summary."""
    from bot.evaluation.ablation import ablate
    from bot.evaluation.crossval import configured_pipeline, validate_pipeline, validate_simple
    from bot.evaluation.heldout import measure
    from bot.evaluation.report import Report, summary, write
    from bot.evaluation.retrieval import measure_retrieval
    from bot.evaluation.rivals import stock_model, stock_pipeline

    examples = [truth_of(message) for message in training_messages()]
    asked = without_known(held_out(), [example.text for example in examples])
    single = [truth for truth in asked if len(truth.requests) == 1]
    _say("测试句")
    runxia = measure(models_dir() / MODEL_FILE, asked)
    _say("Rasa 原装 DIET")
    stock = None if arguments.no_stock else measure(stock_model(examples), asked)
    _say("字 n-gram + 逻辑回归")
    simple = _simple(examples, single)
    _say("去掉一样特征")
    ablations = ablate(_agent(), examples, single)
    _say("交叉验证")
    folds = None if arguments.no_folds else validate_pipeline(configured_pipeline(), examples)
    simple_folds = None if arguments.no_folds else validate_simple(examples)
    stock_folds = validate_pipeline(stock_pipeline(), examples) if arguments.stock_folds else None
    report = Report(
        len(examples), len({example.intent for example in examples}), len(asked), runxia, stock, simple, folds, stock_folds,
        simple_folds, measure_retrieval(), ablations,
    )  # fmt: skip
    path = write(report)
    print(f"\n{summary(report)}\n\n{path}")


def measure_phrasings(path: Path) -> None:
    """Put real customers' messages to the model; topics that are no intents are left out."""
    from bot.evaluation.scores import confusions, score_intents
    from bot.evaluation.speed import read_with

    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    intents = {message.get("intent") for message in training_messages()}
    truths = [Truth(row["text"], row["topic"], "", None, Counter()) for row in rows if row["topic"] in intents]
    reading = read_with(models_dir() / MODEL_FILE, [truth.text for truth in truths])
    scores = score_intents(truths, reading.heard)
    print(f"{len(rows)} 句中 {len(truths)} 句的主题是意图：准确率 {scores.accuracy:.3f}，反问 {scores.asked_back:.3f}")
    _print_confusions(confusions(truths, reading.heard))


def _simple(examples: Sequence[Truth], asked: Sequence[Truth]) -> Tuple[float, float]:
    from bot.evaluation.crossval import accuracy_and_f1
    from bot.evaluation.rivals import simple_guesses

    return accuracy_and_f1([truth.intent for truth in asked], simple_guesses(examples, asked))


def _agent() -> Any:
    from rasa.core.agent import load_agent

    return asyncio.run(load_agent(model_path=str(models_dir() / MODEL_FILE)))


def _say(step: str) -> None:
    print(f"{step} ……", flush=True)


def _print_confusions(found: List[Tuple[Confusion, List[str]]]) -> None:
    print("\n最容易混淆的（应为 → 听成）：")
    for (truth, heard), texts in found[:WORST]:
        print(f"  {len(texts):3d}  {truth} → {heard}    {texts[0]}")


def _print_rates(title: str, scores: Dict[str, Rates]) -> None:
    print(f"\n{title}：精确率、召回率、F1、个数")
    for kind, rates in scores.items():
        print(f"  {kind:8} {rates.precision:.3f} {rates.recall:.3f} {rates.f1:.3f} {rates.total}")


if __name__ == "__main__":
    main()
