"""What is spoken, and how, where a smart build leaves it open: by emotion and language.

The texts last five to eight seconds and say what the emotion is about, so that an engine that reads
them with understanding finds the tone by itself. The instructions are in English, which the embedded
engine and Qwen3-TTS both follow; the words that the embedded engine knows stand in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.text.emotions import canonical
from studio.text.language import closest

#: Offered first, in this order.
USUAL = ("happy", "sad", "angry")

#: Spoken for an emotion that has no text of its own.
_ANY = "any"

_INSTRUCTIONS: Mapping[str, str] = {
    "happy": "Happy and lively, smiling while speaking.",
    "sad": "Sad, quietly, close to tears.",
    "angry": "Angry, loudly, with hard stresses.",
    "surprised": "Surprised and expressive, in a high voice that jumps.",
    "fearful": "Afraid, breathy and quick, the voice unsteady.",
    "disgusted": "Disgusted, harsh and slow, turning away.",
    "calm": "Calm and relaxed, unhurried.",
    "excited": "Excited and fast, full of anticipation.",
    "tender": "Tender, soft and warm, close to the listener.",
    "whisper": "Whispering, as if nobody else must hear it.",
    "serious": "Serious, low and even, with weight on each word.",
    "worried": "Worried, breathy, the voice uncertain.",
    "tired": "Tired and slow, the voice sinking.",
    "bored": "Bored and flat, as if it were the tenth time.",
    "proud": "Proud and clear, as before a large hall.",
    "sarcastic": "Sarcastic and slow, drawing out the words.",
    "shouting": "Shouting in a high, harsh voice, as if from far away.",
    "curious": "Curious and lively, in a bright voice that rises.",
    "confident": "Confident and clear, deep, without haste.",
}

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "happy": "Oh, this is wonderful! I have been looking forward to this day for weeks, and now we are all here together!",
        "sad": "I still set two cups on the table every morning. Then I remember, and the house is so quiet.",
        "angry": "No! I told you three times not to touch it, and you did it anyway! Do you ever listen to me?",
        "surprised": "What? You are here? I thought you would not come back before winter! I can hardly believe it!",
        "fearful": "Did you hear that? There is somebody at the door. Please, do not put on the light, do not move.",
        "disgusted": "Ugh, what is that smell? There is something green growing in this cup. Take it away, please.",
        "calm": "Take your time. There is nothing that we have to do today. Just listen to the water for a while.",
        "excited": "It is starting, it is really starting! Come on, quickly, we must not miss a single second of it!",
        "tender": "Come here, my dear. You were so brave today. Close your eyes now, I am staying right beside you.",
        "whisper": "Quietly now. The child has just fallen asleep. Let us go into the kitchen and talk there.",
        _ANY: "I have something to tell you. This morning I opened the old letter, and now I know what it says.",
    },
    "de": {
        "happy": "Oh, ist das schön! Seit Wochen habe ich mich auf diesen Tag gefreut, und jetzt sind wir alle zusammen hier!",
        "sad": "Ich stelle noch immer jeden Morgen zwei Tassen auf den Tisch. Dann fällt es mir ein, und das Haus ist so still.",
        "angry": "Nein! Dreimal habe ich dir gesagt, du sollst es nicht anfassen, und du tust es trotzdem! Hörst du mir überhaupt zu?",
        "surprised": "Was? Du bist hier? Ich dachte, du kommst nicht vor dem Winter zurück! Das kann ich kaum glauben!",
        "fearful": "Hast du das gehört? Da ist jemand an der Tür. Bitte, mach kein Licht an, beweg dich nicht.",
        "disgusted": "Igitt, was riecht hier so? In dieser Tasse wächst etwas Grünes. Nimm das bitte weg von mir.",
        "calm": "Lass dir Zeit. Heute müssen wir gar nichts mehr tun. Hör einfach eine Weile dem Wasser zu.",
        "excited": "Es geht los, es geht wirklich los! Komm schnell, wir dürfen keine einzige Sekunde davon verpassen!",
        "tender": "Komm her, mein Schatz. Du warst heute so tapfer. Mach die Augen zu, ich bleibe hier bei dir.",
        "whisper": "Jetzt ganz leise. Das Kind ist eben eingeschlafen. Gehen wir in die Küche und reden dort.",
        _ANY: "Ich muss dir etwas erzählen. Heute Morgen habe ich den alten Brief geöffnet, und jetzt weiß ich, was darin steht.",
    },
    "fr": {
        "happy": "Oh, c'est merveilleux ! J'attendais ce jour depuis des semaines, et nous voilà enfin tous réunis !",
        "sad": "Chaque matin, je pose encore deux tasses sur la table. Puis je me souviens, et la maison est si silencieuse.",
        "angry": "Non ! Je t'ai dit trois fois de ne pas y toucher, et tu l'as fait quand même ! Est-ce que tu m'écoutes ?",
        "surprised": "Quoi ? Tu es là ? Je croyais que tu ne reviendrais pas avant l'hiver ! Je n'en crois pas mes yeux !",
        "fearful": "Tu as entendu ? Il y a quelqu'un derrière la porte. S'il te plaît, n'allume pas, ne bouge pas.",
        "disgusted": "Beurk, c'est quoi cette odeur ? Il y a quelque chose de vert dans cette tasse. Enlève-moi ça, s'il te plaît.",
        "calm": "Prends ton temps. Nous n'avons plus rien à faire aujourd'hui. Écoute simplement l'eau qui coule.",
        "excited": "Ça commence, ça commence vraiment ! Viens vite, il ne faut pas en manquer une seule seconde !",
        "tender": "Viens là, mon trésor. Tu as été si courageux aujourd'hui. Ferme les yeux, je reste tout près de toi.",
        "whisper": "Tout doucement. Le petit vient de s'endormir. Allons dans la cuisine, nous parlerons là-bas.",
        _ANY: "J'ai quelque chose à te dire. Ce matin, j'ai ouvert la vieille lettre, et maintenant je sais ce qu'elle dit.",
    },
    "es": {
        "happy": "¡Ay, qué maravilla! Llevo semanas esperando este día, ¡y por fin estamos todos juntos aquí!",
        "sad": "Todas las mañanas sigo poniendo dos tazas en la mesa. Luego me acuerdo, y la casa está tan callada.",
        "angry": "¡No! Te dije tres veces que no lo tocaras, ¡y lo hiciste de todos modos! ¿Alguna vez me escuchas?",
        "surprised": "¿Qué? ¿Estás aquí? ¡Pensaba que no volverías antes del invierno! ¡Casi no me lo puedo creer!",
        "fearful": "¿Has oído eso? Hay alguien en la puerta. Por favor, no enciendas la luz, no te muevas.",
        "disgusted": "Puaj, ¿a qué huele? Hay algo verde creciendo en esta taza. Llévatela lejos de mí, por favor.",
        "calm": "Tómate tu tiempo. Hoy ya no tenemos nada que hacer. Escucha el agua durante un rato, nada más.",
        "excited": "¡Ya empieza, ya empieza de verdad! ¡Ven, rápido, no podemos perdernos ni un solo segundo!",
        "tender": "Ven aquí, cariño. Hoy has sido muy valiente. Cierra los ojos, que yo me quedo a tu lado.",
        "whisper": "Ahora en voz baja. El niño acaba de dormirse. Vamos a la cocina y hablamos allí tranquilos.",
        _ANY: "Tengo que contarte una cosa. Esta mañana abrí la carta vieja, y ahora por fin sé lo que dice.",
    },
    "it": {
        "happy": "Oh, che meraviglia! Aspettavo questo giorno da settimane, e adesso siamo finalmente tutti insieme!",
        "sad": "Ogni mattina metto ancora due tazze sul tavolo. Poi mi ricordo, e la casa è così silenziosa.",
        "angry": "No! Ti ho detto tre volte di non toccarlo, e tu l'hai fatto lo stesso! Ma mi ascolti qualche volta?",
        "surprised": "Cosa? Sei qui? Pensavo che non saresti tornato prima dell'inverno! Quasi non ci credo!",
        "fearful": "Hai sentito? C'è qualcuno alla porta. Ti prego, non accendere la luce, non muoverti.",
        "disgusted": "Bleah, cos'è questo odore? C'è qualcosa di verde che cresce in questa tazza. Portala via, per favore.",
        "calm": "Prenditi il tuo tempo. Oggi non dobbiamo fare più niente. Ascolta soltanto l'acqua per un po'.",
        "excited": "Comincia, comincia davvero! Vieni, presto, non dobbiamo perderci nemmeno un secondo!",
        "tender": "Vieni qui, tesoro. Oggi hai avuto tanto coraggio. Chiudi gli occhi, io resto qui vicino a te.",
        "whisper": "Adesso piano. Il bambino si è appena addormentato. Andiamo in cucina e parliamo lì.",
        _ANY: "Devo dirti una cosa. Stamattina ho aperto la vecchia lettera, e adesso so finalmente che cosa dice.",
    },
    "pt": {
        "happy": "Ai, que maravilha! Há semanas que eu esperava por este dia, e agora estamos todos juntos aqui!",
        "sad": "Todas as manhãs ainda ponho duas xícaras na mesa. Depois me lembro, e a casa fica tão quieta.",
        "angry": "Não! Eu disse três vezes para não mexer nisso, e você mexeu mesmo assim! Você nunca me escuta?",
        "surprised": "O quê? Você está aqui? Pensei que só voltaria depois do inverno! Mal posso acreditar!",
        "fearful": "Você ouviu isso? Tem alguém na porta. Por favor, não acenda a luz, não se mexa.",
        "disgusted": "Eca, que cheiro é esse? Tem uma coisa verde crescendo nesta xícara. Tire isso daqui, por favor.",
        "calm": "Não tenha pressa. Hoje não temos mais nada para fazer. Escute só a água por um momento.",
        "excited": "Vai começar, vai começar mesmo! Venha, rápido, não podemos perder nem um segundo!",
        "tender": "Venha cá, meu bem. Você foi tão corajoso hoje. Feche os olhos, eu fico aqui ao seu lado.",
        "whisper": "Agora bem baixinho. A criança acabou de dormir. Vamos para a cozinha e conversamos lá.",
        _ANY: "Tenho uma coisa para contar. Hoje de manhã abri a carta antiga, e agora sei o que ela diz.",
    },
    "ru": {
        "happy": "Ах, как чудесно! Столько недель мы ждали этого дня, и вот мы наконец-то все вместе!",
        "sad": "Я до сих пор каждое утро ставлю на стол две чашки. А потом вспоминаю, и в доме так тихо.",
        "angry": "Нет! Тебе три раза говорили этого не трогать, а ты опять за своё! Ты вообще меня слышишь?",
        "surprised": "Что? Ты здесь? Тебя же ждали только к зиме! Не может быть, просто не могу поверить!",
        "fearful": "Слышишь? За дверью кто-то есть. Пожалуйста, не включай свет и не двигайся.",
        "disgusted": "Фу, чем это пахнет? В этой чашке растёт что-то зелёное. Убери её от меня, пожалуйста.",
        "calm": "Не торопись. Сегодня нам больше ничего не нужно делать. Просто послушай немного, как шумит вода.",
        "excited": "Начинается, правда начинается! Скорее, идём, нельзя пропустить ни одной секунды!",
        "tender": "Иди ко мне, мой хороший. Ты сегодня был таким смелым. Закрой глаза, я побуду рядом.",
        "whisper": "Теперь тихо. Малыш только что уснул. Пойдём на кухню и поговорим там.",
        _ANY: "Мне нужно тебе кое-что рассказать. Утром нашлось старое письмо, и теперь я знаю, что в нём написано.",
    },
    "zh": {
        "happy": "哇，太好了！我盼这一天盼了好几个星期，现在大家终于都到齐了，真是太开心了！",
        "sad": "每天早上，我还是会在桌上摆两个杯子。然后才想起来，这个家现在这么安静。",
        "angry": "不行！我跟你说了三遍不要碰它，你还是碰了！你到底有没有听我说话？",
        "surprised": "什么？你在这里？我以为你冬天以前都不会回来！真让人不敢相信！",
        "fearful": "你听见了吗？门外好像有人。求求你，别开灯，也别动，千万别出声。",
        "disgusted": "哎呀，这是什么味道？杯子里长出了绿绿的东西。快拿走，别放在我面前。",
        "calm": "慢慢来，不着急。今天我们什么都不用做了，就静静地听一会儿流水的声音吧。",
        "excited": "开始了，真的开始了！快来，快点，我们一秒钟都不能错过！",
        "tender": "来，宝贝，到我这儿来。你今天真勇敢。闭上眼睛吧，我就在你身边陪着你。",
        "whisper": "轻一点，孩子刚刚睡着。我们到厨房里去，在那里慢慢说吧。",
        _ANY: "我有一件事要告诉你。今天早上我打开了那封旧信，现在我知道里面写的是什么了。",
    },
    # In kana, which the embedded engine needs and Qwen3-TTS reads as well.
    "ja": {
        "happy": "わあ、うれしい！ なんしゅうかんも このひを たのしみに していたの。やっと みんな いっしょだね！",
        "sad": "いまでも まいあさ、テーブルに カップを ふたつ おいてしまう。それから おもいだして、いえが とても しずかで。",
        "angry": "だめだ！ さわるなと さんかいも いったのに、また さわったな！ ひとの はなしを きいているのか？",
        "surprised": "えっ？ ここに いるの？ ふゆまで かえってこないと おもっていたのに！ しんじられない！",
        "fearful": "いまの、きこえた？ ドアの そとに だれか いる。おねがい、でんきを つけないで、うごかないで。",
        "disgusted": "うわ、なんの においだろう？ カップの なかに みどりの ものが はえている。どこかへ やってよ。",
        "calm": "ゆっくりで いいよ。きょうは もう なにも しなくて いい。しばらく みずの おとを きいていよう。",
        "excited": "はじまるよ、ほんとうに はじまるよ！ はやく、はやく、いちびょうも みのがせないよ！",
        "tender": "こっちに おいで。きょうは とても がんばったね。めを とじて、そばに いるからね。",
        "whisper": "しずかにね。こどもが いま ねたところなの。だいどころに いって、そこで はなそう。",
        _ANY: "はなしたいことが あるんだ。けさ ふるい てがみを あけて、なにが かいてあるか わかったんだ。",
    },
    "ko": {
        "happy": "와, 정말 좋다! 몇 주 동안 이날만 기다렸는데, 드디어 우리 모두 한자리에 모였네!",
        "sad": "아직도 아침마다 식탁에 컵을 두 개 놓아요. 그러다 생각이 나고, 집이 너무 조용해요.",
        "angry": "안 돼! 손대지 말라고 세 번이나 말했는데, 또 손을 댔잖아! 내 말을 듣기는 하는 거야?",
        "surprised": "뭐라고? 네가 여기 있어? 겨울 전에는 안 돌아올 줄 알았는데! 정말 믿을 수가 없어!",
        "fearful": "방금 들었어? 문 밖에 누가 있어. 제발 불 켜지 말고, 움직이지도 마.",
        "disgusted": "으악, 이게 무슨 냄새야? 이 컵 안에 초록색이 자라고 있어. 제발 저리 치워 줘.",
        "calm": "천천히 해요. 오늘은 더 이상 할 일이 없어요. 잠시 물소리를 들어 봐요.",
        "excited": "시작한다, 정말 시작해! 빨리 와, 한 순간도 놓치면 안 돼!",
        "tender": "이리 오렴, 우리 아가. 오늘 정말 용감했어. 이제 눈을 감아, 내가 곁에 있을게.",
        "whisper": "이제 조용히 해요. 아이가 방금 잠들었어요. 부엌에 가서 이야기해요.",
        _ANY: "할 말이 있어. 오늘 아침에 오래된 편지를 열었는데, 이제 뭐라고 쓰여 있는지 알아.",
    },
}  # fmt: skip

LANGUAGES = tuple(_TEXTS)
EMOTIONS = tuple(_INSTRUCTIONS)


@dataclass(frozen=True)
class EmotionText:
    """What an expressive clip says, and how."""

    text: str
    language: str  # BCP 47, of the text
    instruct: str


def emotion_text(tag: str, language: str) -> EmotionText:
    """The usual text and instruction for `tag`, in `language` (BCP 47) where there is one.

    A tag may be in any language ("felice"); one that is not known gets a text without an emotion of
    its own and its own word as the instruction. In a language without texts, English is spoken,
    which `EmotionText.language` tells.
    """
    emotion = canonical(tag) or tag
    spoken = closest(language, _TEXTS) if language else "en"
    texts = _TEXTS[spoken or "en"]
    return EmotionText(
        texts.get(emotion, texts[_ANY]),
        language if spoken and language else "en",
        _INSTRUCTIONS.get(emotion, f"In this manner: {tag}."),
    )
