"""Addresses about lines."""

from django.urls import path, re_path
from kit.identifiers import ICCID_IN_PATH

from lines.views import (
    about,
    actions,
    adding,
    bulk,
    callbacks,
    device,
    export,
    fields,
    jobs,
    line,
    listing,
    messages,
    readings,
    scanning,
    usage,
    usage_exports,
)

ICCID = rf"(?P<iccid>{ICCID_IN_PATH})"

urlpatterns = [
    path("", listing.line_list, name="lines"),
    path("export.csv", export.export, {"kind": "csv"}, name="lines-csv"),
    path("export.xlsx", export.export, {"kind": "xlsx"}, name="lines-xlsx"),
    path("columns/", listing.choose_columns, name="lines-columns"),
    path("add/", adding.add, name="lines-add"),
    path("add/many/", adding.add_many, name="lines-add-many"),
    path("bulk/", bulk.bulk, name="lines-bulk"),
    path("find/", bulk.find, name="lines-find"),
    path("scan/", scanning.scan, name="line-scan"),
    path("fields/", fields.custom_fields, name="custom-fields"),
    path("fields/file/", fields.fill_fields, name="custom-fields-file"),
    re_path(r"^fields/(?P<key>[0-9a-f]{32})/$", fields.change_field, name="custom-field"),
    re_path(r"^fields/(?P<key>[0-9a-f]{32})/remove/$", fields.remove_field, name="custom-field-remove"),
    re_path(rf"^{ICCID}/$", line.line_page, name="line"),
    re_path(rf"^{ICCID}/activate/$", actions.activate, name="line-activate"),
    re_path(rf"^{ICCID}/deactivate/$", actions.deactivate, name="line-deactivate"),
    re_path(rf"^{ICCID}/keep/$", actions.keep, name="line-keep"),
    re_path(rf"^{ICCID}/tags/$", actions.tags, name="line-tags"),
    re_path(rf"^{ICCID}/fields/$", fields.line_fields, name="line-fields"),
    re_path(rf"^{ICCID}/plan/$", actions.plan, name="line-plan"),
    re_path(rf"^{ICCID}/notes/$", actions.notes, name="line-notes"),
    re_path(rf"^{ICCID}/usage/$", about.line_usage, name="line-usage"),
    re_path(rf"^{ICCID}/connections/$", about.line_connections, name="line-connections"),
    re_path(rf"^{ICCID}/connections\.csv$", about.line_connections_csv, name="line-connections-csv"),
    re_path(rf"^{ICCID}/readings/$", readings.line_readings, name="line-readings"),
    re_path(rf"^{ICCID}/readings\.csv$", readings.line_readings_csv, name="line-readings-csv"),
    re_path(rf"^{ICCID}/destinations/$", about.line_destinations, name="line-destinations"),
    re_path(rf"^{ICCID}/statistics/$", about.line_statistics, name="line-statistics"),
    re_path(rf"^{ICCID}/audit/$", about.line_audit, name="line-audit"),
    re_path(rf"^{ICCID}/settings/$", device.line_settings, name="line-settings"),
    re_path(rf"^{ICCID}/settings/ask/$", device.line_ask, name="line-ask"),
    re_path(rf"^{ICCID}/settings/throttle/$", device.set_throttle, name="line-throttle"),
    re_path(rf"^{ICCID}/settings/data-limit/$", device.set_data_limit, name="line-data-limit"),
    re_path(rf"^{ICCID}/settings/edit/$", device.set_edit, name="line-edit"),
    re_path(rf"^{ICCID}/settings/names/$", device.set_name_sharing, name="line-name-sharing"),
    re_path(rf"^{ICCID}/settings/imei-lock/$", device.set_imei_lock, name="line-imei-lock"),
    re_path(rf"^{ICCID}/settings/reset/$", device.reset, name="line-reset"),
    re_path(rf"^{ICCID}/settings/codes/$", device.show_codes, name="line-codes"),
    re_path(rf"^{ICCID}/settings/location/$", device.show_location, name="line-location"),
    re_path(rf"^{ICCID}/sms/$", messages.line_sms, name="line-sms"),
    re_path(rf"^{ICCID}/sms/send/$", messages.sms_send, name="line-sms-send"),
    re_path(rf"^{ICCID}/sms/settle/$", messages.sms_settle, name="line-sms-settle"),
]

carrier_urlpatterns = [
    path("called-back/<str:token>/", callbacks.called_back, name="carrier-called-back"),
    path("told/<str:token>/", callbacks.told, name="carrier-told"),
]

usage_urlpatterns = [
    path("", usage.usage, name="usage"),
    path("usage.csv", usage.usage_csv, name="usage-csv"),
    path("exports/", usage_exports.usage_exports, name="usage-exports"),
    re_path(r"^exports/(?P<key>[0-9a-f]{32})/file$", usage_exports.usage_export_file, name="usage-export-file"),
    re_path(r"^exports/(?P<key>[0-9a-f]{32})/delete/$", usage_exports.delete_usage_export, name="usage-export-delete"),
]

sms_urlpatterns = [
    path("", messages.sms_list, name="sms"),
    path("seen/", messages.sms_seen, name="sms-seen"),
]

job_urlpatterns = [
    path("", jobs.job_list, name="jobs"),
    path("tray/", jobs.job_tray, name="job-tray"),
    re_path(r"^(?P<key>[0-9a-f]{32})/$", jobs.job_page, name="job"),
    re_path(r"^(?P<key>[0-9a-f]{32})/undo/$", jobs.job_undo, name="job-undo"),
    re_path(r"^(?P<key>[0-9a-f]{32})/lines.csv$", jobs.job_csv, name="job-csv"),
    re_path(r"^(?P<key>[0-9a-f]{32})/(?P<move>start|pause|resume|cancel|retry)/$", jobs.job_move, name="job-move"),
]
