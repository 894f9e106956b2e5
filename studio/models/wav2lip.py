"""The models of Wav2Lip. Their authors have put them on no hub.

What is fetched is a copy that others keep on Hugging Face. It is not taken at its word: the SHA-256 below are
those that every copy known to us bears, and a file with another one is refused. The authors themselves link
to Google Drive, which only a browser opens; what is there is the same net as TorchScript, under other names.
"""

from __future__ import annotations

from studio.models.entries import ModelEntry, ModelFile

WAV2LIP = "Wav2Lip"

#: How `ModelEntry.serves` begins.
SERVES = "Talking avatars: "

_COPY = "Nekochu/Wav2Lip"
_AUTHORS = "https://github.com/Rudrabha/Wav2Lip#license-and-citation"
_WHY = "It holds the weights."


def _wav2lip(key: str, label: str, file: ModelFile, serves: str) -> ModelEntry:
    return ModelEntry(
        key=key,
        label=label,
        family=WAV2LIP,
        folder=key,
        hugging_face=_COPY,
        modelscope="",
        files=(file,),
        license="research and non-commercial use only",
        license_url=_AUTHORS,
        serves=f"{SERVES}{serves}",
        engine="wav2lip",
        vram_gb=1.0,
        consent=(
            "The weights were trained on the data set LRS2. They, and the videos that are made with them, "
            "may be used for research and personal, non-commercial purposes only."
        ),
    )


ENTRIES = (
    _wav2lip(
        "wav2lip",
        "Wav2Lip",
        ModelFile(
            "wav2lip.pth",
            _WHY,
            435_807_851,
            sha256="b78b681b68ad9fe6c6fb1debc6ff43ad05834a8af8a62ffc4167b7b34ef63c37",
            others=("Wav2Lip-SD-NOGAN.pt",),
        ),
        "lips in step with the sound",
    ),
    _wav2lip(
        "wav2lip-gan",
        "Wav2Lip + GAN",
        ModelFile(
            "wav2lip_gan.pth",
            _WHY,
            435_801_865,
            sha256="ca9ab7b7b812c0e80a6e70a5977c545a1e8a365a6c49d5e533023c034d7ac3d8",
            others=("Wav2Lip-SD-GAN.pt",),
        ),
        "better to look at, a little less in step with the sound",
    ),
    ModelEntry(
        key="wav2lip-practice",
        label="Practice model of Wav2Lip (random weights: a blur for a mouth)",
        family=WAV2LIP,
        folder="practice",
        hugging_face="",
        modelscope="",
        files=(ModelFile("practice.pth", _WHY),),
        license="made on this machine",
        license_url="",
        serves="Trying Wav2Lip without a download",
        engine="wav2lip",
        practice=True,
    ),
)
