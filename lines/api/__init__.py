"""The API's calls about lines."""

from lines.api import adding, cards, changes, costs, devices, fields, jobs, messages, mirror, usage, usage_exports

ENDPOINTS = (
    *cards.ENDPOINTS,
    *mirror.ENDPOINTS,
    *adding.ENDPOINTS,
    *usage.ENDPOINTS,
    *devices.ENDPOINTS,
    *messages.ENDPOINTS,
    *changes.ENDPOINTS,
    *fields.ENDPOINTS,
    *jobs.ENDPOINTS,
    *costs.ENDPOINTS,
    *usage_exports.ENDPOINTS,
)
