"""Photos of documents: which one is wanted, and what has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.applications.reading import is_done, is_later
from actions.flow import Form, agreed, digresses
from actions.turn import Buttons, Turn
from services.applications import Photo

NO_PHOTO: Buttons = [("以后再补", "/deny")]
SOME_PHOTOS: Buttons = [("这一项发完了", "/affirm"), ("其余以后再补", "/deny")]
COLLECTED, POSTPONED = "collected", "postponed"


def photos_kept(turn: Turn) -> list[Photo]:
    """The photos sent so far."""
    return [Photo(**each) for each in turn.slot("photo_kept") or []]


def document_name(turn: Turn, document: str) -> str:
    """What a document is called."""
    return turn.services.utility.applications.documents.get(document, document)


def ask_for(turn: Turn, wanted: Sequence[str], response: str) -> None:
    """Ask for the first of the documents wanted, naming all."""
    rules = turn.services.utility.applications
    turn.say(
        response, documents="\n".join(f"· {rules.documents.get(each, each)}" for each in wanted),
        document=document_name(turn, wanted[0]), buttons=NO_PHOTO,
    )


def keep(turn: Turn, document: str) -> dict[str, Any]:
    """The slot with this message's photo added, or unchanged where there are too many."""
    kept = list(turn.slot("photo_kept") or [])
    if len(kept) < turn.services.utility.applications.photos:
        kept.append({"document": document, "media_id": str(turn.values.first("image"))})
    return {"photo_kept": kept}


def collect(turn: Turn, form: Form, slot: str, wanted: Sequence[str]) -> Mapping[str, Any] | None:
    """Hear one answer to the request for photos: slots to set, ``slot`` when no more is to come; none for a digression."""
    current = wanted[0]
    if turn.values.first("image"):
        return {**_count(turn, form, slot, current, wanted), "photo_wanted": list(wanted), "wrong_answers": 0}
    here = any(each.document == current for each in photos_kept(turn))
    if is_later(turn) or agreed(turn) is False:
        return {slot: POSTPONED}
    done = agreed(turn) or is_done(turn)
    if not done and digresses(turn):
        return None
    if not done:
        return form.misheard(turn, slot, "utter_photo_please", document=document_name(turn, current), buttons=NO_PHOTO)
    if not here:
        form.reply(turn, slot, "utter_photo_please", document=document_name(turn, current), buttons=NO_PHOTO)
        return form.again(slot)
    rest = list(wanted[1:])
    if not rest:
        return {slot: COLLECTED}
    form.reply(turn, slot, "utter_photo_next", document=document_name(turn, rest[0]), buttons=NO_PHOTO)
    return {**form.again(slot), "photo_wanted": rest}


def _count(turn: Turn, form: Form, slot: str, current: str, wanted: Sequence[str]) -> dict[str, Any]:
    kept = keep(turn, current)
    count = sum(each["document"] == current for each in kept["photo_kept"])
    if len(kept["photo_kept"]) == len(turn.slot("photo_kept") or []):
        form.reply(turn, slot, "utter_photo_too_many", most=count, buttons=[("提交", "/affirm")])
    elif len(wanted) > 1:
        form.reply(
            turn, slot, "utter_photo_counted", document=document_name(turn, current), count=count, buttons=SOME_PHOTOS,
            following=document_name(turn, wanted[1]),
        )
    else:
        form.reply(
            turn, slot, "utter_photo_counted_last", document=document_name(turn, current), count=count,
            buttons=[("发完了", "/affirm")],
        )
    return {**form.again(slot), **kept}
