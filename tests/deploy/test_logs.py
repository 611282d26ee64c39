"""Logs of a host: JSON, without addresses of viewers."""

import json
import logging
import sys

import pytest

from deploy.logs import JsonLines, without_addresses


def record(logger: str, message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord(logger, logging.WARNING, "file.py", 1, message, values, None)


def test_a_record_is_one_line_of_json() -> None:
    line = JsonLines().format(record("expression_lens.ice", "Two\nlines of %s", "ä"))
    assert "\n" not in line
    fields = json.loads(line)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {
        "level": "warning",
        "logger": "expression_lens.ice",
        "message": "Two\nlines of ä",
    }


def test_a_traceback_is_a_field() -> None:
    failed = record("asyncio", "failed")
    try:
        raise ValueError("from 192.0.2.7")
    except ValueError:
        failed.exc_info = sys.exc_info()
    fields = json.loads(JsonLines().format(failed))
    assert fields["traceback"].endswith("ValueError: from [address]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Check ('192.0.2.7', 50211)", "Check ('[address]', 50211)"),
        ("from 2001:db8::7 and fe80::1%eth0", "from [address] and [address]%eth0"),
        ("[2001:db8:0:0:0:0:0:7]:443", "[[address]]:443"),
        ("::1", "[address]"),
        ("at 12:30:59, 1:05 later", "at 12:30:59, 1:05 later"),
        ("aiortc 1.16.0, numpy 2.4.1.2.3", "aiortc 1.16.0, numpy 2.4.1.2.3"),
        ("std::vector", "std::vector"),
    ],
)
def test_addresses_of_viewers_are_not_logged(text: str, shown: str) -> None:
    assert without_addresses(text) == shown
    assert json.loads(JsonLines().format(record("aioice.ice", text)))["message"] == shown


def test_the_host_reads_which_turn_server_is_silent() -> None:
    text = "The server turn:192.0.2.7:3478 does not answer."
    assert json.loads(JsonLines().format(record("expression_lens.ice", text)))["message"] == text
