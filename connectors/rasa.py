"""The client of the dialogue engine, Rasa 3.6: its REST channel and the parts of its HTTP API that we use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from runxia.settings import Settings
from services.errors import SystemUnavailable

SYSTEM: Final = "rasa"
CHANNEL: Final = "wechat"
ANSWER_SECONDS: Final = 30.0  # actions ask other systems, each with time-outs of its own well below this
_ANSWER_BYTES: Final = 1024 * 1024
_NO_CONVERSATION: Final = "Conversation ID not found."


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

    async def hear(self, openid: str, text: str, message_id: int, kind: str) -> list[dict[str, Any]]:
        """Pass on a customer's message; the answers."""
        said = {
            "sender": openid, "message": text, "input_channel": CHANNEL,
            "metadata": {"message_id": message_id, "kind": kind},
        }
        return _answers(await self._post("/webhooks/rest/webhook", said))

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

    async def answered(self, openid: str, message_id: int) -> list[dict[str, Any]] | None:
        """What the dialogue said to a message that it may have had before; none where it never had it."""
        path = f"/conversations/{quote(openid, safe='')}/tracker"
        try:
            response = await self._http.get(path, params={**self._query, "include_events": "ALL"})
            events = response.raise_for_status().json()["events"] or []
            return _said_after(events, message_id)
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


def _said_after(events: Sequence[Mapping[str, Any]], message_id: int) -> list[dict[str, Any]] | None:
    """The bot's words from a message to the next."""
    said: list[dict[str, Any]] | None = None
    for event in events:
        if event["event"] == "user":
            if said is not None:
                return said
            if (event.get("metadata") or {}).get("message_id") == message_id:
                said = []
        elif event["event"] == "bot" and said is not None:
            data = event.get("data") or {}
            said.append(_answer({"text": event.get("text"), "buttons": data.get("buttons"), "custom": data.get("custom")}))
    return said


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
