"""What a mirror of the fleet reads with the list, instead of one call for each line."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext
from fleets import MB, Fleet
from keepgo_client import KeepgoClient, client_of
from kit import clock

from accounts.models import Account
from accounts.policy import OPERATOR
from lines.commands.tags import set_tags
from lines.models import Line, LineState

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
    for size in (2, 25):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get("iot_sim_cards", per_page=size, fields=EVERYTHING)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_subaccount_is_told_neither_carrier_nor_tags(client: KeepgoClient, fleet: Fleet, account: Account) -> None:
    sub = fleet.account(parent=account)
    line = fleet.line(sub)
    set_tags(line=line, names=["secret"], by=OPERATOR)
    (row,) = client_of(sub).get("iot_sim_cards", fields=EVERYTHING).json()["data"]
    assert (row["more"]["carrier"], row["more"]["tags"]) == (None, None)
    assert "secret" not in str(row)
