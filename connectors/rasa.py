"""The client of the dialogue engine, Rasa 3.6: its REST channel and the parts of its HTTP API that we use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from runxia.settings import Settings
from services.desk.model import FALLBACK, Done, Understood
from services.errors import SystemUnavailable

SYSTEM: Final = "rasa"
CHANNEL: Final = "wechat"
ANSWER_SECONDS: Final = 30.0  # actions ask other systems, each with time-outs of its own well below this
_ANSWER_BYTES: Final = 1024 * 1024
_NO_CONVERSATION: Final = "Conversation ID not found."
_LISTEN: Final = frozenset({"action_listen", "action_extract_slots", "action_session_start"})  # what every turn has
_INTERNAL_SLOTS: Final = frozenset({"requested_slot", "session_started_metadata"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the dialogue says to a message, and what it understood; none where the engine does not tell."""

    answers: list[dict[str, Any]]
    understood: Understood | None = None


class RasaClient:
    """Asks the dialogue engine. Every method raises ``SystemUnavailable("rasa")``."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._query = {"token": token} if token else {}

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[RasaClient]:
        """Open the connections; close them at the end."""
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=2.0)
        async with httpx.AsyncClient(base_url=settings.rasa_url, timeout=timeout, trust_env=False) as http:
            yield cls(http, settings.rasa_token.get_secret_value())

    async def hear(self, openid: str, text: str, message_id: int, kind: str) -> Reply:
        """Pass on a customer's message; the answers, and with our own channel (bot/channel.py) what was understood."""
        said = {
            "sender": openid, "message": text, "input_channel": CHANNEL,
            "metadata": {"message_id": message_id, "kind": kind},
        }
        told = await self._post("/webhooks/rest/webhook", said, {"turn": "true"})
        if not isinstance(told, Mapping):
            return Reply(_answers(told))
        return Reply(_answers(told.get("answers")), understood_in(told.get("turn")))

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Let the dialogue say something of its own accord; what it says."""
        path = f"/conversations/{quote(openid, safe='')}"
        asked = {"name": intent, "entities": dict(entities)}
        query = {"output_channel": CHANNEL, "include_events": "NONE"}
        told = await self._post(f"{path}/trigger_intent", asked, query, missing_is_none=True)
        if told is None:
            # Rasa triggers nothing in a conversation that has not begun.
            begun = [{"event": "action", "name": "action_session_start"}, {"event": "session_started"}]
            await self._post(f"{path}/tracker/events", [*begun, {"event": "action", "name": "action_listen"}], query)
            told = await self._post(f"{path}/trigger_intent", asked, query)
        if not isinstance(told, dict):
            raise SystemUnavailable(SYSTEM)
        return _answers(told.get("messages"))

    async def answered(self, openid: str, message_id: int) -> Reply | None:
        """What the dialogue said to a message that it may have had before; none where it never had it."""
        path = f"/conversations/{quote(openid, safe='')}/tracker"
        try:
            response = await self._http.get(path, params={**self._query, "include_events": "ALL"})
            tracker = response.raise_for_status().json()
            events = _turn_of(tracker["events"] or [], message_id)
            return None if events is None else Reply(_said_in(events), understood_in({**tracker, "events": events}))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SystemUnavailable(SYSTEM) from error

    async def forget(self, openid: str) -> None:
        """Delete a customer's conversation."""
        await self._delete(f"/conversations/{quote(openid, safe='')}/events", {})

    async def forget_before(self, moment: datetime) -> int:
        """Delete what was said before ``moment`` in all conversations; how many events."""
        return await self._delete("/events", {"before": str(moment.timestamp())})

    async def _delete(self, path: str, query: Mapping[str, str]) -> int:
        try:
            response = await self._http.delete(path, params={**self._query, **query})
            return int(response.raise_for_status().json()["deleted"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise SystemUnavailable(SYSTEM) from error

    async def is_ready(self) -> bool:
        """Whether the engine is up with a model."""
        try:
            return (await self._http.get("/status", params=self._query, timeout=2.0)).is_success
        except httpx.HTTPError:
            return False

    async def _post(
        self, path: str, body: object, query: Mapping[str, str] | None = None, *, missing_is_none: bool = False,
    ) -> Any:
        content = json.dumps(body, ensure_ascii=False).encode()
        params = {**self._query, **(query or {})}
        headers = {"Content-Type": "application/json"}
        try:
            response = await self._http.post(path, params=params, content=content, headers=headers)
            if missing_is_none and response.status_code == httpx.codes.NOT_FOUND and _NO_CONVERSATION in response.text:
                return None
            if len(response.raise_for_status().content) > _ANSWER_BYTES:
                raise SystemUnavailable(SYSTEM)
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SystemUnavailable(SYSTEM) from error


def understood_in(turn: object) -> Understood | None:
    """What a turn's message was understood as; none where the turn does not say.

    ``turn`` has the parts of Rasa's tracker state: ``events`` from the message on, ``slots``, ``active_loop``.
    """
    try:
        return _understood(turn) if isinstance(turn, Mapping) else None
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # it is a record for staff: a customer's answer does not depend on it


def _understood(turn: Mapping[str, Any]) -> Understood | None:
    said, *rest = turn["events"]
    parsed = said["parse_data"]
    intent = str(parsed["intent"]["name"])
    others = [each for each in parsed.get("intent_ranking") or [] if each["name"] not in (intent, FALLBACK)]
    slots = turn.get("slots") or {}
    return Understood(
        intent=intent,
        confidence=float(parsed["intent"].get("confidence") or 0.0),
        runner_up=str(others[0]["name"]) if others else None,
        runner_up_confidence=float(others[0]["confidence"]) if others else None,
        entities=[
            {name: each[name] for name in ("entity", "value", "role", "start", "end") if each.get(name) is not None}
            for each in parsed.get("entities") or []
        ],
        slots={name: value for name, value in slots.items() if value not in (None, [], {}) and name not in _INTERNAL_SLOTS},
        actions=[
            Done(str(each["name"]), each.get("policy"), each.get("confidence"))
            for each in rest if each["event"] == "action" and each.get("name") and each["name"] not in _LISTEN
        ],
        form=(turn.get("active_loop") or {}).get("name"),
        asks=slots.get("requested_slot"),
    )


def _turn_of(events: Sequence[Mapping[str, Any]], message_id: int) -> list[Mapping[str, Any]] | None:
    """The events from a message to the next."""
    turn: list[Mapping[str, Any]] | None = None
    for event in events:
        if event["event"] == "user":
            if turn is not None:
                return turn
            if (event.get("metadata") or {}).get("message_id") == message_id:
                turn = [event]
        elif turn is not None:
            turn.append(event)
    return turn


def _said_in(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The bot's words in a turn."""
    said = [event for event in events if event["event"] == "bot"]
    data = [event.get("data") or {} for event in said]
    return [
        _answer({"text": event.get("text"), "buttons": each.get("buttons"), "custom": each.get("custom")})
        for event, each in zip(said, data, strict=True)
    ]


def _answers(told: object) -> list[dict[str, Any]]:
    if not isinstance(told, list):
        raise SystemUnavailable(SYSTEM)
    return [_answer(answer) for answer in told]


def _answer(told: object) -> dict[str, Any]:
    """One answer with only the parts we know, each of the right type."""
    if not isinstance(told, Mapping):
        raise SystemUnavailable(SYSTEM)
    answer: dict[str, Any] = {}
    if text := told.get("text"):
        answer["text"] = str(text)
    if buttons := told.get("buttons"):
        if not all(isinstance(b, Mapping) and isinstance(b.get("title"), str) for b in buttons):
            raise SystemUnavailable(SYSTEM)
        answer["buttons"] = [{"title": b["title"], "payload": str(b.get("payload") or b["title"])} for b in buttons]
    if custom := told.get("custom"):
        if not isinstance(custom, Mapping):
            raise SystemUnavailable(SYSTEM)
        answer["custom"] = dict(custom)
    return answer
