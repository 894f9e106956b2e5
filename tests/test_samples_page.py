"""The Samples tab from the handlers' side: what it lists, draws, sends and keeps to itself."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import gradio as gr
import pytest

from studio.errors import BadInput, NotFound
from studio.runs.run_folder import RunFolder
from studio.services.studio import Studio
from tabs.samples import across_view, blind_view, showing, view
from tabs.samples.place import Blind, Place, Seen, section
from tabs.samples.spoken import Epoch, epochs_of
from tests.asking import ANN, ATTACK, BOB
from tests.run_samples import make_run, speak

#: In the order of `SamplesTab.told`.
NAMES = ("entries", "head", "pages", "epochs", "across", "pair", "trial", "tally")


class Window:
    """A page that somebody has open: what it was sent, and what it shows."""

    def __init__(self, studio: Studio, asker: Any = ANN) -> None:
        self.studio, self.asker, self.place, self.seen = studio, asker, Place(), Seen()
        self.shown: dict[str, str] = {}
        self.sent: dict[str, str] = {}
        self.new: set[str] = set()  # of it, what the page did not show
        self.chosen = ""  # the epochs that the blind test shows as chosen
        self.active = self.newer = self.older = False

    def take(self, sent: list[Any]) -> Window:
        place, self.seen, timer, newer, older, *told = sent
        self.place = self.place if place == gr.skip() else place
        self.active, self.newer, self.older = timer.active, newer.interactive, older.interactive
        self.sent = {name: each for name, each in zip(NAMES, told, strict=True) if each != gr.skip()}
        self.new = {name for name, each in self.sent.items() if self.shown.get(name) != each}
        self.shown |= self.sent
        if "pair" in self.sent:
            self.chosen = (re.findall(r'data-value="(\d+ \d+)"', self.sent["pair"]) or [""])[0]
        return self

    def show(self, remembered: str = "") -> Window:
        return self.take(showing.on_show(self.studio, self.asker, self.place, self.seen, remembered))

    def tick(self) -> Window:
        return self.take(showing.on_tick(self.studio, self.asker, self.place, self.seen))

    def pick(self, run: str) -> Window:
        return self.take(showing.on_pick(self.studio, self.asker, self.place, self.seen, f"{run} 1"))

    def turn(self, step: int) -> Window:
        return self.take(showing.on_turn(self.studio, step, self.asker, self.place, self.seen))

    def press(self, words: str) -> Window:
        return self.told(f"{words} {self.chosen}")

    def choose(self, epochs: str) -> Window:
        """Compare them, as far as the server hears of it by itself."""
        self.chosen = epochs
        return self.press("compare")

    def told(self, words: str) -> Window:
        return self.take(showing.on_press(self.studio, self.asker, self.place, self.seen, f"{words} 1"))

    @property
    def headings(self) -> list[str]:
        return re.findall(r"<h4>(.*?)</h4>", self.shown["epochs"])

    @property
    def remembered(self) -> str:
        """What the window would tell after a reload."""
        told = dict(
            re.findall(r'data-key="samples-(\w+)" data-value="([^"]*)"', "".join(self.shown.values()))
        ) | {"pair": self.chosen}
        return " ".join(told.get(key, "") for key in ("run", "pair", "trial"))

    def vote(self, choice: str = "a") -> Window:
        return self.press(f"vote {choice} {self.place.blind.trial}")

    def button(self, word: str) -> Window:
        """A press on what the page shows in its tally."""
        found = re.search(rf'data-value="({word}[^"]*)"', self.shown["tally"])
        assert found is not None
        return self.press(found[1])


@pytest.fixture
def folder(studio: Studio) -> RunFolder:
    """Ann's, with hostile names, of the base and seven epochs."""
    return make_run(
        studio.workspace.checkpoints,
        "zoe",
        "ann",
        ATTACK,
        range(8),
        texts=(f"One {ATTACK}.", "Two."),
        best=5,
        warnings={7: f"It whispers {ATTACK}."},
    )


@pytest.fixture
def window(studio: Studio, folder: RunFolder) -> Window:
    return Window(studio).show()


class TestEmpty:
    def test_it_says_what_to_do(self, studio: Studio) -> None:
        window = Window(studio).show()
        assert "Start a training in the Train tab" in window.shown["entries"]
        assert all(not window.shown[name] for name in NAMES[1:])
        assert not window.active

    def test_a_run_without_samples_is_not_listed(self, studio: Studio) -> None:
        make_run(studio.workspace.checkpoints, "silent", "ann", epochs=())
        assert Window(studio).show().shown["entries"] == view.EMPTY
        with pytest.raises(NotFound):
            Window(studio).pick("nothing")
        with pytest.raises(BadInput, match="No run is chosen"):
            Window(studio).pick("")


class TestList:
    def test_the_newest_run_is_shown_first_and_another_can_be_chosen(
        self, studio: Studio, window: Window
    ) -> None:
        make_run(studio.workspace.checkpoints, "later", "ann", epochs=(0, 1), created=9.0, practice=True)
        fresh = Window(studio).show()
        assert fresh.place.run == "later"
        assert "practice: it speaks noise" in fresh.shown["head"]
        assert "practice: noise" in fresh.shown["entries"]
        fresh.press("next")
        fresh.pick("zoe")
        assert fresh.place.run == "zoe"
        assert fresh.place.blind == Blind(5, 0)
        assert fresh.shown["trial"] == ""

    def test_a_deleted_run_makes_way(self, studio: Studio, window: Window) -> None:
        studio.runs.delete("zoe", "ann")
        window.tick()
        assert window.shown["entries"] == view.EMPTY
        assert window.shown["epochs"] == ""

    @pytest.mark.usefixtures("folder")
    def test_nobody_hears_of_a_run_of_somebody_else(self, studio: Studio) -> None:
        window = Window(studio, BOB).show("zoe 5 0 x")
        assert window.shown["entries"] == view.EMPTY
        with pytest.raises(NotFound):
            window.pick("zoe")

    def test_names_and_sentences_are_shown_as_they_are(self, window: Window) -> None:
        window.press("next")
        everything = "".join(window.shown.values())
        assert "&lt;img src=x" in window.shown["entries"]
        assert "<img src=x" not in everything
        assert everything.count("<img") == everything.count('<img class="timbre-spectrogram"')

    def test_addresses_tell_no_names(self, window: Window) -> None:
        assert '"runs/zoe' not in "".join(window.shown.values())
        assert "ann" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', window.shown["epochs"]))


class TestByEpoch:
    def test_the_newest_come_first_with_the_best_and_the_base_named(self, window: Window) -> None:
        assert window.headings == [
            "Epoch 7", "Epoch 6", 'Epoch 5 <span class="timbre-tag">best</span>', "Epoch 4"
        ]  # fmt: skip
        assert (window.newer, window.older) == (False, True)
        window.turn(1)
        assert window.headings == ["Epoch 3", "Epoch 2", "Epoch 1", "Base"]
        assert (window.newer, window.older) == (True, False)
        assert "5 to 8 of 8 epochs" in window.shown["pages"]
        assert window.turn(-1).headings[0] == "Epoch 7"

    def test_every_sentence_has_a_player_and_a_picture(self, window: Window) -> None:
        shown = window.shown["epochs"]
        assert shown.count('class="timbre-waveform"') == shown.count("<img") == 8
        assert shown.count('loading="lazy"') == 8
        assert 'aria-label="Sentence 2, Epoch 7" data-duration="2.8750"' in shown
        assert 'download="zoe-epoch-7.wav"' in shown

    def test_what_the_sentinel_said_stands_with_the_epoch(self, window: Window) -> None:
        assert "It whispers &lt;img" in window.shown["epochs"]
        assert "eval loss 2.5" in window.shown["epochs"]

    def test_a_sentence_that_was_not_spoken_and_one_that_is_damaged_hide_no_other(
        self, folder: RunFolder, window: Window
    ) -> None:
        folder.sample(7, 1).unlink()
        folder.sample(6, 1).write_bytes(b"RIFF")
        shown = window.tick().shown["epochs"]
        assert "It was not spoken in this epoch." in shown
        assert "epoch_6_1.wav" in shown
        assert shown.count('class="timbre-waveform"') == 6

    def test_few_players_are_shown_at_once(self) -> None:
        def heard(sentences: int, top: int | None = None) -> list[int]:
            spoken: Any = tuple(range(sentences))
            epochs = [Epoch(number, spoken, None, False, None) for number in range(9, -1, -1)]
            return [each.number for each in section(epochs, top).epochs]

        assert heard(3) == [9, 8, 7, 6]
        assert heard(5) == [9, 8]
        assert heard(40) == [9]
        assert heard(3, top=2) == [2, 1, 0]
        assert section([], None).epochs == ()

    def test_texts_that_cannot_be_read_are_said(self, folder: RunFolder, window: Window) -> None:
        folder.sentences.write_text("{")
        assert "sentences.json" in window.tick().shown["head"]


class TestWhileItTrains:
    def test_only_what_is_new_is_sent(self, folder: RunFolder, window: Window) -> None:
        assert window.tick().sent == {}
        speak(folder, 8)
        assert set(window.tick().sent) == {"entries", "pages", "epochs", "across", "pair"}
        assert window.headings[0] == "Epoch 8"

    def test_who_looks_at_older_epochs_stays_there(self, folder: RunFolder, window: Window) -> None:
        window.turn(1)
        speak(folder, 8)
        window.tick()
        assert window.headings[0] == "Epoch 3"
        assert window.turn(-1).headings[0] == "Epoch 7"
        assert window.turn(-1).headings[0] == "Epoch 8"

    def test_a_sample_that_is_spoken_anew_has_another_address(
        self, folder: RunFolder, window: Window
    ) -> None:
        before = set(re.findall(r'data-src="([^"]*)"', window.shown["epochs"]))
        folder.sample(7, 1).unlink()
        window.tick()
        speak(folder, 7)
        after = set(re.findall(r'data-src="([^"]*)"', window.tick().shown["epochs"]))
        assert len(after - before) == 2

    def test_the_first_samples_appear_by_themselves(self, studio: Studio) -> None:
        window = Window(studio).show()
        make_run(studio.workspace.checkpoints, "zoe", "ann", epochs=(0,))
        window.tick()
        assert window.headings == ["Base"]
        assert window.shown["pair"] == blind_view.TOO_FEW


class TestOneSentence:
    def test_the_slider_is_over_the_epochs_that_spoke_it(
        self, studio: Studio, folder: RunFolder
    ) -> None:
        folder.sample(3, 2).unlink()
        run = studio.runs.get("zoe", "ann")
        epochs = epochs_of(studio.runs.samples("zoe", "ann"), (), run.best)
        shown = across_view.across(run, epochs, "runs/ticket/")
        told = re.search(r'data-sentences="([^"]*)"', shown)
        assert told is not None
        sentences = json.loads(html.unescape(told[1]))
        assert [each["number"] for each in sentences] == [1, 2]
        assert [epoch[0] for epoch in sentences[0]["epochs"]] == [*range(8)]
        assert [epoch[0] for epoch in sentences[1]["epochs"]] == [0, 1, 2, 4, 5, 6, 7]
        assert sentences[0]["epochs"][0][2] == "Base"
        assert sentences[0]["epochs"][5][2] == "Epoch 5, the best"
        assert ATTACK not in shown


class TestBlind:
    def test_the_best_is_compared_with_the_base_at_first(self, window: Window) -> None:
        assert window.place.blind == Blind(5, 0)
        assert '<option value="5" selected>Epoch 5, the best' in window.shown["pair"]
        assert "No pair of these two" in window.shown["tally"]
        assert window.shown["trial"] == ""

    def test_a_vote_brings_the_next_pair(self, window: Window) -> None:
        window.press("next")
        first = window.place.blind.trial
        assert first in window.shown["trial"]
        window.vote()
        assert window.place.blind.trial not in ("", first)
        assert "1 pair judged" in window.shown["tally"]
        assert window.new == {"trial", "tally"}
        window.press(f"vote b {first}")  # a second press that came late
        assert "1 pair judged" in window.shown["tally"]
        assert window.new == set()

    def test_nothing_tells_which_is_which_until_it_is_asked(self, window: Window) -> None:
        window.press("next").vote().vote("none")
        for name in ("trial", "tally"):
            assert not re.search(r"[Ee]poch|[Bb]ase|prefer", window.shown[name])
        window.button("show")
        assert re.search(r"A was (epoch 5 and B the base|the base and B epoch 5)", window.shown["tally"])
        assert "was preferred once" in window.shown["tally"]
        assert window.new == {"tally"}  # the open pair stays as it is
        window.vote()
        assert "prefer" not in window.shown["tally"]

    def test_other_epochs_have_a_tally_of_their_own(self, window: Window) -> None:
        window.press("next").vote()
        window.choose("7 5")
        assert "pair" not in window.sent  # somebody may be pressing a button there
        assert (window.place.blind, window.shown["trial"]) == (Blind(7, 5), "")
        assert "No pair of these two" in window.shown["tally"]
        assert "1 pair judged" in window.choose("0 5").shown["tally"]

    def test_an_epoch_that_is_chosen_for_both_leaves_the_other(self, window: Window) -> None:
        window.choose("0 0")
        assert window.place.blind == Blind(0, 5)
        assert "pair" in window.sent
        window.choose("0 0")
        assert window.place.blind == Blind(5, 0)

    def test_what_was_chosen_is_compared_even_if_the_choice_was_overtaken(
        self, studio: Studio, window: Window
    ) -> None:
        window.press("next")
        window.chosen = "7 2"  # and the server has not heard of it
        window.vote("none")
        assert studio.listening.tally("zoe", "ann", 5, 0).judged == 1  # what was heard
        assert (window.place.blind, window.shown["trial"]) == (Blind(7, 2), "")
        assert "pair" not in window.sent  # somebody may be choosing there
        window.chosen = "1 2"
        window.press("next")
        window.choose("1 2")  # late
        assert window.place.blind.trial in window.shown["trial"] != ""
        window.vote()
        assert studio.listening.tally("zoe", "ann", 1, 2).judged == 1
        window.chosen = "5 0"
        assert "No pair" not in window.button("show").shown["tally"]  # of the others
        assert not window.place.blind.shown

    def test_votes_are_forgotten_of_the_two_that_were_asked_about(
        self, studio: Studio, window: Window
    ) -> None:
        window.press("next").vote()
        window.choose("7 2").press("next").vote()
        window.chosen = "5 0"
        window.button("forget")
        assert studio.listening.tally("zoe", "ann", 7, 2).judged == 0
        assert studio.listening.tally("zoe", "ann", 5, 0).judged == 1
        assert window.place.blind == Blind(5, 0)

    def test_a_choice_that_is_made_anew_offers_what_has_been_spoken_since(
        self, folder: RunFolder, window: Window
    ) -> None:
        speak(folder, 8)
        assert 'value="8"' in window.choose("7 5").sent["pair"]

    def test_beginning_anew_forgets_the_votes_of_these_two(self, window: Window, studio: Studio) -> None:
        window.press("next").vote()
        window.choose("7 0").press("next").vote().button("forget")
        assert "No pair of these two" in window.shown["tally"]
        assert studio.listening.tally("zoe", "ann", 5, 0).judged == 1

    def test_a_reload_loses_nothing(self, studio: Studio, window: Window) -> None:
        window.turn(1)
        window.choose("7 2").press("next").vote()
        again = Window(studio).show(window.remembered)
        assert again.place.run == "zoe"
        assert again.place.blind == Blind(7, 2, window.place.blind.trial)
        assert again.shown["trial"] == window.shown["trial"]
        stale = Window(studio).show(f"zoe 7 99 {'0' * 32}")
        assert (stale.place.blind, stale.shown["trial"]) == (Blind(5, 0), "")

    def test_a_tick_that_ends_late_takes_nothing_back(self, studio: Studio, window: Window) -> None:
        before = window.press("next").place, window.seen
        window.vote()
        open_one = window.place.blind.trial
        window.take(showing.on_tick(studio, ANN, *before))
        assert open_one in window.shown["trial"]
        assert window.tick().sent == {}
        window.vote()
        assert "2 pairs judged" in window.shown["tally"]
        assert open_one not in window.shown["trial"]

    def test_damaged_votes_are_said_and_do_not_count(self, folder: RunFolder, window: Window) -> None:
        window.press("next")
        before = window.place
        folder.listening.write_text("{")
        with pytest.raises(Exception, match=r"listening\.json"):
            window.vote()
        assert window.place == before
        assert "listening.json" in window.show().shown["tally"]

    @pytest.mark.parametrize(
        "words",
        [
            *("", "dance", "dance 5 0", "next", "next 5", "vote 5 0", "vote c x 5 0", "vote a 5 0"),
            *("compare 1", "compare a b", "compare 1 -2", "forget 5 0", "show 5 x 5 0"),
        ],
    )
    def test_what_no_button_says_is_refused(self, window: Window, words: str) -> None:
        with pytest.raises(BadInput):
            window.told(words)

    def test_a_pair_of_another_run_is_not_judged(self, studio: Studio, window: Window) -> None:
        make_run(studio.workspace.checkpoints, "other", "ann")
        foreign = studio.listening.next("other", "ann", 3, 0).id
        with pytest.raises(NotFound):
            window.press(f"vote a {foreign}")
        assert studio.listening.tally("other", "ann", 3, 0).judged == 0
