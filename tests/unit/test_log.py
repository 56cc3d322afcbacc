"""Logs: one line an event, nothing personal, no key to any door."""

from __future__ import annotations

import json
import logging
import logging.config
import sys

import pytest

from runxia.log import OneLine, clean, configuration, set_up

PAY_TOKEN = "RX2026112116323917ec0d44dbeb7e31.64_Wumk37F8c6tnnF9D5fN"


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("phone 13800001234 bound", "13800001234"),
        ("id 330106199001011234", "330106199001011234"),
        ("mail to wang@example.com", "wang@example.com"),
        ("GET /cgi-bin/token?grant=x&appid=wx1&secret=abcdef123 -> 200", "abcdef123"),
        ("GET /cgi-bin/message?access_token=70_AbC-dEf", "70_AbC-dEf"),
        ("{'access_token': '70_AbC', 'errcode': 0}", "70_AbC"),
        (f"GET /p/pay/{PAY_TOKEN} 200", PAY_TOKEN),
        (f"POST /p/pay/{PAY_TOKEN}/prepay", PAY_TOKEN),
        ("oauth?code=021AbCdE&state=1", "021AbCdE"),
        ("password=Lin2Jiang", "Lin2Jiang"),
    ],
)
def test_what_nobody_should_read_is_hidden(line: str, hidden: str) -> None:
    assert hidden not in clean(line)


@pytest.mark.parametrize(
    "line", ["settle_payments: 2", "outbox 17: try 3 failed (rasa unavailable), next in 8 s", "took 1234 ms"],
)
def test_what_an_operator_needs_stays(line: str) -> None:
    assert clean(line) == line


def test_a_traceback_is_one_line_and_is_cleaned_too() -> None:
    try:
        raise ValueError("customer 13800001234\nsaid no")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = OneLine("%(message)s").format(record)
    assert "\n" not in line
    assert "13800001234" not in line
    assert "ValueError" in line
    assert "Traceback" in line


def test_requests_and_ticks_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("INFO")
    logging.getLogger("httpx").info("HTTP Request: GET https://x")
    logging.getLogger("celery.app.trace").info("Task runxia.send_outbox succeeded")
    logging.getLogger("services.outbox").info("told")
    out = capsys.readouterr().out
    assert out.endswith("INFO services.outbox told\n")
    assert out.count("\n") == 1


def test_the_configuration_is_plain_data_for_frameworks_that_set_up_logging() -> None:
    plain = {key: value for key, value in configuration("WARNING").items() if key != "formatters"}
    assert json.loads(json.dumps(plain))["root"] == {"level": "WARNING", "handlers": ["out"]}
