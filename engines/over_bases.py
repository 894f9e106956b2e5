"""What engines have in common whose models can be trained: a base in memory, and adapters over it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from engines.base import Capability, EngineFolders, ModelChoice, Placement
from engines.choosing import entries_of, model_choice
from studio.models.registry import ModelEntry, entry_of

if TYPE_CHECKING:
    from engines.lora import AdapterSlot


class _Model(Protocol):
    """A model in memory."""

    entry: ModelEntry

    @property
    def is_current(self) -> bool: ...

    def serves(self, entry: ModelEntry, placement: Placement) -> bool: ...


L = TypeVar("L", bound=_Model)

_PRACTICE = "Practice model: its weights are random, so it makes noise instead of speech."


class OverBases(Generic[L]):
    """The part of engines.base.SpeechEngine that chooses, loads and unloads models.

    `loading` names the engine's module that can `load(entry, folder, placement)`, `network(base)`, which
    is what adapters lie over, `over_base(base, slot, trained)` and `without_adapter(base, slot)`. It is
    imported when the first model is loaded. `note` is what a person should know before choosing a model.
    """

    def __init__(
        self, engine: str, loading: str, folders: EngineFolders, note: Callable[[ModelEntry], str]
    ) -> None:
        self._engine, self._loading, self._note = engine, loading, note
        self._folders = folders
        self._loaded: L | None = None
        self._base: L | None = None  # what `_loaded` is, or lies over
        self._slot: AdapterSlot | None = None  # over `_base`

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def loaded_model(self) -> str:
        loaded = self._loaded
        return loaded.entry.key if loaded is not None and loaded.is_current else ""

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        return tuple(
            model_choice(self._folders.models, entry, _PRACTICE if entry.practice else self._note(entry))
            for entry in entries_of(self._engine, self._folders.models)
            if str(mode) in entry.modes
        )

    def load(self, placement: Placement, model: str) -> None:
        """Load `model` where and how `placement` says. Some seconds for the packages the first time, then
        as long as the disk takes; an adapter over a base that is loaded already takes a moment.

        Raises NotFound, EngineFailed, OutOfMemory, and BadInput and Damaged for an adapter.
        """
        from engines.lora import AdapterSlot

        loading: Any = import_module(self._loading)
        folders = self._folders.models
        entry = entry_of(model, {each.key: each for each in entries_of(self._engine, folders)})
        trained = folders.trained(model)
        adapter = trained if trained is not None and trained.is_adapter else None
        wanted = folders.table[entry.base] if adapter is not None else entry
        base = self._base
        # Asked for once more, a model is read anew: its files may be others by now.
        anew = adapter is None and self._loaded is base
        if base is None or anew or not base.serves(wanted, placement):
            self.unload()
            self._base = self._loaded = base = loading.load(wanted, folders.find(wanted.key), placement)
            self._slot = AdapterSlot(loading.network(base))
        if adapter is not None:
            self._loaded = loading.over_base(base, self._slot, adapter)
        elif self._loaded is not base:  # an adapter was over it
            self._base = self._loaded = loading.without_adapter(base, self._slot)

    def unload(self) -> None:
        if self._loaded is None:
            return
        from engines.memory import give_back

        self._loaded = self._base = self._slot = None
        give_back()
