"""The demo's data: accounts, and lines whose past six weeks went through the same commands as any other usage.

The simulator is asked what its SIMs' counters showed at the end of each past day; those readings are applied, charged
and sealed as they would have been then.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

import httpx
from django.conf import settings
from django.urls import reverse
from kit import clock

from accounts.commands import open_account
from accounts.commands.desk import give_office_pass, let_into_back_office
from accounts.models import Account
from accounts.policy import OPERATOR
from billing.commands import adjust, seal_days
from billing.queries import balance_of
from demo.acts import act
from demo.paying import has_cards, pay
from demo.reselling import resell
from demo.rules import furnish
from lines.carriers.base import Reading, Status, Switch
from lines.commands.claims import keep_claim_codes, reserve
from lines.commands.coverage import coverage_of, load_coverage
from lines.commands.fees import charge_fees
from lines.commands.prices import Tariff, know_cost
from lines.commands.readings import apply_readings
from lines.commands.reselling import charge_subaccounts
from lines.commands.stock import add_carrier, add_rate_plan, import_lines
from lines.commands.tuning import tune_carrier
from lines.commands.wishes import enforce
from lines.models import Carrier, ClaimCode, Coverage, Line, RatePlan

EMAIL, PASSWORD = "demo@linekeeper.example", "linekeeper-demo"  # printed for everyone to use
OFFICE = "office@linekeeper.example"  # runs the installation
NAME = "Northwind Telematics"
DAYS = 42
READ_EVERY = 10  # seconds
RUNWAY = 9  # days that the demo begins with

# Who holds which kind of device: name, login, what their notes say.
HOLDERS = {
    "tracker": ("City Bikes", "bikes@linekeeper.example", "Bike {n}"),
    "meter": ("Water Works", "water@linekeeper.example", "Meter {n}, district {d}"),
    "camera": ("Harbour Security", "harbour@linekeeper.example", "Camera {n}, quay {d}"),
    "router": (NAME, EMAIL, "Van {n} router"),
    "idle": (NAME, EMAIL, "Spare {n}"),
}
CARRIERS = {
    "simbase": ("Simbase", "World", {"per_mb": "0.010000", "per_sms": "0.05", "per_day": "0"}),
    "iotportal": ("IoT Portal", "Europe", {"per_mb": "0.008000", "per_sms": "0.05", "per_day": "0.01"}),
}
TUNED: dict[str, dict[str, Any]] = {
    "simbase": {},
    "iotportal": {"apn": "iot.europe.example", "apn_user": "iot", "bulk_edits": True},
}
COST = Tariff(per_mb=Decimal("0.0055"), per_sms=Decimal("0.02"), per_day=Decimal("0.004"))  # what carriers take
COVERAGE = settings.BASE_DIR / "lines" / "coverage.example.csv"
WORDS = {"simbase": "enabled", "iotportal": "ACTIVATED"}


class Simulator:
    """What the demo asks the carriers' simulator besides their own APIs."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=60.0)

    def fleet(self) -> list[dict[str, Any]]:
        return list(self._http.get("/_sim/fleet", params={"limit": 10_000}).raise_for_status().json()["sims"])

    def readings(self, carrier: str, at: dt.datetime) -> list[Reading]:
        """What a carrier would have answered at a past moment."""
        month = f"{at:%Y-%m}"
        asked: dict[str, str | int] = {"carrier": carrier, "limit": 10_000, "at": at.isoformat()}
        asked |= {"from": month, "to": month}
        sims = self._http.get("/_sim/truth", params=asked).raise_for_status().json()["sims"]
        return [self._reading(carrier, sim) for sim in sims]

    def say(self, iccid: str, text: str) -> None:
        """A message from a device."""
        self._http.post("/_sim/sms", json={"iccid": iccid, "text": text}).raise_for_status()

    @staticmethod
    def _reading(carrier: str, sim: dict[str, Any]) -> Reading:
        month = dt.date.fromisoformat(f"{sim['counter_month']}-01")
        seen = sim["last_record"] and dt.datetime.fromisoformat(sim["last_record"])
        return Reading(
            iccid=sim["iccid"],
            counter=sim["counter"],
            cycle=month if carrier == "simbase" else None,
            status=Status(Switch.ON, WORDS[carrier]),
            last_seen=seen if carrier == "simbase" else None,
            sms_mark=0,
        )


def seed(simulator_url: str) -> dict[str, Any]:
    """Makes the demo's data where it is missing; answers how to log in. Harmless twice."""
    simulator = Simulator(simulator_url)
    account = Account.objects.filter(name=NAME, parent=None).first()
    if account is None:
        account = open_account(
            name=NAME, owner_email=EMAIL, password=PASSWORD, professional=True, parent=None, by=OPERATOR
        )
    carriers = {kind: _carrier(kind, simulator.url) for kind in CARRIERS}
    if not Line.objects.filter(payer=account).exists():
        with clock.frozen(_night(DAYS)):
            _add_lines(simulator.fleet(), account, carriers)
            resell(account)
        _live_through(simulator, account, carriers)
    furnish(account, simulator.url)
    act(account, PASSWORD, simulator.say)
    if not Coverage.objects.exists():
        load_coverage(table=coverage_of(path=COVERAGE), by=OPERATOR)
    card = _stock(account)
    office = let_into_back_office(email=OFFICE, password=None, by=OPERATOR)
    is_set_up = office.has_usable_password()
    door = reverse("open_link", args=["back-office"])
    link = "" if is_set_up else f"{door}#{give_office_pass(email=OFFICE, by=OPERATOR)}"
    logins = {name: email for name, email, _ in HOLDERS.values()}
    return {
        "office": OFFICE,
        "office_link": link and f"{settings.CONSOLE_URL}{link}",
        "email": EMAIL,
        "password": PASSWORD,
        "logins": logins,
        "card": card,
        "lines": Line.objects.filter(payer=account).count(),
    }


def _carrier(kind: str, url: str) -> Carrier:
    name, plan, prices = CARRIERS[kind]
    carrier = Carrier.objects.filter(name=name).first()
    if carrier is None:
        secrets = {"simbase": {"api_key": "simbase-demo-key"}}.get(
            kind, {"client_id": "iotportal-demo-client", "secret_key": "iotportal-demo-secret"}
        )
        carrier = add_carrier(name=name, kind=kind, url=f"{url}/{kind}", secrets=secrets, by=OPERATOR)
        per_mb, per_sms, per_day = (Decimal(prices[key]) for key in ("per_mb", "per_sms", "per_day"))
        made = add_rate_plan(name=plan, carrier=carrier, per_mb=per_mb, per_sms=per_sms, per_day=per_day, by=OPERATOR)
        know_cost(price_id=made.prices.get().pk, cost=COST, by=OPERATOR)
    return tune_carrier(carrier=carrier, url=f"{url}/{kind}", read_every=READ_EVERY, by=OPERATOR, **TUNED[kind])


def _add_lines(fleet: Sequence[dict[str, Any]], account: Account, carriers: dict[str, Carrier]) -> None:
    """Each kind of device to its holder; one in 25 stays in stock, one in 40 is not activated."""
    adjust(account=account, amount=Decimal(500), reason="Opening credit", by=OPERATOR)
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for number, sim in enumerate(fleet):
        place = "stock" if number % 25 == 24 else "off" if number % 40 == 11 else "on"
        groups[sim["carrier"], sim["kind"], place].append({**sim, "number": number})
    for (kind, device, place), sims in sorted(groups.items()):
        name, email, note = HOLDERS[device]
        import_lines(
            unchecked=True,
            rows=[(sim["number"], sim["iccid"]) for sim in sims],
            carrier=carriers[kind],
            plan=RatePlan.objects.get(name=CARRIERS[kind][1]),
            account=None if place == "stock" else _holder(account, name, email),
            active=place == "on",
            by=OPERATOR,
        )
        for sim in sims if place != "stock" else ():
            notes = note.format(n=sim["number"] + 1, d=sim["number"] % 6 + 1)
            Line.objects.filter(iccid=sim["iccid"]).update(notes=notes, imei=sim["imei"])


def _stock(account: Account) -> dict[str, str]:
    """Half of the stock is reserved for the demo's account, the others come with a code; answers one of these, for
    whoever opens an account of their own. Harmless twice."""
    new = Line.objects.filter(payer=None, reservation=None, claim_code=None).order_by("iccid")
    iccids = list(new.values_list("iccid", flat=True))
    if iccids:
        reserve(iccids=iccids[::2], account=account, batch="Demo batch", by=OPERATOR)
        keep_claim_codes(rows=[(iccid, code_of(iccid)) for iccid in iccids[1::2]], by=OPERATOR)
    coded = ClaimCode.objects.order_by("line__iccid").values_list("line__iccid", flat=True).first()
    return {"iccid": coded, "code": code_of(coded)} if coded else {}


def code_of(iccid: str) -> str:
    """What the demo's cards have printed on them."""
    return f"DEMO{iccid[-4:]}"


def _holder(account: Account, name: str, email: str) -> Account:
    if name == account.name:
        return account
    return Account.objects.filter(parent=account, name=name).first() or open_account(
        name=name, owner_email=email, password=PASSWORD, professional=True, parent=account, by=OPERATOR
    )


def _live_through(simulator: Simulator, account: Account, carriers: dict[str, Carrier]) -> None:
    """The past days, one after the other: read, charged, sealed, and paid for when the balance runs low."""
    active = set(Line.objects.filter(payer=account, state__wanted=1).values_list("iccid", flat=True))
    for days_ago in range(DAYS, 0, -1):
        night = _night(days_ago)
        with clock.frozen(night):
            for kind, carrier in carriers.items():
                readings = [reading for reading in simulator.readings(kind, night) if reading.iccid in active]
                apply_readings(carrier=carrier, readings=readings, read_at=night)
            charge_fees(today=night.date())
            charge_subaccounts(today=night.date())
        with clock.frozen(night + dt.timedelta(minutes=5)):
            seal_days(before=clock.today())
            if has_cards():
                pay(account, days_ago=days_ago)
            else:
                _transfer(account, last=days_ago == 1)
            enforce()


def _transfer(account: Account, *, last: bool) -> None:
    """A credit in round hundreds when under half of the usual runway is left, and at the end up to it."""
    balance = balance_of(account, today=clock.today())
    wanted = balance.minimum + RUNWAY * balance.average_daily
    if balance.available < (wanted if last else wanted / 2):
        missing = ((wanted - balance.available) / 100).quantize(Decimal(1), rounding=ROUND_UP) * 100
        adjust(account=account, amount=missing, reason="Bank transfer", by=OPERATOR)


def _night(days_ago: int) -> dt.datetime:
    """The last moments of a past day."""
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days_ago)
    return dt.datetime.combine(day, dt.time(23, 58), tzinfo=dt.UTC)
