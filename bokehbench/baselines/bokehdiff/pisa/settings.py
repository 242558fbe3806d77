"""What of PISA is switched on, and how finely occlusion is sampled."""

from __future__ import annotations

from dataclasses import dataclass

from bokehbench.errors import ConfigError

FORMS = ("auto", "reference", "blocked", "triton")


@dataclass(frozen=True)
class PisaSettings:
    """Parts of PISA and the sampling of its occlusion; the defaults are those of inference.

    Training takes samples=5, jitters=4, dropout=0.1. The first three fields are the paper's ablations.

    Attributes:
        coc: the mask by circles of confusion.
        query_softmax: normalise over queries, which conserves the energy of each source; otherwise over keys,
            as attention does everywhere else.
        occlusion: what stands between source and lens takes light away.
        samples: points along each ray that are looked up, at least 1.
        jitters: rays for each pair of tokens, the first one unmoved, at least 1.
        dropout: share of the weights that are dropped while training, in [0, 1).
        compat: positions as in the released code, for its weights; square pictures only.
        form: how it is computed: "auto" is "triton" on CUDA and "blocked" elsewhere.
    """

    coc: bool = True
    query_softmax: bool = True
    occlusion: bool = True
    samples: int = 7
    jitters: int = 5
    dropout: float = 0.0
    compat: bool = False
    form: str = "auto"

    def __post_init__(self) -> None:
        for name in ("samples", "jitters"):
            if getattr(self, name) < 1:
                raise ConfigError(f"PISA: {name} is {getattr(self, name)}; it must be at least 1")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"PISA: dropout is {self.dropout}; it must be at least 0 and less than 1")
        if self.form not in FORMS:
            raise ConfigError(f"PISA: form {self.form!r} is unknown; take one of {', '.join(FORMS)}")
