"""What a mirror of the fleet reads with the list, instead of one call for each line."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

from django.db import connection
from django.test.utils import CaptureQueriesContext
from kit import clock
from kit.paging import Cursor

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.commands.tags import set_tags
from lines.models import Line, LineState, Sighting
from lines.queries.sought import ORDERS
from tests.api.keepgo_client import KeepgoClient, client_of
from tests.fleets import MB, Fleet, holders_of

EVERYTHING = "imei,msisdn,country,carrier,tags,last_seen,read_at"


def test_the_list_has_what_is_asked_and_nothing_else(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    line = fleet.line(account)
    Line.objects.filter(pk=line.pk).update(imei="356938035643809", msisdn="4915112345678")
    set_tags(line=Line.objects.get(pk=line.pk), names=["van", "Berlin"], by=OPERATOR)
    fleet.read(line, f"{clock.today()} 00:00:00", MB)
    (row,) = client.get("iot_sim_cards", fields=EVERYTHING).json()["data"]
    more = row["more"]
    assert (more["imei"], more["msisdn"], more["country"]) == ("356938035643809", "4915112345678", "")
    assert (more["carrier"], sorted(more["tags"], key=str.lower)) == (line.carrier.name, ["Berlin", "van"])
    read_at = LineState.objects.get(line=line).read_at
    assert more["read_at"] == f"{read_at:%Y-%m-%d %H:%M:%S}"
    (row,) = client.get("iot_sim_cards", fields="tags, imei").json()["data"]
    assert set(row["more"]) == {"tags", "imei"}
    assert "more" not in client.get("iot_sim_cards").json()["data"][0]
    refused = client.get("iot_sim_cards", fields="imei,price")
    assert (refused.status_code, refused.json()["field"]) == (422, "fields")


def test_the_next_page_has_the_same_fields_and_no_more_queries(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    fleet.lines(account, 30)
    first = client.get("iot_sim_cards", per_page=2, fields="imei").json()
    following = client.http.get(first["links"]["next"], headers=client.headers()).json()
    assert [set(row["more"]) for row in following["data"]] == [{"imei"}, {"imei"}]
    counts = []
    for size in (2, 20, 25):
        with CaptureQueriesContext(connection) as asked:
            client.get("iot_sim_cards", per_page=size, fields=EVERYTHING)
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2] + 1  # a page of the usual length finds its ids by its own statement


def test_a_subaccount_is_told_neither_carrier_nor_tags(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    set_tags(line=line, names=["secret"], by=OPERATOR)
    (row,) = client_of(sub).get("iot_sim_cards", fields=EVERYTHING).json()["data"]
    assert (row["more"]["carrier"], row["more"]["tags"]) == (None, None)
    assert "secret" not in str(row)


def test_the_list_is_narrowed_by_what_it_tells(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    one, two, three = fleet.lines(account, 3)
    Line.objects.filter(pk=one.pk).update(imei="356938035643809", msisdn="4915112345678")
    set_tags(line=two, names=["Van"], by=OPERATOR)
    now = clock.now().replace(microsecond=0)
    for line, days in ((one, 10), (two, 2)):
        LineState.objects.filter(line=line).update(last_seen=now - dt.timedelta(days=days), read_at=now)
    seen(one, "DE", now - dt.timedelta(days=9))
    seen(one, "FR", now - dt.timedelta(days=8))
    seen(two, "DE", now)

    def iccids(**query: str) -> list[str]:
        found = client.get("iot_sim_cards", **query).json()
        assert found["total"] == len(found["data"])
        return [row["iccid"] for row in found["data"]]

    assert iccids(imei="356938035643809") == iccids(msisdn="4915112345678") == [one.iccid]
    assert iccids(imei="35693803564380") == []
    assert iccids(tag="van") == [two.iccid]
    assert iccids(carrier=one.carrier.name.upper()) == [one.iccid, two.iccid, three.iccid]
    assert iccids(carrier="nobody") == []
    assert (iccids(country="FR"), iccids(country="DE")) == ([one.iccid], [two.iccid])
    limit = f"{now - dt.timedelta(days=5):%Y-%m-%d %H:%M:%S}"
    assert (iccids(seen_from=limit), iccids(seen_before=limit)) == ([two.iccid], [one.iccid])
    assert iccids(read_from=f"{now:%Y-%m-%d %H:%M:%S}") == [one.iccid, two.iccid]
    for name, wrong in (("seen_from", "2026-02-30"), ("sort", "price"), ("country", "de"), ("read_before", "soon")):
        refused = client.get("iot_sim_cards", **{name: wrong})
        assert (refused.status_code, refused.json()["field"]) == (422, name)
    job = {"action": "deactivate", "filter": {"tag": "van", "country": "DE"}, "dry_run": True}
    assert client.post("jobs", job).json()["total"] == 1


def test_each_order_has_every_line_once_forth_and_back(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    lines, now = fleet.lines(account, 7), clock.now()
    for number, line in enumerate(lines[:5]):  # two share what they are sorted by, and two have none of it
        Line.objects.filter(pk=line.pk).update(imei=f"35693803564380{number // 2}", msisdn=f"49{number // 2}")
        at = now - dt.timedelta(hours=number // 2)
        LineState.objects.filter(line=line).update(last_seen=at, read_at=at)
        set_tags(line=line, names=[f"t{number // 2}", "z"], by=OPERATOR)
        seen(line, ("DE", "FR", "IT")[number // 2], now)
    for name in ORDERS:
        forth = walk(client, name)
        assert sorted(forth) == [line.iccid for line in lines]
        assert walk(client, f"-{name}") == forth[::-1]
    assert walk(client, "last_seen")[:2] == [line.iccid for line in lines[5:]]


def test_a_cursor_of_another_order_is_refused(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    fleet.lines(account, 3)
    for made, asked in (("iccid", "read_at"), ("imei", "read_at"), ("iccid", "tags")):
        cursor = cursor_of(client.get("iot_sim_cards", per_page=1, sort=made).json()["links"]["next"])
        refused = client.get("iot_sim_cards", sort=asked, cursor=cursor)
        assert (refused.status_code, refused.json()["field"]) == (422, "cursor")
    for key in (
        '["\\u0000","1"]',
        '["2026-11-02","1"]',
        '["2026-11-02T00:00:00",1]',
        "5",
        "[1]",
        "null",
        '["\\ud800","1"]',
    ):
        cursor = str(Cursor(key, False, 3))
        assert client.get("iot_sim_cards", sort="read_at", cursor=cursor).status_code == 422
        assert client.get("iot_sim_cards", sort="imei", cursor=str(Cursor(key, False, 3))).status_code in (200, 422)


def test_a_subaccount_finds_and_sorts_by_nothing_of_its_payers(
    client: KeepgoClient, fleet: Fleet, account: Account
) -> None:
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    set_tags(line=line, names=["secret"], by=OPERATOR)
    theirs = client_of(sub)
    assert theirs.get("iot_sim_cards", tag="secret").json()["data"] == []
    assert theirs.get("iot_sim_cards", carrier=line.carrier.name).json()["data"] == []
    for name in ("tags", "-carrier"):
        assert theirs.get("iot_sim_cards", sort=name).json()["field"] == "sort"
    assert theirs.get("iot_sim_cards", sort="-read_at").json()["total"] == 1


def walk(client: KeepgoClient, sort: str) -> list[str]:
    """Every line by pages of two, to the end; the way back has the same."""
    page = client.get("iot_sim_cards", per_page=2, sort=sort).json()
    pages = [page]
    while page["links"]["next"]:
        page = client.http.get(page["links"]["next"], headers=client.headers()).json()
        pages.append(page)
    back = [page]
    while page["links"]["prev"]:
        page = client.http.get(page["links"]["prev"], headers=client.headers()).json()
        back.append(page)
    assert [one["data"] for one in back[::-1]] == [one["data"] for one in pages]
    return [row["iccid"] for one in pages for row in one["data"]]


def cursor_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["cursor"][0]


def seen(line: Line, country: str, at: dt.datetime) -> None:
    line.refresh_from_db()
    Sighting.objects.create(
        line=line, **holders_of(line), cycle=at.date().replace(day=1), started_at=at,
        seen_at=at, is_session=True, country=country,
    )  # fmt: skip
