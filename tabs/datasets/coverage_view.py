"""What the kept texts cover of their language, and what to record next, as HTML."""

from __future__ import annotations

from html import escape

from studio.services.coverage import ENOUGH, ENOUGH_SENTENCES, Coverage, PhonemeCount, Proposal
from studio.text.sentence_types import TYPES
from tabs.speech.view import line


def coverage(found: Coverage) -> str:
    """The verdict, the sentences to record, then sounds and kinds of sentences with their counts."""
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in found.notes)
    return f"{_summary(found)}{notes}{_proposals(found)}{_phonemes(found)}{_types(found)}"


def _summary(found: Coverage) -> str:
    if found.covered_share is None:
        return ""
    said = [f"{found.covered_share:.0%} of the language's {len(found.phonemes)} sounds occur."]
    if found.absent:
        said.append(f"Never heard: {' '.join(found.absent)}.")
    if found.rare:
        said.append(f"Heard fewer than {ENOUGH} times: {' '.join(found.rare)}.")
    if not found.absent and not found.rare:
        said.append("Each is heard often enough.")
    return (
        f'<p class="timbre-verdict-words" role="status">{escape(said[0])}</p>'
        f"{''.join(line(sentence) for sentence in said[1:])}"
    )


def _proposals(found: Coverage) -> str:
    if not found.proposals:
        return line("Nothing that the coach knows would add to it.")
    rows = "".join(_proposal(each) for each in found.proposals)
    return (
        "<h4>Record these next</h4>"
        f'<ol class="timbre-coach">{rows}</ol>'
        f"{line('Read each as you speak elsewhere in the set, and add the recordings to it.')}"
    )


def _proposal(each: Proposal) -> str:
    adds = [TYPES.get(what, what) for what in each.adds]
    if each.pairs:
        adds.append(f"{each.pairs} new pair{'' if each.pairs == 1 else 's'} of sounds")
    return (
        f'<li><span dir="auto">{escape(each.text)}</span>'
        f"{line('Adds ' + ', '.join(adds) + '.') if adds else ''}</li>"
    )


def _phonemes(found: Coverage) -> str:
    if not found.phonemes:
        return ""
    most = max(each.count for each in found.phonemes) or 1
    cells = "".join(_phoneme(each, most) for each in found.phonemes)
    return f'<h4>Sounds, the most usual first</h4><ul class="timbre-phonemes">{cells}</ul>'


def _phoneme(each: PhonemeCount, most: int) -> str:
    state = "absent" if not each.count else "rare" if each.count < ENOUGH else "enough"
    said = {"absent": "never heard", "rare": f"rare, {each.count}", "enough": f"{each.count:,}"}[state]
    return (
        f'<li data-state="{state}"><b>{escape(each.symbol)}</b> <span>{said}</span>'
        f'<i style="width:{100 * each.count / most:.1f}%"></i></li>'
    )


def _types(found: Coverage) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(TYPES[code])}</th><td>{count:,}</td>'
        f"<td>{'' if count >= ENOUGH_SENTENCES else 'few' if count else 'none'}</td></tr>"
        for code, count in found.sentence_types.items()
    )
    return (
        '<h4>Kinds of sentences</h4><table class="timbre-table timbre-kinds"><caption class="timbre-hidden">'
        f"How many sentences there are of each kind</caption><tbody>{rows}</tbody></table>"
    )
