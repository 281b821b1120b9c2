"""Every address."""

from api.docs import call, docs
from console.broken import broken
from console.explain import explain
from django.contrib import admin
from django.urls import include, path

from accounts.views.keys import api_keys, revoke_api_key
from automation.views.sandbox import act_in_test, close_test_account, make_test_account, test_account
from lines.urls import carrier_urlpatterns, job_urlpatterns, sms_urlpatterns, usage_urlpatterns

handler500 = broken
urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("api/", include("api.urls")),
    path("lines/", include("lines.urls")),
    path("carriers/", include(carrier_urlpatterns)),
    path("api-docs/", docs, name="api_docs"),
    path("api-docs/<slug:name>/", call, name="api_call"),
    path("sms/", include(sms_urlpatterns)),
    path("usage/", include(usage_urlpatterns)),
    path("jobs/", include(job_urlpatterns)),
    path("api-credentials/keys/", api_keys, name="api_keys"),
    path("api-credentials/keys/<int:key>/revoke/", revoke_api_key, name="revoke_api_key"),
    path("automation/", include("automation.urls")),
    path("test-account/", test_account, name="test_account"),
    path("test-account/make/", make_test_account, name="make_test_account"),
    path("test-account/close/", close_test_account, name="close_test_account"),
    path("test-account/do/<slug:do>/", act_in_test, name="act_in_test"),
    path("billing/explain/", explain, name="explain"),
    path("billing/", include("billing.urls")),
    path("", include("lines.urls_shop")),
    path("subaccounts/", include("subaccounts.urls")),
    path("wallet/", include("subaccounts.urls_wallet")),
    path("", include("accounts.pages")),
    path("back-office/", admin.site.urls),
    path("", include("console.urls")),
]
