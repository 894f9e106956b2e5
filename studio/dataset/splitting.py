"""Which recordings are trained on and which are set aside to judge the training by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from studio.dataset.values import Segment

TRAIN, EVAL = "train", "eval"

#: More than this share of the seconds, or of the share that was asked for, is never set aside.
_MOST = 1 / 3


@dataclass
class _Cluster:
    """Recordings that must stay on one side, since they share segments that are alike."""

    sources: list[str]
    seconds: Counter[str] = field(default_factory=Counter)  # by speaker

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def split(
    kept: Sequence[Segment], eval_share: float, dropped: Sequence[Segment] = ()
) -> Mapping[str, str]:
    """TRAIN or EVAL for the id of each source of `kept`; whole recordings, the same for the same input.

    Recordings that share duplicates stay together: those among `kept` by text or sound, those among
    `dropped` by sound, as a copy of a recording is the same recording. Sides go by the sources' ids,
    which are hashes of their contents: chance, yet adding a recording hardly moves the others. No
    speaker is only in EVAL. With one recording, or where each is too large a part, all are TRAIN.
    """
    clusters = _clusters(kept, dropped)
    total = sum(cluster.total for cluster in clusters)
    left = Counter[str]()
    for cluster in clusters:
        left.update(cluster.seconds)
    chosen: list[_Cluster] = []
    if eval_share > 0:
        wanted = eval_share * total
        for cluster in clusters:
            taken = sum(each.total for each in chosen)
            if taken + cluster.total / 2 <= wanted and _may_go(cluster, left):
                chosen.append(cluster)
                left.subtract(cluster.seconds)
        if not chosen:
            chosen = _smallest(clusters, left, max(_MOST, eval_share) * total)
    aside = {source for cluster in chosen for source in cluster.sources}
    return {
        source: EVAL if source in aside else TRAIN for cluster in clusters for source in cluster.sources
    }


def why_no_eval(sides: Mapping[str, str]) -> str:
    """A sentence for people where `split` could set nothing aside though it was asked to."""
    if not sides or EVAL in sides.values():
        return ""
    if len(sides) == 1:
        return "All of it comes from one recording, so nothing is set aside for evaluation."
    return (
        "Nothing is set aside for evaluation: each recording is too large a part, the only one of its"
        " speaker, or shares segments with the others. Add another short one."
    )


def _smallest(clusters: Iterable[_Cluster], left: Counter[str], most: float) -> list[_Cluster]:
    """The shortest that may go and is not too much, where none is as short as was asked for."""
    possible = [each for each in clusters if each.total <= most and _may_go(each, left)]
    return [min(possible, key=lambda each: each.total)] if possible else []


def _may_go(cluster: _Cluster, left: Counter[str]) -> bool:
    """Whether something of each of its speakers stays behind."""
    # Sums of times are not exact; no segment is as short as a millisecond.
    return all(left[speaker] - seconds > 0.001 for speaker, seconds in cluster.seconds.items())


def _clusters(kept: Iterable[Segment], dropped: Iterable[Segment]) -> list[_Cluster]:
    """The kept segments' recordings, joined where they share something; by their first id."""
    joined: dict[str, str] = {}

    def root(source: str) -> str:
        while (parent := joined.setdefault(source, source)) != source:
            joined[source] = joined[parent]
            source = parent
        return source

    def join(segment: Segment, original: str) -> None:
        if original:
            one, other = sorted((root(segment.source), root(original.rpartition("-")[0])))
            joined[other] = one

    seconds: dict[str, Counter[str]] = {}
    for segment in kept:
        join(segment, segment.duplicate_audio)
        join(segment, segment.duplicate_text)
        seconds.setdefault(segment.source, Counter())[segment.speaker] += segment.duration  # type: ignore[assignment]
    for segment in dropped:
        join(segment, segment.duplicate_audio)
    clusters: dict[str, _Cluster] = {}
    for source in sorted(seconds):
        cluster = clusters.setdefault(root(source), _Cluster([]))
        cluster.sources.append(source)
        cluster.seconds.update(seconds[source])
    return list(clusters.values())
