"""Pages about people: their own, and an account's."""

from allauth.account import views as allauth
from django.urls import path, re_path

from accounts.views import audit, credentials, profile, staff

urlpatterns = [
    path("api-credentials/", credentials.api_credentials, name="api_credentials"),
    re_path(
        r"^subaccounts/(?P<key>[0-9a-f]{32})/api-credentials/$",
        credentials.api_credentials,
        name="subaccount_credentials",
    ),
    path("audit/", audit.audit_list, name="audit"),
    path("audit/audit.csv", audit.audit_csv, name="audit_csv"),
    path("profile/", profile.profile, name="profile"),
    path("profile/mail/", allauth.email, name="account_email"),
    path("profile/sessions/", profile.sessions, name="sessions"),
    path("profile/sessions/<int:session>/end/", profile.end_session, name="end_session"),
    path("profile/sessions/end-others/", profile.end_other_sessions, name="end_other_sessions"),
    path("staff/", staff.staff_list, name="staff"),
    path("staff/invite/", staff.invite, name="invite"),
    path("staff/invitations/<int:invitation>/again/", staff.invite_again, name="invite_again"),
    path("staff/invitations/<int:invitation>/withdraw/", staff.withdraw, name="withdraw_invitation"),
    path("staff/second-factor/", staff.demand_factor, name="demand_factor"),
    path("staff/ownership/", staff.ownership, name="ownership"),
    path("staff/ownership/withdraw/", staff.withdraw_offer, name="withdraw_offer"),
    path("staff/<int:place>/", staff.person, name="person"),
    path("staff/<int:place>/role/", staff.change_role, name="change_role"),
    path("staff/<int:place>/activate/", staff.switch, {"to": "activate"}, name="activate_person"),
    path("staff/<int:place>/deactivate/", staff.switch, {"to": "deactivate"}, name="deactivate_person"),
    path("staff/<int:place>/log-out/", staff.log_out, name="log_out_person"),
    path("staff/<int:place>/delete/", staff.delete, name="delete_person"),
    path("staff/<int:place>/offer/", staff.offer, name="offer_ownership"),
]
