"""What is spoken at each epoch's end: always the same, so that epochs can be compared.

Timbre's own sentences: a statement, a question and a longer one, without figures, within what every family
speaks at once. None is among those that people are asked to record (studio.text.coach).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from studio.text.language import closest, detect

#: By language (BCP 47): those of XTTS, among which are all of Qwen3-TTS.
SENTENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "The evening train was late again, so we walked home along the river.",
            "Have you ever wondered why the sea looks different every morning?",
            "When the rain finally stopped, the children ran outside, laughing, and jumped over every "
            "puddle in the yard.",
        ),
        "de": (
            "Der Abendzug hatte wieder Verspätung, also gingen wir am Fluss entlang nach Hause.",
            "Hast du dich je gefragt, warum das Meer jeden Morgen anders aussieht?",
            "Als der Regen endlich aufhörte, liefen die Kinder lachend hinaus und sprangen über jede Pfütze "
            "im Hof.",
        ),
        "fr": (
            "Le train du soir était encore en retard, alors nous sommes rentrés à pied le long de la rivière.",
            "T'es-tu déjà demandé pourquoi la mer change d'aspect chaque matin ?",
            "Quand la pluie s'est enfin arrêtée, les enfants sont sortis en riant et ont sauté par-dessus "
            "toutes les flaques de la cour.",
        ),
        "es": (
            "El tren de la tarde volvió a llegar con retraso, así que regresamos a casa caminando junto al río.",
            "¿Te has preguntado alguna vez por qué el mar parece distinto cada mañana?",
            "Cuando por fin dejó de llover, los niños salieron riendo y saltaron por encima de todos los "
            "charcos del patio.",
        ),
        "it": (
            "Il treno della sera era di nuovo in ritardo, così siamo tornati a casa a piedi lungo il fiume.",
            "Ti sei mai chiesto perché il mare sembra diverso ogni mattina?",
            "Quando finalmente smise di piovere, i bambini corsero fuori ridendo e saltarono tutte le "
            "pozzanghere del cortile.",
        ),
        "pt": (
            "O trem da noite atrasou de novo, então voltamos para casa a pé pela margem do rio.",
            "Você já se perguntou por que o mar parece diferente todas as manhãs?",
            "Quando a chuva finalmente parou, as crianças saíram correndo e rindo e pularam todas as poças "
            "do quintal.",
        ),
        "pl": (
            "Wieczorny pociąg znowu się spóźnił, więc wróciliśmy do domu pieszo, idąc wzdłuż rzeki.",
            "Czy zastanawiałeś się kiedyś, dlaczego morze każdego ranka wygląda inaczej?",
            "Kiedy deszcz wreszcie ustał, dzieci ze śmiechem wybiegły na podwórko i skakały przez wszystkie "
            "kałuże.",
        ),
        "cs": (
            "Večerní vlak měl zase zpoždění, a tak jsme šli domů pěšky podél řeky.",
            "Přemýšlel jsi někdy o tom, proč moře vypadá každé ráno jinak?",
            "Když déšť konečně ustal, děti se smíchem vyběhly ven a přeskakovaly všechny louže na dvoře.",
        ),
        "ru": (
            "Вечерний поезд снова опоздал, поэтому мы пошли домой пешком вдоль реки.",
            "Ты когда-нибудь задумывался, почему море каждое утро выглядит по-новому?",
            "Когда дождь наконец прекратился, дети со смехом выбежали на улицу и стали прыгать через каждую "
            "лужу во дворе.",
        ),
        "nl": (
            "De avondtrein had alweer vertraging, dus liepen we langs de rivier naar huis.",
            "Heb je je ooit afgevraagd waarom de zee er elke ochtend anders uitziet?",
            "Toen het eindelijk ophield met regenen, renden de kinderen lachend naar buiten en sprongen ze "
            "over elke plas op het plein.",
        ),
        "tr": (
            "Akşam treni yine gecikti, biz de nehir boyunca yürüyerek eve döndük.",
            "Denizin her sabah neden farklı göründüğünü hiç merak ettin mi?",
            "Yağmur sonunda dinince çocuklar gülerek dışarı koştu ve bahçedeki bütün su birikintilerinin "
            "üzerinden atladı.",
        ),
        "hu": (
            "Az esti vonat megint késett, ezért gyalog mentünk haza a folyó mentén.",
            "Gondolkoztál már azon, miért látszik a tenger minden reggel másnak?",
            "Amikor végre elállt az eső, a gyerekek nevetve kiszaladtak, és átugrottak minden tócsát az udvaron.",
        ),
        "ar": (
            "تأخر قطار المساء مرة أخرى، فعدنا إلى البيت سيرا على الأقدام بمحاذاة النهر.",
            "هل تساءلت يوما لماذا يبدو البحر مختلفا كل صباح؟",
            "عندما توقف المطر أخيرا، خرج الأطفال ضاحكين وقفزوا فوق كل بركة ماء في الفناء.",
        ),
        "hi": (
            "शाम की रेलगाड़ी फिर देर से आई, इसलिए हम नदी के किनारे पैदल घर लौटे।",
            "क्या तुमने कभी सोचा है कि समुद्र हर सुबह अलग क्यों दिखता है?",
            "जब बारिश आख़िर रुक गई, तो बच्चे हँसते हुए बाहर दौड़े और आँगन के हर गड्ढे के ऊपर से कूद गए।",
        ),
        "zh": (
            "晚班火车又晚点了，所以我们沿着河边走回了家。",
            "你有没有想过，为什么大海每天早晨看起来都不一样？",
            "雨终于停了，孩子们笑着跑到外面，跳过了院子里的每一个水坑。",
        ),
        "ja": (
            "夕方の電車がまた遅れたので、私たちは川沿いを歩いて帰りました。",
            "海が毎朝ちがって見えるのはなぜか、考えたことはありますか。",
            "雨がやっと止むと、子どもたちは笑いながら外へ走り出し、庭の水たまりを次々に飛び越えました。",
        ),
        "ko": (
            "저녁 기차가 또 늦어서 우리는 강을 따라 걸어서 집에 돌아왔습니다.",
            "바다가 왜 아침마다 다르게 보이는지 생각해 본 적이 있나요?",
            "비가 마침내 그치자 아이들은 웃으며 밖으로 뛰어나가 마당의 웅덩이를 모두 뛰어넘었습니다.",
        ),
    }
)

_DEFAULT = "en"
#: Texts that the language is told from, where nobody said it.
_TEXTS = 20


def sentences_for(language: str) -> tuple[str, ...]:
    """Those of `language` (BCP 47); the English ones for a language that has none."""
    return SENTENCES[closest(language, SENTENCES) or _DEFAULT]


def language_of(languages: Sequence[str], texts: Sequence[str]) -> str:
    """The language that most of a data set is in, as its rows name it; told from its texts where none
    does."""
    named = Counter(language for language in languages if language)
    if named:
        return named.most_common(1)[0][0]
    return detect(" ".join(texts[:_TEXTS]), SENTENCES, _DEFAULT).code
