"""The text of a segment as it is trained on: one line of what is spoken, and nothing else."""

from __future__ import annotations

import regex  # type: ignore[import-untyped]

from studio.dataset.targets import Target
from studio.text.language import closest
from studio.text.sentences import clean, has_words
from training.prepare.numbers import spelled

#: What a subtitle's letters look like, not what is said: <i>, </font>, {\an8}.
_MARKUP = regex.compile(r"</?[a-zA-Z][^<>]{0,60}>|\{\\[^{}]{0,60}\}")
#: What is heard and not said: [laughs], ♪ la la ♪, *coughs*.
_NOISE = regex.compile(r"\[[^\[\]]{0,200}\]|♪[^♪]{0,200}♪|\*[^*]{1,40}\*")
#: The same in round brackets, where it is one of these words; others stand for what is said.
_IN_BRACKETS = regex.compile(r"[(（]([^()（）]{1,60})[)）]")
_SOUNDS = frozenset({
    "applause", "breath", "breathes", "breathing", "chuckle", "chuckles", "chuckling", "cough",
    "coughing", "coughs", "cheering", "crosstalk", "crying", "gasp", "gasps", "giggles", "groans",
    "inaudible", "indistinct", "laugh", "laughing", "laughs", "laughter", "music", "noise", "pause",
    "sigh", "sighing", "sighs", "silence", "singing", "sniffs", "sobbing", "static", "unintelligible",
    "unclear", "whispering", "whispers", "applaus", "gelächter", "hustet", "husten", "lacht", "lachen",
    "musik", "räuspert", "seufzt", "stille", "unverständlich", "applaudissements", "rires", "rire",
    "musique", "soupir", "toux", "aplausos", "risas", "música", "musica", "silencio", "suspiro",
    "applausi", "risata", "risate", "silenzio", "śmiech", "muzyka", "brawa", "smích", "hudba",
    "potlesk", "смех", "музыка", "аплодисменты", "音楽", "拍手", "笑", "笑い", "音乐", "掌声", "笑声", "음악", "박수",
    "웃음", "müzik", "alkış", "zene", "taps", "nevetés", "gelach", "muziek", "ضحك", "موسيقى", "تصفيق",
    "संगीत", "हँसी",
})  # fmt: skip

_QUOTES = str.maketrans({**dict.fromkeys("“”„‟«»＂", '"'), **dict.fromkeys("‘’‚‛′`´‹›", "'")})
_SPACED_QUOTE = regex.compile(r"[«„]\s+|\s+»")
_DASH = regex.compile(r"(?<=\d)[–‒](?=\d)|(?<dash>\s*[—–―‒]+\s*|\s+--+\s+)")
_HYPHEN = str.maketrans(dict.fromkeys("‐‑−", "-"))
#: Nobody speaks these: signs, emoji, and what divides the columns of a table.
_UNSPOKEN = regex.compile(
    r"[|\\^~_*<>{}\[\]•·¶©®™\p{So}\p{Sk}\p{Co}\p{Cn}\uFE0E\uFE0F\U000E0020-\U000E007F]"
)
#: A cell that begins so is a formula to a spreadsheet; a sentence that does is an item of a list.
_LEADING = regex.compile(r"^(?:[=+@>#\s]|-(?!\d))+")
_SPACE_BEFORE = regex.compile(r"\s+([,.;:!?…。，、！？])")
_REPEATED = regex.compile(r"([!?,;:])\1+|[.…]*…[.…]*|\.{4,}")


def normalised(text: str, language: str, target: Target) -> tuple[str, str]:
    """`text` in `language` (BCP 47) as `target` is trained on it, and what a person should know of the
    change, as sentences; "" where there is nothing to know.

    One line in NFC, without "|", with straight quotes; a text without any word becomes "".
    """
    notes = []
    made, noises = _without_noises(clean(text))
    made = " ".join(_UNSPOKEN.sub(" ", made).split())
    made = _SPACED_QUOTE.sub('"', made).translate(_QUOTES).translate(_HYPHEN)
    made = _DASH.sub(lambda found: " - " if found["dash"] else "-", made)
    if noises:
        notes.append(f"Left out as not spoken: {', '.join(noises[:3])}.")
    if target.spells_numbers:
        numbers = spelled(made, language)
        made = numbers.text
        if numbers.left:
            notes.append(f"Not put in words: {', '.join(numbers.left[:3])}.")
    made = _tidied(made)
    if not has_words(made):
        return "", " ".join([*notes, "There is no word in its text."])
    return made, " ".join(notes)


def language_for(code: str, target: Target) -> str:
    """`code` (BCP 47) as `target` has it: Chinese is zh-cn to XTTS and zh to Qwen. As it is where the
    target does not know it."""
    return closest(code, target.max_characters) or code if code else ""


def _without_noises(text: str) -> tuple[str, list[str]]:
    """The text without markup and noises, and which noises there were."""
    noises: list[str] = []

    def leave_out(found: regex.Match[str]) -> str:
        noises.append(" ".join(found.group().split()))
        return " "

    def leave_out_sound(found: regex.Match[str]) -> str:
        words = regex.findall(r"\p{L}+", found.group(1).casefold())
        return leave_out(found) if words and _SOUNDS.issuperset(words) else found.group()

    text = _NOISE.sub(leave_out, _MARKUP.sub("", text))
    return _IN_BRACKETS.sub(leave_out_sound, text), noises


def _tidied(text: str) -> str:
    text = _REPEATED.sub(lambda found: found.group(1) or "...", " ".join(text.split()))
    return _LEADING.sub("", _SPACE_BEFORE.sub(r"\1", text)).strip()
