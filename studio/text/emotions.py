"""What emotions are called: one name for each, and the words that people use for it."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence

NEUTRAL = "neutral"

# Languages: English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Turkish,
# Russian, Ukrainian, Greek, Arabic, Hindi, Chinese, Japanese, Korean. A word stands with one emotion
# only, the nearest.
_WORDS = {
    "neutral": """normal, default, plain, neutre, neutro, neutra, neutrale, neutraal, naturlig,
        neutralny, neutralna, nötr, sachlich, normale, нейтрально, нейтральный, обычно, звичайно,
        нейтральний, ουδέτερο, محايد, عادي, सामान्य, तटस्थ, 中性, 普通, 平常, 中立, ニュートラル, 중립, 평범""",
    "happy": """joy, joyful, glad, cheerful, merry, delighted, happily, glücklich, fröhlich, freude,
        freudig, heiter, froh, heureux, heureuse, joyeux, joyeuse, content, feliz, alegre, contento,
        contenta, alegria, felice, allegro, allegra, gioia, gioioso, gioiosa, contente, blij, vrolijk,
        gelukkig, lycklig, wesoły, wesoła, szczęśliwy, szczęśliwa, radosny, mutlu, neşeli, радость,
        радостно, радостный, весело, весёлый, счастливый, счастье, радісно, радісний, щасливий,
        χαρούμενος, χαρά, سعيد, فرح, खुश, प्रसन्न, 高兴, 开心, 快乐, 喜悦, 高興, 開心, 嬉しい, 喜び, 楽しい, 幸せ, 행복, 기쁨, 기쁜""",
    "sad": """sadness, unhappy, sorrowful, sorrow, sadly, gloomy, melancholy, traurig, betrübt, trauer,
        triste, tristesse, malheureux, tristeza, tristezza, droevig, verdrietig, ledsen, sorgsen,
        smutny, smutna, smutek, üzgün, hüzünlü, грусть, грустно, грустный, печаль, печально, печальный,
        сумно, сумний, λυπημένος, λύπη, حزين, حزن, दुखी, उदास, 悲伤, 难过, 伤心, 悲しい, 悲しみ, 슬픔, 슬픈""",
    "angry": """anger, furious, mad, rage, angrily, annoyed, wütend, zornig, verärgert, wut, ärgerlich,
        fâché, fâchée, colère, en colère, furieux, furieuse, enojado, enojada, enfadado, enfadada, ira,
        furioso, furiosa, arrabbiato, arrabbiata, rabbia, zangado, zangada, raiva, boos, kwaad, ilsken,
        zły, zła, gniew, rozgniewany, kızgın, öfkeli, злость, злой, зло, гнев, гневно, сердитый,
        сердито, злий, сердитий, гнів, θυμωμένος, θυμός, غاضب, غضب, गुस्सा, क्रोधित, 生气, 愤怒, 生氣, 憤怒, 怒り,
        怒った, 화남, 분노, 화난""",
    "fearful": """fear, afraid, scared, frightened, terrified, ängstlich, angst, furchtsam, verängstigt,
        peur, apeuré, apeurée, effrayé, effrayée, miedo, asustado, asustada, temeroso, paura,
        spaventato, spaventata, impaurito, medo, assustado, assustada, bevreesd, rädd, rädsla,
        przestraszony, przestraszona, strach, korkmuş, korku, страх, испуганно, испуганный, страшно,
        наляканий, φοβισμένος, φόβος, خائف, خوف, डरा हुआ, डर, 害怕, 恐惧, 恐懼, 怖い, 恐れ, 恐怖, 두려움, 무서움""",
    "surprised": """surprise, astonished, amazed, shocked, überrascht, überraschung, erstaunt, surpris,
        étonné, étonnée, sorprendido, sorprendida, sorpresa, asombrado, sorpreso, stupito, stupita,
        surpreso, surpresa, verrast, verbaasd, förvånad, överraskad, zaskoczony, zaskoczona, zdziwiony,
        şaşkın, şaşırmış, удивление, удивлённо, удивлённый, удивленно, здивовано, здивований, έκπληκτος,
        έκπληξη, متفاجئ, مندهش, हैरान, आश्चर्यचकित, 惊讶, 吃惊, 驚訝, 驚き, 驚いた, びっくり, 놀람, 놀란""",
    "disgusted": """disgust, repulsed, angewidert, ekel, angeekelt, dégoûté, dégoûtée, dégoût, asqueado,
        asqueada, asco, disgustato, disgustata, disgusto, nojo, walgend, walging, äcklad, zniesmaczony,
        obrzydzenie, wstręt, iğrenmiş, iğrenme, отвращение, с отвращением, огида, αηδιασμένος, αηδία,
        مشمئز, اشمئزاز, घृणा, 厌恶, 恶心, 厭惡, 嫌悪, 혐오, 역겨움""",
    "calm": """calmly, relaxed, peaceful, serene, soothing, ruhig, gelassen, entspannt, calme, serein,
        sereine, détendu, tranquilo, tranquila, calmado, sereno, serena, calmo, calma, tranquillo,
        tranquilla, rustig, kalm, lugn, spokojny, spokojna, sakin, спокойно, спокойный, спокойствие,
        спокійно, спокійний, ήρεμος, هادئ, शांत, 平静, 冷静, 平靜, 冷靜, 落ち着いた, 穏やか, 차분, 차분한, 침착""",
    "excited": """excitement, enthusiastic, thrilled, eager, aufgeregt, begeistert, enthusiastisch,
        excité, excitée, enthousiaste, emocionado, emocionada, entusiasmado, entusiasmada, entusiasta,
        emozionato, eccitato, animado, animada, opgewonden, enthousiast, entusiastisk, upprymd,
        podekscytowany, podekscytowana, heyecanlı, восторг, восторженно, восторженный, взволнованно,
        захоплено, ενθουσιασμένος, متحمس, उत्साहित, 兴奋, 激动, 興奮, ワクワク, 흥분, 신난""",
    "whisper": """whispering, whispered, hushed, flüsternd, geflüstert, flüstern, chuchoté,
        chuchotement, murmure, susurro, susurrando, susurrado, sussurro, sussurrato, sussurrando,
        fluisterend, gefluister, viskande, viskning, szept, szeptem, fısıltı, шёпот, шёпотом, шепот,
        шепотом, шепіт, пошепки, ψίθυρος, همس, फुसफुसाहट, 耳语, 低语, 悄悄话, 耳語, ささやき, 囁き, 속삭임""",
    "tender": """tenderness, loving, affectionate, gentle, warm, caring, zärtlich, liebevoll, sanft,
        tendre, affectueux, affectueuse, doux, douce, tierno, tierna, cariñoso, cariñosa, tenero,
        tenera, affettuoso, affettuosa, dolce, terno, carinhoso, carinhosa, teder, liefdevol, öm,
        kärleksfull, czuły, czuła, şefkatli, sevgi dolu, нежно, нежный, нежность, ласково, ніжно,
        лагідно, τρυφερός, حنون, कोमल, 温柔, 溫柔, 優しい, 다정한""",
    "serious": """grave, solemn, stern, ernst, ernsthaft, feierlich, sérieux, sérieuse, serio, seria,
        sério, séria, ernstig, allvarlig, poważny, poważna, ciddi, серьёзно, серьёзный, серьезно,
        серйозно, серйозний, σοβαρός, جاد, गंभीर, 严肃, 認真, 嚴肅, 真剣, 진지한""",
    "worried": """anxious, nervous, concerned, worry, besorgt, nervös, beunruhigt, inquiet, inquiète,
        anxieux, anxieuse, nerveux, nerveuse, preocupado, preocupada, nervioso, nerviosa, preoccupato,
        preoccupata, ansioso, ansiosa, nervoso, nervosa, bezorgd, zenuwachtig, orolig, zmartwiony,
        zmartwiona, endişeli, тревога, тревожно, тревожный, беспокойно, встревоженный, тривожно,
        тривожний, ανήσυχος, قلق, चिंतित, 担心, 焦虑, 擔心, 焦慮, 心配, 不安, 걱정, 불안""",
    "tired": """exhausted, sleepy, weary, müde, erschöpft, schläfrig, fatigué, fatiguée, épuisé,
        cansado, cansada, agotado, stanco, stanca, exausto, vermoeid, trött, zmęczony, zmęczona, yorgun,
        устало, усталый, уставший, втомлено, втомлений, κουρασμένος, متعب, थका हुआ, 疲惫, 累, 疲倦, 疲れた, 피곤한""",
    "bored": """boredom, gelangweilt, ennuyé, ennuyée, ennui, aburrido, aburrida, annoiato, annoiata,
        noia, entediado, entediada, verveeld, uttråkad, znudzony, znudzona, sıkılmış, скучно, скука,
        скучающий, нудьга, нудно, βαριεστημένος, ملول, ऊबा हुआ, 无聊, 無聊, 退屈, 지루한""",
    "proud": """pride, stolz, fier, fière, orgulloso, orgullosa, orgoglioso, orgogliosa, fiero,
        orgulhoso, orgulhosa, trots, stolt, dumny, dumna, gururlu, гордо, гордый, гордость, гордий,
        περήφανος, فخور, गर्वित, 自豪, 骄傲, 驕傲, 誇らしい, 자랑스러운""",
    "sarcastic": """sarcasm, ironic, ironisch, spöttisch, sarkastisch, sarcastique, ironique,
        sarcástico, sarcástica, irónico, irónica, sarcastico, sarcastica, ironico, ironica, irônico,
        sarcastisch, sarkastisk, sarkastyczny, ironiczny, alaycı, саркастично, сарказм, иронично,
        ирония, іронічно, σαρκαστικός, ساخر, व्यंग्यात्मक, 讽刺, 諷刺, 皮肉, 비꼬는""",
    "shouting": """shout, yelling, yell, scream, screaming, loud, schreiend, rufend, laut, crier, en
        criant, crié, gritando, grito, gritar, urlando, urlo, gridando, schreeuwend, skrikande, krzyk,
        krzycząc, bağırarak, крик, крича, кричит, громко, криком, φωνάζοντας, صراخ, चिल्लाते हुए, 大喊,
        喊叫, 叫び, 외침""",
    "curious": """curiosity, interested, neugierig, curieux, curieuse, curioso, curiosa, incuriosito,
        nieuwsgierig, nyfiken, ciekawy, ciekawa, meraklı, любопытно, любопытный, любопытство, цікаво,
        допитливо, περίεργος, فضولي, जिज्ञासु, 好奇, 好奇心, 궁금한""",
    "confident": """confidence, assured, selbstbewusst, selbstsicher, zuversichtlich, confiant,
        confiante, assuré, seguro, segura, confiado, sicuro, sicura, fiducioso, zelfverzekerd,
        självsäker, pewny siebie, kendinden emin, уверенно, уверенный, впевнено, впевнений, σίγουρος,
        واثق, आत्मविश्वासी, 自信, 自信のある, 자신감""",
}

#: The names, the neutral one first; what is offered where people make emotions of their own.
COMMON = tuple(_WORDS)


def canonical(tag: str) -> str | None:
    """The common name of what `tag` calls an emotion in one of eighteen languages ("Felice", "радость"
    -> "happy"); None for what is not known."""
    folded = fold(tag)
    return _names().get(folded) or _names(marks=False).get(_bare(folded))


def aliases(name: str) -> tuple[str, ...]:
    """The words known for one of COMMON."""
    return tuple(" ".join(word.split()) for word in _WORDS[name].split(","))


def resolve(tag: str, known: Mapping[str, Sequence[str]]) -> str | None:
    """The one of `known` that `tag` means; its values are further names that the person gave.

    The name itself comes before a word for the same emotion, and a spelling with its accents before one
    without. None where nothing fits.
    """
    names = [(each, each) for each in known]
    names += [(alias, each) for each, given in known.items() for alias in given]
    for form in (fold, lambda name: _bare(fold(name)), canonical):
        wanted = form(tag)
        for name, each in names:
            if wanted is not None and form(name) == wanted:
                return each
    return None


def fold(tag: str) -> str:
    """`tag` without what makes no difference: case, width, spaces, hyphens and underscores."""
    text = unicodedata.normalize("NFKC", tag).casefold()
    return " ".join(re.sub(r"[\s_\-]+", " ", text).split())


def _bare(folded: str) -> str:
    """Without accents, which people often leave out."""
    decomposed = unicodedata.normalize("NFD", folded)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@functools.cache
def _names(marks: bool = True) -> dict[str, str]:
    """Every known word -> its emotion."""
    found: dict[str, str] = {}
    for name in COMMON:
        for word in (name, *aliases(name)):
            key = fold(word) if marks else _bare(fold(word))
            found.setdefault(key, name)
    return found
