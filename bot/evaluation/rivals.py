"""What Runxia is compared with: Rasa as it comes, and the simplest classifier that works; both on the same examples."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Dict, List, Sequence

import yaml

from bot.environment import ROOT
from bot.evaluation.examples import Truth

STOCK_CONFIG = ROOT / "bench" / "stock_config.yml"
STOCK_EPOCHS = int(os.environ.get("STOCK_EPOCHS", "100"))  # 100 is what `rasa init` suggests
UNMEASURED = ("ResponseSelector",)  # of the stock pipeline: intents and entities are compared
CACHE = ROOT / "var" / "evaluation"
SIMPLE_GRAMS = (1, 4)  # characters


def stock_pipeline() -> List[Dict[str, Any]]:
    """Rasa's default pipeline for Chinese, as the benchmark has it, with as many epochs as told."""
    pipeline = yaml.safe_load(STOCK_CONFIG.read_text(encoding="utf-8"))["pipeline"]
    return [
        {**each, "epochs": STOCK_EPOCHS} if "epochs" in each else each for each in pipeline if each["name"] not in UNMEASURED
    ]


def train_pipeline(pipeline: Sequence[Dict[str, Any]], places: Sequence[int], target: Path) -> None:
    """Train Rasa's language part on the examples in ``places`` and write the model to ``target``.

    Raises:
        RuntimeError: it failed; the message is what Rasa printed last.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        subset, config = Path(folder) / "subset.json", Path(folder) / "config.yml"
        subset.write_text(json.dumps(list(places)))
        importer = {"name": "bot.evaluation.examples.SubsetImporter", "subset": str(subset)}
        settings = {"recipe": "default.v1", "language": "zh", "assistant_id": "measured", "importers": [importer]}
        config.write_text(yaml.safe_dump({**settings, "pipeline": list(pipeline)}, allow_unicode=True), encoding="utf-8")
        command = [
            sys.executable, "-m", "rasa", "train", "nlu", "--config", str(config), "--nlu", "data", "--domain", "domain.yml",
            "--out", folder, "--fixed-model-name", "model",
        ]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        model = Path(folder) / "model.tar.gz"
        if said.returncode or not model.exists():
            raise RuntimeError(f"training failed: {said.stdout[-1000:]}{said.stderr[-3000:]}")
        model.replace(target)


def stock_model(examples: Sequence[Truth]) -> Path:
    """Stock Rasa trained on all examples; kept until they change."""
    known = [[each.text, each.intent, sorted(each.entities)] for each in examples]
    content = json.dumps([stock_pipeline(), known], ensure_ascii=False)
    target = CACHE / f"stock-{hashlib.sha256(content.encode()).hexdigest()[:12]}.tar.gz"
    if not target.exists():
        for old in CACHE.glob("stock-*.tar.gz"):
            old.unlink()
        train_pipeline(stock_pipeline(), range(len(examples)), target)
    return target


def simple_guesses(examples: Sequence[Truth], asked: Sequence[Truth]) -> List[str]:
    """What TF-IDF of character n-grams and a logistic regression make of ``asked``."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    vectors = TfidfVectorizer(analyzer="char", ngram_range=SIMPLE_GRAMS, min_df=2, sublinear_tf=True)
    model = make_pipeline(vectors, LogisticRegression(C=10, max_iter=100, class_weight="balanced", tol=1e-3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the limit of iterations is meant: it regularises as well
        model.fit([each.text for each in examples], [each.intent for each in examples])
    return [str(label) for label in model.predict([each.text for each in asked])]
