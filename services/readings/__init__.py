"""Readings: customers' own, those on file, those in doubt; visits to read a meter, and checks of meters.

``rules`` is what the utility asks, ``filing`` what the customer does, ``following`` what the worker does afterwards.
"""

from services.readings.filing import Assessment
from services.readings.following import Readings
from services.readings.ports import DayPart, Filing, Kind, Meter, MeterDesk, MeterReading, MeterRequest, Slot, State
from services.readings.rules import Judgement, Verdict, Window

__all__ = [
    "Assessment",
    "DayPart",
    "Filing",
    "Judgement",
    "Kind",
    "Meter",
    "MeterDesk",
    "MeterReading",
    "MeterRequest",
    "Readings",
    "Slot",
    "State",
    "Verdict",
    "Window",
]
