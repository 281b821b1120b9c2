"""The APIs of further carriers over the same fleet: each no more than its words and its shapes."""

from . import emnify, hologram, keepgo, kore, onence, onomondo, simbase2, soracom, supersim

DIALECTS = {
    "onence": onence,
    "emnify": emnify,
    "hologram": hologram,
    "onomondo": onomondo,
    "soracom": soracom,
    "keepgo": keepgo,
    "supersim": supersim,
    "simbase2": simbase2,
    "kore": kore,
}
