"""Where people come in. Only what the console needs of allauth is routed, under allauth's own names."""

from allauth.account import views as allauth
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount import views as social
from django.conf import settings
from django.urls import include, path, re_path

from accounts import views

urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("signup/", views.SignupView.as_view(), name="account_signup"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("confirm-email/", allauth.email_verification_sent, name="account_email_verification_sent"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", views.ConfirmView.as_view(), name="account_confirm_email"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("password/set/", allauth.password_set, name="account_set_password"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("2fa/totp/activate/", views.first_factor_by_link(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/webauthn/add/", views.first_factor_by_link(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
    path("open/<slug:kind>/", views.open_link, name="open_link"),
    path("back-office/", views.office_pass, name="office_pass"),
    path("back-office/<str:token>/", views.former_link, {"kind": "back-office"}, name="former_office_pass"),
    path("invitation/", views.invitation, name="invitation"),
    path("invitation/<str:token>/", views.former_link, {"kind": "invitation"}, name="former_invitation"),
    path("stop-acting/", views.stop_acting, name="stop_acting"),
    path("choose/", views.choose, name="choose_account"),
    path("at/<uuid:account_uuid>/", views.at, name="come_in"),
    path("brand/<uuid:key>/style.css", views.brand_style, name="brand_style"),
    path("brand/<uuid:key>/logo.png", views.brand_logo, name="brand_logo"),
]

urlpatterns += [
    path("social/", social.connections, name="socialaccount_connections"),
    path("social/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("social/error/", social.login_error, name="socialaccount_login_error"),
    # allauth names it; our adapter never leads here
    path("social/signup/", social.signup, name="socialaccount_signup"),
    *(path("social/", include(f"allauth.socialaccount.providers.{name}.urls")) for name in settings.SOCIAL),
]
