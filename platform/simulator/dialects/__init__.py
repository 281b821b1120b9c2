"""The APIs of further carriers over the same fleet: each no more than its words and its shapes."""

from . import emnify, hologram, onence, onomondo, soracom

DIALECTS = {
    "onence": onence,
    "emnify": emnify,
    "hologram": hologram,
    "onomondo": onomondo,
    "soracom": soracom,
}
