"""Every setting, once: command line > TIMBRE_* environment > timbre.toml in the home > default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from studio.errors import BadInput

CHECKOUT = Path(__file__).resolve().parent.parent


def default_models_dir() -> Path:
    """Models are gigabytes and outlive a checkout, so they live in the user's data folder."""
    return Path(platformdirs.user_data_dir("timbre", appauthor=False)) / "models"


class Settings(BaseSettings):
    """The studio's settings; every field says its unit. Unknown names in timbre.toml are refused."""

    model_config = SettingsConfigDict(
        env_prefix="TIMBRE_", extra="forbid", frozen=True, validate_default=True
    )

    home: Path = Field(CHECKOUT, description="The workspace: outputs, voices, data sets, timbre.db.")
    models_dir: Path = Field(
        default_factory=default_models_dir, description="Where downloaded models live."
    )

    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(7860, ge=1, le=65535, description="Port the server listens on.")
    share: bool = Field(False, description="Open a public Gradio link; needs auth.")
    auth: str = Field(
        "", repr=False, description="user:password, several separated by commas; empty: none."
    )

    api: bool = Field(True, description="Answer programs: the routes of docs/server.md.")
    api_rate_per_min: int = Field(
        120,
        ge=0,
        description="Requests a minute that a key, or a user without one, may make of the engines; 0: any "
        "number.",
    )
    api_concurrency: int = Field(
        8, ge=0, description="How many of them it may have at once; 0: any number."
    )
    request_timeout_s: float = Field(
        600, gt=0, description="Longest work on one request of a program, seconds."
    )
    cors_origins: str = Field(
        "",
        description="Websites whose pages may use the API, such as https://example.com; commas between.",
    )
    shutdown_grace_s: float = Field(
        10, ge=0, description="Time for what is in flight when the server is to stop, seconds."
    )
    keep_outputs_days: float = Field(
        0,
        ge=0,
        description="Takes, videos and transcripts older than this are deleted, favourites never; 0: none.",
    )

    default_engine: str = Field("espeak", description="The speech engine chosen at first.")
    default_language: str = Field(
        "en-us", description="Spoken where a text's language cannot be told (BCP 47)."
    )
    default_reference: str = Field(
        "",
        description="Who speaks where a program names nobody: a saved voice, or the whole path of a "
        "recording; empty: the engine's first voice.",
    )
    default_reference_text: str = Field(
        "", description="What is said in that recording; a saved voice knows its own."
    )
    engine_idle_s: float = Field(
        600, ge=0, description="Seconds after which an unused engine is unloaded; 0: never."
    )
    max_waiting: int = Field(16, ge=1, description="Speech requests that may wait for the device.")

    device: str = Field("auto", description="Where neural engines run: auto, cpu, cuda, cuda:1, mps.")
    dtype: str = Field(
        "auto",
        pattern="^(auto|float32|bfloat16|float16|int8)$",
        description="Numbers they calculate with: auto, float32, bfloat16, float16 or int8.",
    )
    take_retries: int = Field(
        2, ge=0, le=10, description="How often a part that went wrong is spoken again; 0: never."
    )

    max_text_chars: int = Field(200_000, ge=1, description="Longest text, in characters.")
    part_chars: int = Field(400, ge=40, description="Longest part spoken at once, in characters.")
    pause_sentence_s: float = Field(0.25, ge=0, le=5, description="Silence between parts, seconds.")
    pause_paragraph_s: float = Field(0.6, ge=0, le=5, description="Silence between paragraphs, seconds.")
    loudness_lufs: float = Field(
        -19.0, ge=-40, le=-9, description="Loudness of finished speech, LUFS (ITU-R BS.1770)."
    )

    max_upload_mb: int = Field(200, ge=1, description="Largest uploaded file, MB.")
    max_audio_s: float = Field(4 * 3600, gt=0, description="Longest recording read, seconds.")
    max_reference_s: float = Field(600, gt=0, description="Longest reference recording, seconds.")
    require_consent: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether a voice needs to say whose it is; auto: where the studio is shared.",
    )

    max_video_s: float = Field(1800, gt=0, description="Longest video of an avatar, seconds.")
    avatar_label: bool = Field(
        True, description="Write “AI-generated” into videos, unless an order says otherwise."
    )

    vad_aggressiveness: int = Field(
        2, ge=0, le=3, description="How readily sound counts as no speech, 0 (seldom) to 3."
    )
    vad_frame_ms: int = Field(
        30, ge=10, le=30, multiple_of=10, description="What is judged at once, 10, 20 or 30 ms."
    )
    vad_padding_s: float = Field(
        0.3, ge=0, le=2, description="What is kept before and after speech, seconds."
    )
    max_segment_s: float = Field(
        22.0, ge=2, le=28, description="Longest stretch that is recognised at once, seconds."
    )
    silence_gate_dbfs: float = Field(
        -45.0, ge=-120, le=0, description="Speech quieter than this is taken for silence, dBFS (RMS)."
    )
    whisper_mirror: str = Field(
        "",
        pattern=r"^(https://\S+|http://(127\.0\.0\.1|localhost)(:\d+)?\S*)?$",
        description="Address to fetch Whisper from instead of OpenAI's; hashes are checked alike.",
    )

    download_stall_s: float = Field(
        60.0, gt=0, description="Silence after which a download counts as stuck, seconds."
    )

    job_heartbeat_s: float = Field(1.0, gt=0, description="How often a job says it is alive, seconds.")
    job_dead_after_s: float = Field(
        30.0, gt=0, description="Silence after which a job counts as dead, seconds."
    )
    job_grace_s: float = Field(
        10.0, ge=0, description="Time a cancelled job gets before it is killed, seconds."
    )

    llm_url: str = Field(
        "", description="Language model: address of an OpenAI-compatible server; empty: none."
    )
    llm_model: str = Field(
        "", description="Its model, by the server's name; empty: the server's choice."
    )
    llm_api_key: str = Field(
        "", repr=False, description="Its key, sent to that server only; empty: none."
    )
    llm_timeout_s: float = Field(
        60.0, gt=0, description="Longest wait for one answer of the language model, seconds."
    )
    llm_max_chars: int = Field(
        3_000, ge=200, description="Longest text sent to it at once, in characters."
    )
    use_llm_stt: bool = Field(True, description="Let it correct transcripts, once llm_url is set.")
    use_llm_tts: bool = Field(False, description="Let it prepare texts before speech.")
    use_stress: bool = Field(
        False, description="Mark the stress of Russian words before speech; needs silero-stress."
    )

    log_level: str = Field("info", description="debug, info, warning or error.")
    log_json: bool = Field(False, description="Log one JSON object a line.")

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            address = urlsplit(each)
            if address.scheme not in ("http", "https") or each != f"{address.scheme}://{address.netloc}":
                raise ValueError("write each as http(s)://host, with its port where it has one; no *")
        return value.lower()

    @field_validator("llm_url")
    @classmethod
    def _server(cls, value: str) -> str:
        if not value.strip():
            return ""
        address = urlsplit(value.strip())
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("it must begin with http:// or https:// and name a host")
        if address.username or address.password or address.query or address.fragment:
            raise ValueError("it must hold no user, key or question mark; give a key as llm_api_key")
        return value.strip().rstrip("/")

    @field_validator("llm_api_key")
    @classmethod
    def _key(cls, value: str) -> str:
        # It stands in a header; what cannot stand there would turn up in the error instead.
        if not all("!" <= char <= "~" for char in value.strip()):
            raise ValueError("it has a space or a character that no key has")
        return value.strip()

    @field_validator("home", "models_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = init_settings()
        home = given.get("home") or os.environ.get("TIMBRE_HOME") or CHECKOUT
        toml = TomlConfigSettingsSource(settings_cls, Path(home).expanduser() / "timbre.toml")
        return init_settings, env_settings, toml

    @property
    def qwen_dir(self) -> Path:
        """Where Qwen models lie: the folder that other tools for them use too, where it is set."""
        given = os.environ.get("QWEN_TTS_MODELS_DIR")
        return Path(given).expanduser().resolve() if given else self.models_dir / "Qwen"

    @property
    def allowed_origins(self) -> frozenset[str]:
        """`cors_origins`, one by one."""
        return frozenset(filter(None, map(str.strip, self.cors_origins.split(","))))

    @property
    def credentials(self) -> list[tuple[str, str]]:
        """`auth` as pairs of user and password."""
        pairs = [entry.split(":", 1) for entry in self.auth.split(",") if entry]
        if any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise BadInput("--auth cannot be read.", "Write it as user:password, several with commas.")
        return [(user, password) for user, password in pairs]


def load_settings(**given: Any) -> Settings:
    """The settings in force; `given` are those of the command line, None meaning not given.

    Raises BadInput naming each field that is wrong.
    """
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
        )
        raise BadInput(
            f"The settings are wrong: {problems}.",
            "Correct timbre.toml, the TIMBRE_* environment or the option; docs/settings.md lists all.",
        ) from error
    except ValueError as error:  # broken TOML
        raise BadInput(
            f"timbre.toml cannot be read: {error}.", "Correct the file or remove it."
        ) from error
