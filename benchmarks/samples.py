"""What is spoken, and whom the matched voices follow."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.base import EngineFolders, SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.settings import CHECKOUT

LANGUAGE = "en-us"
#: eSpeak NG's own voice, the yardstick of all.
PLAIN = "gmw/en-US"

#: Where recordings are looked for unless another folder is named.
DEFAULT_RECORDINGS = CHECKOUT.parent / "shared" / "data" / "speech"

_SENTENCES = (
    "The ferry leaves the northern harbour at seven and returns before dusk.",
    "Nobody had asked the gardener, although he was the one who had seen it all.",
    "Flour, salt and water are enough; patience does the rest.",
    "Would you open the window for a moment?",
    "In the second year the bridge carried twice as many carts as anybody had expected, and the "
    "town began to think of another one.",
    "She counted the coins, put them back, and said that it would have to do.",
    "The signal was weak but steady.",
    "On the hill above the station stands a house with green shutters, which has been for sale since "
    "the autumn.",
)
_SENTENCES_A_PARAGRAPH = 5


@dataclass(frozen=True)
class Speaker:
    """Recordings of one person; the first is the reference."""

    name: str
    recordings: tuple[Path, ...]
    text: str  # of the reference; "" where it is not known


def text_of(characters: int) -> str:
    """About `characters` of English, never the same paragraph twice."""
    return "".join(_pieces(characters))[:characters].rstrip()


def unrepeated(characters: int) -> str:
    """About `characters` of words in sentences that make no sense and never come twice."""
    words = [word.strip(",;.?").lower() for sentence in _SENTENCES for word in sentence.split()]
    draw, sentences, length = random.Random(1), list[str](), 0
    while length < characters:
        sentences.append(" ".join(draw.choices(words, k=draw.randint(6, 14))).capitalize() + ".")
        length += len(sentences[-1]) + 1
    return " ".join(sentences)


def speakers(folder: Path | None, spoken: Path) -> list[Speaker]:
    """Those whose recordings, named <speaker>-<rest> or LJ..., lie in `folder`, with transcripts.csv
    (id|text) where it is there. Without a folder two of eSpeak NG's voices, spoken into `spoken`."""
    if folder is None:
        return _synthetic(spoken)
    texts = _transcripts(folder)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*.flac")) + sorted(folder.glob("*.wav")):
        by_name["LJ" if path.name.startswith("LJ") else path.name.split("-")[0]].append(path)
    return [Speaker(name, tuple(paths), texts.get(paths[0].stem, "")) for name, paths in by_name.items()]


def share_measured(prompts: Path, measured: Path | None) -> None:
    """Let eSpeak NG, whose matched voices are kept in `prompts`, take what is measured of its own voices from
    the folder `measured`, and keep it there; where that is None it begins anew."""
    if measured is not None:
        cache = prompts / "espeak"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "variants").symlink_to(measured, target_is_directory=True)


def source_of(folder: Path | None) -> str:
    """A sentence on where the reference recordings come from."""
    if folder is None:
        return (
            "There were no recordings: the references were spoken by two other voices of eSpeak NG, "
            "which are easier to match than people."
        )
    return "The references are recordings of people."


def _pieces(characters: int) -> Iterator[str]:
    length = 0
    for number, sentence in enumerate(itertools.cycle(_SENTENCES)):
        paragraph, within = divmod(number, _SENTENCES_A_PARAGRAPH)
        piece = f"{sentence} " if within else f"\n\nPart {paragraph + 1}. {sentence} "
        yield piece if number else piece.lstrip()
        length += len(piece)
        if length >= characters:
            return


def _transcripts(folder: Path) -> dict[str, str]:
    path = folder / "transcripts.csv"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {key: text for key, _, text in (line.partition("|") for line in lines)}


def _synthetic(folder: Path) -> list[Speaker]:
    engine = EspeakEngine(
        EngineFolders(folder / "cache", ModelFolders(folder / "models", folder / "models"))
    )
    text = text_of(100)
    made = []
    for variant in ("m1", "f3"):
        path = folder / f"{variant}-reference.wav"
        chunks = engine.stream(SpeechRequest(text, LANGUAGE, speaker=f"{PLAIN}+{variant}"), Control())
        samples = np.concatenate([chunk.audio.samples for chunk in chunks])
        with WavWriter(path, engine.info.sample_rate) as writer:
            writer.append(samples)
        made.append(Speaker(variant, (path,), text))
    engine.unload()
    return made
