"""The API over plain HTTP, and its document on a white label's domain."""

from __future__ import annotations

import pytest
from api.openapi import document
from django.test import Client, override_settings

from tests.api.keepgo_client import KeepgoClient

EXEMPT = [r"^api/(?!openapi\.json$)"]


@pytest.mark.parametrize("way", ["signed", "bearer"])
def test_plain_http_is_refused_before_anything_is_looked_at_and_never_redirected(
    client: KeepgoClient, way: str
) -> None:
    path = f"/api/{client.account_uuid}/iot_sim_cards"
    headers = client.headers() if way == "signed" else {"Authorization": "Bearer lk_anything"}
    with override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=EXEMPT):
        answer = Client().get(path, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"] == "/api/problems/plain-http"
        assert "https://" in answer.json()["what_to_do"]
        assert Client().get("/api/openapi.json").status_code == 301
        assert Client().get("/api-docs/").status_code == 301
        assert Client().get(path, headers=client.headers(), secure=True).status_code == 200


def test_a_white_labels_document_names_nobody() -> None:
    assert "Keepgo" in document()["info"]["description"]
    assert "Keepgo" not in str(document(is_ours=False))
