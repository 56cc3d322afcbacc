"""Whatever happens, in whatever order: people, callbacks, jobs, crashes and failures as chance has it.

In the end everything works again for long enough, and the books must be right: see :meth:`World.check_books`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from runxia.utility import load_utility
from services.errors import ServiceError
from services.payments import PayLink
from services.ports import Transaction
from store import crypto
from store.db import Database
from tests.unit.payments.test_crash import empty_database
from tests.unit.payments.world import MOTHER, SON, Killed, World, token

PEOPLE = st.sampled_from([MOTHER, SON])
ROLES = st.sampled_from(["ordinary", "arrears", "neighbour_a", "partly_paid"])


class Machine(RuleBasedStateMachine):
    """One or two days at the utility."""

    def __init__(self) -> None:
        super().__init__()
        crypto.use(crypto.KeyRing({"test": bytes(32)}))
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.runner.run(empty_database(self.folder / "machine.db"))
        database = Database(f"sqlite:///{self.folder / 'machine.db'}")
        self.world = World.over(database, load_utility(Path("utility.yml")))
        self.links: list[tuple[str, PayLink]] = []
        self.told: list[Transaction] = []

    def attempt(self, action: Callable[[], Awaitable[object]]) -> None:
        """Do something that may be refused, or die."""
        try:
            self.runner.run(action())  # type: ignore[arg-type]
        except ServiceError:
            pass
        except Killed:
            self.world.restart()

    # --- people

    @rule(openid=PEOPLE, role=ROLES)
    def confirm(self, openid: str, role: str) -> None:
        async def order() -> None:
            self.links.append((openid, await self.world.order(openid, role)))

        self.attempt(order)

    @precondition(lambda self: self.links)
    @rule(data=st.data())
    def tap(self, data: st.DataObject) -> None:
        openid, link = data.draw(st.sampled_from(self.links))
        self.attempt(lambda: self.world.payments.prepay(token(link), openid))

    @precondition(lambda self: self.payable)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        self.told.append(self.world.thumb(data.draw(st.sampled_from(self.payable))))

    @rule(role=ROLES)
    def pay_at_the_counter(self, role: str) -> None:
        async def counter() -> None:
            for line in await self.world.lines(role):
                self.world.csms.pay_elsewhere(line.bill_no)

        self.attempt(counter)

    @property
    def payable(self) -> list[PayLink]:
        """Orders for which a cashier may be open somewhere."""
        orders = self.world.pay.orders
        return [
            link for _, link in self.links
            if link.out_trade_no in orders and orders[link.out_trade_no].state == "NOTPAY"
            and orders[link.out_trade_no].expires_at > self.world.clock.now()
        ]

    # --- WeChat Pay and the worker

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def callback(self, data: st.DataObject) -> None:
        transaction = data.draw(st.sampled_from(self.told))
        self.attempt(lambda: self.world.payments.notified(transaction))

    @rule(job=st.sampled_from(["query_due", "close_expired", "settle_paid", "send_refunds"]))
    def work(self, job: str) -> None:
        self.attempt(getattr(self.world.payments, job))

    @rule(minutes=st.sampled_from([0.1, 1, 20, 35]))
    def wait(self, minutes: float) -> None:
        self.world.clock.advance(minutes=minutes)

    # --- trouble

    @rule(steps=st.integers(1, 6))
    def die_soon(self, steps: int) -> None:
        self.world.life.last = self.world.life.steps + steps

    @rule(system=st.sampled_from(["csms", "pay"]))
    def answer_is_lost(self, system: str) -> None:
        getattr(self.world, system).lost_answer = True

    @rule(system=st.sampled_from(["csms", "pay"]), down=st.booleans())
    def go_down_or_up(self, system: str, down: bool) -> None:
        getattr(self.world, system).down = down

    @rule(paid_twice=st.sampled_from(["refund", "credit"]))
    def change_the_rule(self, paid_twice: str) -> None:
        self.world.rule(paid_twice)

    def teardown(self) -> None:
        """Everything works again; time passes; the books are checked."""
        try:
            self.runner.run(self.end())
        finally:
            self.runner.run(self.world.db.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    async def end(self) -> None:
        self.world.life.last = None
        self.world.csms.down = self.world.pay.down = False
        self.world.csms.lost_answer = self.world.pay.lost_answer = False
        await self.world.hours_pass()
        await self.world.check_books()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck),
)
