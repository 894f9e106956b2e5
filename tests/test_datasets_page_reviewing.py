"""The Data sets tab from the handlers' side: segments found, heard, and decided of, one or many."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import gradio as gr
import pytest

from studio.api.datasets import audio_address
from studio.api.tickets import Tickets
from studio.dataset.ledger import DatasetFolder
from studio.dataset.values import Review
from studio.errors import BadInput, NotFound
from studio.services.dataset_values import Dataset
from studio.services.studio import Studio
from tabs.datasets import reviewing
from tests import training_sets
from tests.asking import ANN, ATTACK, BOB
from tests.datasets_tab import (
    FIRST,
    HOSTILE,
    KEPT,
    MUTE,
    NOISY,
    ROOM,
    SEGMENTS,
    SHORT,
    acted,
    filled,
    kept,
)
from tests.training_sets import segment


@pytest.fixture
def dataset(studio: Studio) -> Dataset:
    """Ann's, of two recordings; two of its five segments are kept."""
    return filled(studio, ATTACK, SEGMENTS)


def reviews(studio: Studio, dataset: Dataset) -> dict[str, Review]:
    return DatasetFolder(studio.workspace.datasets / dataset.id).read_reviews()


class TestReviewing:
    def test_what_is_done_is_saved_and_comes_back_in_a_receipt(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        assert kept(studio, dataset) == KEPT
        receipt = acted(
            studio, dataset, (FIRST, "drop"), (NOISY, "keep"), (MUTE, "text", " Hello  you. ")
        )
        assert 'data-sequence="7"' in receipt
        assert receipt.count('class="timbre-clip"') == 3
        assert "Kept by hand" in receipt
        assert kept(studio, dataset) == {NOISY, MUTE, HOSTILE}
        assert reviews(studio, dataset)[MUTE].text == "Hello you."
        acted(studio, dataset, (FIRST, "limits"), (NOISY, "limits"), (MUTE, "text-undo"))
        assert kept(studio, dataset) == KEPT
        assert reviews(studio, dataset) == {}

    def test_what_is_done_is_saved_together_or_not_at_all(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        """As the page says of each that it is not saved where one cannot be."""
        before = (kept(studio, dataset), reviews(studio, dataset))
        for wrong in (("nobody", "keep"), (MUTE, "text", "x" * 2_001)):
            with pytest.raises(BadInput):
                acted(studio, dataset, (FIRST, "drop"), wrong)
            assert (kept(studio, dataset), reviews(studio, dataset)) == before
        acted(studio, dataset, (FIRST, "drop"), (FIRST, "text", "Once."), (FIRST, "limits"))
        assert reviews(studio, dataset) == {FIRST: Review(None, "Once.")}

    def test_what_was_done_counts_for_its_own_set_whichever_is_shown(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        other = studio.datasets.create("Another", "ann")
        acted(studio, dataset, (FIRST, "drop"), chosen=other.id)
        assert kept(studio, dataset) == KEPT - {FIRST}

    @pytest.mark.parametrize(
        "message",
        [
            "",
            "7",
            "{}",
            '{"sequence": 1, "dataset": "x", "acts": []}',
            '{"sequence": 1, "dataset": "x", "acts": [{"id": "1"}]}',
            '{"sequence": 1, "dataset": "x", "acts": [{"id": "1", "act": "delete"}]}',
            '{"sequence": "a", "dataset": "x", "acts": [{"id": "1", "act": "keep"}]}',
        ],
    )
    def test_a_message_that_no_page_sends_is_refused(
        self, studio: Studio, dataset: Dataset, message: str
    ) -> None:
        with pytest.raises(BadInput, match="nothing this page can do"):
            reviewing.on_acts(studio, ANN, dataset.id, message)

    def test_nobody_decides_of_a_set_of_somebody_else(self, studio: Studio, dataset: Dataset) -> None:
        message = {"sequence": 1, "dataset": dataset.id, "acts": [{"id": FIRST, "act": "drop"}]}
        with pytest.raises(NotFound):
            reviewing.on_acts(studio, BOB, dataset.id, json.dumps(message))
        with pytest.raises(BadInput, match="no segment"):
            acted(studio, dataset, ("ffffffffffff-0001", "drop"))
        assert kept(studio, dataset) == KEPT

    def test_several_that_are_ticked_are_decided_of_at_once(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        asked = (studio, "keep", ANN, dataset.id, "selected", None)
        with pytest.raises(BadInput, match="No segment is ticked"):
            reviewing.on_bulk(*asked, "[]", *reviewing.EVERYTHING)
        shown = reviewing.on_bulk(*asked, json.dumps([NOISY, SHORT]), *reviewing.EVERYTHING)
        assert shown[2] == gr.skip()  # a question that was asked meanwhile stays
        assert kept(studio, dataset) == KEPT | {NOISY, SHORT}

    def test_all_that_a_filter_shows_are_asked_about_first(
        self, studio: Studio, dataset: Dataset
    ) -> None:
        dropped = ("dropped", *reviewing.EVERYTHING[1:])
        shown = reviewing.on_bulk(studio, "drop", ANN, dataset.id, "all", None, "[]", *dropped)
        assert "Drop all 3 segments" in shown[1]
        assert reviews(studio, dataset) == {}
        reviewing.on_bulk_yes(studio, ANN, dataset.id, "drop", *dropped)
        assert {each for each, said in reviews(studio, dataset).items() if said.kept is False} == {
            MUTE,
            NOISY,
            SHORT,
        }

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"state": "kept", "order": "time"}, [FIRST, HOSTILE]),
            ({"reason": "noise"}, [NOISY]),
            ({"order": "duration"}, [SHORT]),
            ({"order": "snr_db"}, [NOISY]),
            ({"text": "sentence 1 of hall"}, [NOISY]),
            ({"speaker": "Bob", "reason": "short"}, [SHORT]),
            ({"source": ROOM.id, "state": "dropped"}, [MUTE]),
        ],
    )
    def test_filters_and_orders(
        self, studio: Studio, dataset: Dataset, asked: dict[str, str], found: list[str]
    ) -> None:
        names = ("state", "reason", "order", "text", "source", "speaker")
        plain = dict(zip(names, reviewing.EVERYTHING, strict=True))
        page = str(reviewing.on_list(studio, 0, ANN, dataset.id, 0, *(plain | asked).values())[0])
        places = [page.index(f'data-id="{each}"') for each in found]
        assert places == sorted(places)
        first = page.index("data-id=")
        assert page.startswith(f'data-id="{found[0]}"', first)

    def test_a_reason_in_the_chart_shows_its_segments(self, studio: Studio, dataset: Dataset) -> None:
        shown = reviewing.on_reason(studio, ANN, dataset.id, "noise 3")
        assert shown[:3] == ["dropped", "noise", "worst"]
        assert shown[6].count('class="timbre-clip"') == 1

    def test_a_page_of_ten_thousand_is_small_and_quick(self, studio: Studio) -> None:
        many = [segment(ROOM, number, snr_db=number % 40) for number in range(10_000)]
        made = studio.datasets.create("Many", "ann")
        folder = training_sets.build(studio.workspace.datasets / made.id, many[:25], [ROOM])
        ledger = folder.read_ledger()
        folder.write_ledger(replace(ledger, segments=tuple(many)))
        reviewing.on_list(studio, 0, ANN, made.id, 0, *reviewing.EVERYTHING)  # reads the ledger
        begun = time.process_time()
        page = reviewing.on_list(studio, 1, ANN, made.id, 9_900, "", "", "time", "", "", "")
        assert time.process_time() - begun < 0.5
        assert "9,926 to 9,950 of 10,000" in page[1]
        assert len(page[0]) < 100_000


class TestSound:
    def test_a_ticket_is_the_owner_s_and_opens_one_thing(self) -> None:
        tickets = Tickets()
        ticket = tickets.issue("dataset", "a", "ann")
        assert ticket == tickets.issue("dataset", "a", "ann")
        assert ticket not in {tickets.issue("dataset", "b", "ann"), tickets.issue("run", "a", "ann")}
        for owner in ("ann", None):
            assert tickets.redeem("dataset", ticket, owner) == ("a", "ann")
        wrong = (("dataset", ticket, "bob"), ("run", ticket, "ann"), ("dataset", "0" * 32, "ann"))
        for kind, given, owner in wrong:
            with pytest.raises(NotFound):
                tickets.redeem(kind, given, owner)

    def test_an_address_tells_nothing_of_whose_it_is(self) -> None:
        assert "ann" not in audio_address("set", "ann", FIRST).split("/")
