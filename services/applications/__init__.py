"""What customers apply for: new connections, stopping and restoring, larger households, another use of the water.

``rules`` is what the utility asks, ``filing`` what the customer does, ``following`` what the worker does afterwards.
"""

from services.applications.following import Applications
from services.applications.model import Photo, View
from services.applications.ports import Application, ApplicationDesk, Filing, Kind, State

__all__ = ["Application", "ApplicationDesk", "Applications", "Filing", "Kind", "Photo", "State", "View"]
