"""The API's calls about test accounts: made with a live key, lived in with a test key."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import msgspec
from kit import clock, walls
from kit.endpoints import Ack, Input, Linked, endpoint, moment
from kit.errors import NotFound

from accounts.models import Account
from accounts.policy import Right
from accounts.queries import Caller, test_account_of
from automation.commands import sandbox as work
from lines.api.cards import SAMPLE_CARD, SimCard, card_of
from lines.commands import sandbox as commands
from lines.commands.sandbox_sims import with_fault
from lines.models import Line, Sandbox
from lines.policy.sandbox import Fault
from lines.queries.sandbox import sandbox_of, test_line_of

GROUP = "Test account"
FaultWord = Literal["none", "refuses", "fails", "lags"]
Iccids = Annotated[list[str], msgspec.Meta(description="The ICCIDs of all its lines")]


class TestAccount(Linked):
    """An account in which nothing is real: simulated lines, play money, a clock that its people turn."""

    LINKS: ClassVar[Mapping[str, str]] = {"lines": "iot_sim_cards"}

    account_uuid: Annotated[str, msgspec.Meta(description="Its own address; a test key of the live account works too")]
    name: str
    now: Annotated[str, msgspec.Meta(description="Where its clock stands; UTC")]
    ahead_seconds: Annotated[int, msgspec.Meta(description="By how much its clock was turned")]
    carrier: Annotated[FaultWord, msgspec.Meta(description="What goes wrong with its carrier")]
    iccids: Iccids


_SAMPLE = TestAccount(
    account_uuid="0" * 32,
    name="Northwind Telematics (test)",
    now="2026-12-01 00:00:00",
    ahead_seconds=1_209_600,
    carrier="none",
    iccids=["8999900000000420001"],
)


def _shown(account: Account) -> TestAccount:
    found = sandbox_of(account)
    theirs = Line.objects.filter(account=account) if account.is_subaccount else Line.objects.filter(payer=account)
    word: FaultWord = found.fault  # type: ignore[assignment]
    return TestAccount(
        account_uuid=account.uuid.hex,
        name=account.name,
        now=moment(clock.real() + found.ahead),
        ahead_seconds=int(found.ahead.total_seconds()),
        carrier=word,
        iccids=list(theirs.order_by("iccid").values_list("iccid", flat=True)),
    )


@endpoint("test_account", right=Right.SEE_LINES, sample=_SAMPLE)
def test_account(caller: Caller) -> TestAccount:
    """The account's test account, where its clock stands and which lines it has"""
    with walls.lifted():  # it is no sub-account: behind the wall of the live one it does not exist
        found = caller.account if caller.account.is_test else test_account_of(caller.account)
        if found is None:
            raise NotFound("There is no test account yet; POST test_account makes one")
        return _shown(found)


@endpoint("test_account", "POST", right=Right.MANAGE_KEYS, sample=_SAMPLE, side="live")
def make_test_account(caller: Caller) -> TestAccount:
    """Makes the account's test account with two lines and $100.00 of play money; one that is there stays as it is"""
    return _shown(commands.make_sandbox(account=caller.account, by=caller.actor))


@endpoint("test_account", "DELETE", right=Right.MANAGE_KEYS, sample=Ack(), side="live")
def close_test_account(caller: Caller) -> Ack:
    """Closes the account's test account for good; POST makes a new one"""
    commands.drop_sandbox(account=caller.account, by=caller.actor)
    return Ack()


class Turn(Input):
    """How far the clock is turned on: up to 31 days at a time, 400 in all."""

    days: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    seconds: Annotated[int, msgspec.Meta(ge=0, le=2_678_400)] = 0


@endpoint("test_account/clock", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=Turn(days=1), side="test")
def turn_test_clock(caller: Caller, asked: Turn) -> TestAccount:
    """Turns the test account's clock on; fees, cycles, caps, rules and follow-ups come due on the way, day by day"""
    work.turn_clock(account=caller.account, by=dt.timedelta(days=asked.days, seconds=asked.seconds))
    return _shown(caller.account)


class CarrierWanted(Input):
    """What is to go wrong."""

    carrier: Annotated[
        FaultWord,
        msgspec.Meta(
            description="refuses: says no to changes; fails: does not answer; lags: does in ten minutes what it accepts"
        ),
    ]


@endpoint(
    "test_account/carrier", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=CarrierWanted("lags"), side="test"
)
def set_test_carrier(caller: Caller, asked: CarrierWanted) -> TestAccount:
    """Says what goes wrong with the test account's carrier from now on"""
    with_fault(sandbox=_locked(caller.account), fault=Fault(asked.carrier))
    work.settle(account_id=caller.account.payer_id)
    return _shown(caller.account)


class PlayMoney(Input):
    """How much the balance is to move."""

    amount: Annotated[Decimal, msgspec.Meta(description="Play money, USD; under 0 it is taken")]


@endpoint(
    "test_account/balance", "POST", right=Right.MANAGE_LINES, sample=Ack(), body=PlayMoney(Decimal("50")), side="test"
)
def give_play_money(caller: Caller, asked: PlayMoney) -> Ack:
    """Moves the test account's balance; lines are suspended and reactivated by it as by real money"""
    commands.give_play_money(account=caller.account, amount=asked.amount, by=caller.actor)
    return Ack()


class MoreLines(Input):
    """How many lines are made."""

    count: Annotated[int, msgspec.Meta(ge=1, le=commands.MOST_LINES)] = 1


@endpoint("test_account/lines", "POST", right=Right.MANAGE_LINES, sample=_SAMPLE, body=MoreLines(3), side="test")
def make_test_lines(caller: Caller, asked: MoreLines) -> TestAccount:
    """Makes lines in the test account, deactivated; it has 50 at the most"""
    sandbox = sandbox_of(caller.account)
    commands.add_sims(sandbox=sandbox, holder=caller.account, count=asked.count, by=caller.actor)
    return _shown(caller.account)


class Used(Input):
    """How much the device uses."""

    bytes: Annotated[int, msgspec.Meta(ge=1, le=commands.MOST_BYTES)]


@endpoint(
    "test_account/lines/{iccid}/usage",
    "POST",
    right=Right.ACTIVATE_LINES,
    sample=SAMPLE_CARD,
    body=Used(1_048_576),
    side="test",
)
def use_test_data(caller: Caller, iccid: str, asked: Used) -> SimCard:
    """A line's device uses data: it is read, charged, and met by balance, caps and rules before this answers"""
    commands.use_data(line=test_line_of(caller, iccid), used=asked.bytes)
    work.settle(account_id=caller.account.payer_id)
    return card_of(caller, iccid)


class FromDevice(Input):
    """What the device sends."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


@endpoint(
    "test_account/lines/{iccid}/sms",
    "POST",
    right=Right.ACTIVATE_LINES,
    sample=Ack(),
    body=FromDevice("ok"),
    side="test",
)
def send_test_sms(caller: Caller, iccid: str, asked: FromDevice) -> Ack:
    """A line's device sends a message: it is listed, told to webhooks, and met by rules"""
    commands.receive_sms(line=test_line_of(caller, iccid), text=asked.text)
    return Ack()


class OtherDevice(Input):
    """In which device the SIM sits."""

    imei: Annotated[str, msgspec.Meta(min_length=14, max_length=20)]


@endpoint(
    "test_account/lines/{iccid}/imei",
    "POST",
    right=Right.ACTIVATE_LINES,
    sample=SAMPLE_CARD,
    body=OtherDevice("352099001761481"),
    side="test",
)
def change_test_imei(caller: Caller, iccid: str, asked: OtherDevice) -> SimCard:
    """A line's SIM sits in another device from now on"""
    commands.change_imei(line=test_line_of(caller, iccid), imei=asked.imei)
    return card_of(caller, iccid)


def _locked(account: Account) -> Sandbox:
    return Sandbox.objects.select_for_update().get(pk=sandbox_of(account).pk)


ENDPOINTS = (
    test_account,
    make_test_account,
    close_test_account,
    turn_test_clock,
    set_test_carrier,
    give_play_money,
    make_test_lines,
    use_test_data,
    send_test_sms,
    change_test_imei,
)
