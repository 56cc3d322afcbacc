"""A process that dies between any two steps, wherever that is: nothing is lost and nothing is done twice.

Each scenario first runs undisturbed, which counts its steps: a step is just before and just after each call of another
system, and just before and just after each commit. Then it runs once for every step, dying there, with a new process going
on as people, WeChat Pay and the worker's schedule would have it.
"""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runxia.utility import load_utility
from services.errors import ServiceError
from services.payments import PayLink
from services.ports import Transaction
from store import crypto
from store.db import Database
from store.models import Base
from tests.fakes import number_of
from tests.unit.payments.world import MOTHER, SON, World, token

type Scenario = Callable[[World], Awaitable[None]]


async def buy(world: World, openid: str, role: str) -> tuple[PayLink, Transaction]:
    """A customer who tries again until the cashier opens, and then pays."""
    link = await world.surviving(lambda: world.order(openid, role))
    await world.surviving(lambda: world.payments.prepay(token(link), openid))
    return link, world.thumb(link)


async def told_by_callback(world: World) -> None:
    _, transaction = await buy(world, MOTHER, "arrears")
    await world.surviving(lambda: world.payments.notified(transaction))
    await world.hours_pass()


async def paid_in_advance(world: World) -> None:
    account = number_of("paid_up")
    link = await world.surviving(lambda: world.payments.create_prepayment(MOTHER, account, 20000))
    await world.surviving(lambda: world.payments.prepay(token(link), MOTHER))
    transaction = world.thumb(link)
    await world.surviving(lambda: world.payments.notified(transaction))
    await world.hours_pass()


async def callback_lost(world: World) -> None:
    await buy(world, MOTHER, "arrears")
    await world.hours_pass()


async def paid_at_the_counter_meanwhile(world: World) -> None:
    link, transaction = await buy(world, MOTHER, "arrears")
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    await world.surviving(lambda: world.payments.notified(transaction))
    await world.hours_pass()


async def paid_at_the_counter_and_kept(world: World) -> None:
    world.rule("credit")
    await paid_at_the_counter_meanwhile(world)


async def paid_twice(world: World) -> None:
    sons = await world.surviving(lambda: world.order(SON, "ordinary"))
    await world.surviving(lambda: world.payments.prepay(token(sons), SON))
    _, transaction = await buy(world, MOTHER, "ordinary")
    await world.surviving(lambda: world.payments.notified(transaction))
    theirs = world.thumb(sons)
    await world.surviving(lambda: world.payments.notified(theirs))
    await world.hours_pass()


async def never_paid(world: World) -> None:
    link = await world.surviving(lambda: world.order(MOTHER, "ordinary"))
    await world.surviving(lambda: world.payments.prepay(token(link), MOTHER))
    await world.hours_pass()


async def link_taken_again(world: World) -> None:
    older = await world.surviving(lambda: world.order(MOTHER, "ordinary"))
    await world.surviving(lambda: world.payments.prepay(token(older), MOTHER))
    _, transaction = await buy(world, MOTHER, "ordinary")
    await world.surviving(lambda: world.payments.notified(transaction))
    await world.hours_pass()


async def bill_gone_before_the_cashier_opens(world: World) -> None:
    link = await world.surviving(lambda: world.order(MOTHER, "ordinary"))
    world.csms.pay_elsewhere((await world.one(link)).lines[0].bill_no)
    with pytest.raises(ServiceError):
        await world.surviving(lambda: world.payments.prepay(token(link), MOTHER))
    await world.hours_pass()


SCENARIOS: list[Scenario] = [
    told_by_callback, paid_in_advance, callback_lost,
    paid_at_the_counter_meanwhile, paid_at_the_counter_and_kept, paid_twice, never_paid,
    link_taken_again, bill_gone_before_the_cashier_opens,
]


async def empty_database(file: Path) -> None:
    """A database file with all tables, to be copied."""
    database = Database(f"sqlite:///{file}")
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await database.close()


async def run(empty: Path, scenario: Scenario, last: int | None) -> int:
    """Run a scenario in a new world whose process dies at step ``last``; how many steps it took."""
    file = Path(shutil.copy(empty, empty.with_name(f"{last}.db")))
    database = Database(f"sqlite:///{file}")
    world = World.over(database, load_utility(Path("utility.yml")))
    world.life.last = last
    try:
        await scenario(world)
        assert last is None or world.life.last is None, "it did die"
        await world.check_books()
        return world.life.steps
    finally:
        await database.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_every_crash_is_recovered(tmp_path: Path, scenario: Scenario) -> None:
    crypto.use(crypto.KeyRing({"test": bytes(32)}))
    empty = tmp_path / "empty.db"
    await empty_database(empty)
    steps = await run(empty, scenario, None)
    assert steps >= 10
    for last in range(1, steps + 1):
        await run(empty, scenario, last)
