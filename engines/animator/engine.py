"""The engine: a scene and its phonemes or its sound in, pictures out."""

from __future__ import annotations

import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from engines.avatar import AnimationRequest, AvatarInfo
from engines.base import EngineFolders, ModelChoice, Option, Placement
from engines.option_values import check_values
from studio.control import Control
from studio.errors import EngineFailed
from studio.video.types import Picture, Scene, frame_count

if TYPE_CHECKING:
    from engines.animator.still import StillRig
    from engines.animator.track import MouthState

OPTIONS = (
    Option("opening", "Mouth opening", 0.3, 1.6, 1.0, 0.05, "How far the mouth opens, in times.", frozenset()),
    Option(
        "lip_line", "Lip line", -0.15, 0.15, 0.0, 0.01,
        "How much lower the line between the lips lies than it was found, in widths of the mouth.", frozenset(),
    ),
    Option(
        "blinks", "Blinks", 0.0, 30.0, 14.0, 1.0,
        "Blinks a minute. Videos keep their own eyes; drawings blink where their eyes are found for certain.", frozenset(),
    ),
    Option(
        "head_motion", "Head motion", 0.0, 2.0, 1.0, 0.1,
        "How much the head sways, in times. Videos keep their own motion.", frozenset(),
    ),
)  # fmt: skip

#: So many scenes are kept prepared, and of those after the first so many pixels, each of which takes 32 bytes.
_KEPT, _KEPT_PIXELS = 4, 4_000_000


class AnimatorEngine:
    """The embedded animator behind engines.avatar.AvatarEngine."""

    def __init__(self, folders: EngineFolders) -> None:
        self._loaded = False
        self._rigs: OrderedDict[tuple[str, float], StillRig] = OrderedDict()

    @property
    def info(self) -> AvatarInfo:
        return AvatarInfo(
            id="animator",
            label="Animated photo",
            license="Apache-2.0",
            description=(
                "Bends the picture itself to move mouth, eyelids and head; quick and without a model. The lips "
                "follow the phonemes where they are known; by the sound alone they often stay open on p, b and m."
            ),
            uses_phonemes=True,
            options=OPTIONS,
            embedded=True,
        )

    @property
    def is_loaded(self) -> bool:
        return self._loaded

    @property
    def loaded_model(self) -> str:
        return ""

    def models(self) -> tuple[ModelChoice, ...]:
        return ()

    def load(self, placement: Placement, model: str) -> None:
        """Import what it needs; the placement does not matter."""
        try:
            import engines.animator.moving
            import engines.animator.still  # noqa: F401
        except ImportError as error:
            raise EngineFailed(
                f"The animator cannot be loaded: {error}.",
                "Install what requirements.txt names: pip install -r requirements.txt",
            ) from error
        self._loaded = True

    def unload(self) -> None:
        self._rigs.clear()
        self._loaded = False

    def animate(self, request: AnimationRequest, control: Control) -> Iterator[Picture]:
        """As the protocol says. Where phonemes are given the lips follow them, else the sound's energy."""
        options = _options(request)
        count = frame_count(request.seconds, request.fps)
        states = _states(request, count, options["opening"], control)
        if request.scene.still:
            yield from self._still(request, options, states, count, control)
        else:
            yield from _moving(request, options, states, count, control)

    def _still(
        self,
        request: AnimationRequest,
        options: dict[str, float],
        states: Iterator[MouthState],
        count: int,
        control: Control,
    ) -> Iterator[Picture]:
        from engines.animator.motion import Sway, blinks, sway

        rig = self._rig(request.scene, options["lip_line"])
        seed = _seed(request)
        motion = options["head_motion"]
        for state, closed, head in zip(
            itertools.islice(states, count),
            blinks(seed, options["blinks"], request.fps),
            sway(seed, request.fps),
            strict=False,
        ):
            control.check()
            yield rig.draw(state, closed, Sway(*(motion * each for each in head)))

    @property
    def _pixels(self) -> int:
        return sum(rig.pixels for rig in self._rigs.values())

    def _rig(self, scene: Scene, lip_line: float) -> StillRig:
        """What is prepared for the scene, now or by an earlier request."""
        from engines.animator.still import StillRig

        key = (scene.key, lip_line)
        if key not in self._rigs:
            self._rigs[key] = StillRig(next(iter(scene.shots(1, 1))), lip_line)
            while len(self._rigs) > 1 and (len(self._rigs) > _KEPT or self._pixels > _KEPT_PIXELS):
                self._rigs.popitem(last=False)
        self._rigs.move_to_end(key)
        return self._rigs[key]


def _moving(
    request: AnimationRequest,
    options: dict[str, float],
    states: Iterator[MouthState],
    count: int,
    control: Control,
) -> Iterator[Picture]:
    from engines.animator.moving import MovingRig

    rig: MovingRig | None = None
    shots = request.scene.shots(request.fps, count)
    for state, shot in zip(itertools.islice(states, count), shots, strict=True):
        control.check()
        if rig is None:
            rig = MovingRig(shot, options["lip_line"])
        yield rig.draw(shot, state)


def _states(
    request: AnimationRequest, count: int, opening: float, control: Control
) -> Iterator[MouthState]:
    from engines.animator.loudness import heard
    from engines.animator.track import spoken

    if request.phonemes:
        states = spoken(request.phonemes, request.fps, count)
    else:
        states = heard(request.sound, request.fps, count, control)
    return (state._replace(opening=opening * state.opening) for state in states)


def _options(request: AnimationRequest) -> dict[str, float]:
    """All of them; raises BadInput for a value outside its range, NotFound for a name there is not."""
    check_values(request.options, OPTIONS, "option of the animator")
    return {option.key: option.default for option in OPTIONS} | dict(request.options)


def _seed(request: AnimationRequest) -> int:
    """The same for the same scene and length, so that a video can be made again as it was."""
    told = f"{request.scene.key} {request.seconds:.3f}".encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "big")
