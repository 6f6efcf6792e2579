"""Corpora that can be fetched, and what one should know before: where from, how large, under which licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A part of a corpus, packed in one archive.

    sha256: of the archive, in hexadecimal. archive_bytes: to be fetched; the recordings need as much again.
    """

    corpus: str
    name: str
    url: str
    sha256: str
    archive_bytes: int
    hours: float
    speakers: int
    about: str
    licence: str = "CC BY 4.0"
    licence_url: str = "https://creativecommons.org/licenses/by/4.0/"

    @property
    def disk_bytes(self) -> int:
        """Room needed while it is unpacked: the archive and the recordings, and a little for the file system."""
        return round(2.1 * self.archive_bytes)


def _librispeech(name: str, sha256: str, archive_bytes: int, hours: float, speakers: int, about: str) -> Offer:
    url = f"http://www.openslr.org/resources/12/{name}.tar.gz"
    return Offer("LibriSpeech", name, url, sha256, archive_bytes, hours, speakers, about)


# Hours and speakers as in the paper (Panayotov et al., ICASSP 2015, table 1), addresses and checksums as in
# torchaudio.datasets, sizes as openslr.org/12 gives them.
OFFERS = (
    _librispeech(
        "dev-clean",
        "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
        337_926_286,
        5.4,
        40,
        "Small: to try things out, or to test on voices that no training has heard.",
    ),
    _librispeech(
        "dev-other",
        "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
        314_305_928,
        5.3,
        33,
        "Like dev-clean, with voices and accents that are harder to recognise.",
    ),
    _librispeech(
        "test-clean",
        "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
        346_663_984,
        5.4,
        40,
        "Small: to test on, other voices than dev-clean's.",
    ),
    _librispeech(
        "test-other",
        "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
        328_757_843,
        5.1,
        33,
        "Like test-clean, with voices and accents that are harder to recognise.",
    ),
    _librispeech(
        "train-clean-100",
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
        6_387_309_499,
        100.6,
        251,
        "The paper's training corpus.",
    ),
    _librispeech(
        "train-clean-360",
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
        23_049_477_885,
        363.6,
        921,
        "Large: many more voices, for a graphics card.",
    ),
    _librispeech(
        "train-other-500",
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
        30_593_501_606,
        496.7,
        1166,
        "The largest, with voices and accents that are harder to recognise.",
    ),
)


def offer(corpus: str, name: str) -> Offer | None:
    """The offer of this corpus and part, in any case of letters."""
    wanted = (corpus.casefold(), name.casefold())
    return next((o for o in OFFERS if (o.corpus.casefold(), o.name) == wanted), None)
