//! The words about recording that buyers and agents read before choosing, in every language we have them in.
//!
//! They say what is recorded, why, for how long, that declining costs nothing and that changing one's mind
//! deletes. A receipt points to version, language and SHA-256 of the words that were shown, so words are never
//! edited in place: a change comes with a new [`REVISION`].

use protocol::rest::ConsentText;

use crate::auth::secret;
use crate::retention::Retention;

/// Changes with every change of the words below.
const REVISION: &str = "2026-11-21";

/// The same of the words for agents.
const STAFF_REVISION: &str = "2026-11-30";

/// What consent is asked for, as receipts name it.
pub const PURPOSE: &str = "quality_review";

/// Days a recording is kept when nothing else is set.
pub const KEEP_DAYS: u16 = 90;

/// Language and words; `{days}` is how long a recording is kept. English comes first: it is the fallback.
const TEXTS: [(&str, &str); 5] = [
    (
        "en",
        "May we record this call? The recording holds the picture and the sound of both sides: yours and the \
         agent's. We use it to check the quality of our service, and it is kept with the ticket about your \
         question. Only authorised staff can watch it, and it is deleted after {days} days. You get the same help \
         if you say no. You can change your mind at any time during the call: recording then stops at once and \
         what was recorded is deleted.",
    ),
    (
        "de",
        "Dürfen wir dieses Gespräch aufzeichnen? Die Aufzeichnung enthält Bild und Ton beider Seiten: von Ihnen und \
         von der Beraterin oder dem Berater. Wir prüfen damit die Qualität unseres Service; sie wird beim Vorgang zu \
         Ihrer Frage aufbewahrt. Nur befugte Mitarbeitende können sie ansehen, und nach {days} Tagen wird sie \
         gelöscht. Wenn Sie ablehnen, bekommen Sie dieselbe Hilfe. Sie können es sich während des Gesprächs jederzeit \
         anders überlegen: Die Aufzeichnung endet dann sofort, und was aufgezeichnet wurde, wird gelöscht.",
    ),
    (
        "fr",
        "Pouvons-nous enregistrer cet appel ? L’enregistrement contient l’image et le son des deux côtés : les vôtres \
         et ceux de la personne qui vous aide. Il nous sert à vérifier la qualité de notre service et reste joint au \
         dossier de votre question. Seul le personnel autorisé peut le voir, et il est supprimé au bout de {days} jours. \
         Si vous refusez, vous recevez exactement la même aide. Vous pouvez changer d’avis à tout moment pendant \
         l’appel : l’enregistrement s’arrête aussitôt et ce qui a été enregistré est supprimé.",
    ),
    (
        "es",
        "¿Podemos grabar esta llamada? La grabación contiene la imagen y el sonido de ambas partes: los suyos y los de \
         la persona que le atiende. La usamos para comprobar la calidad de nuestro servicio y se guarda con el caso de \
         su consulta. Solo el personal autorizado puede verla, y se borra a los {days} días. Si dice que no, recibe la \
         misma ayuda. Puede cambiar de opinión en cualquier momento de la llamada: la grabación se detiene al instante \
         y se borra lo grabado.",
    ),
    (
        "ar",
        "هل تسمح لنا بتسجيل هذه المكالمة؟ يتضمن التسجيل صورة الطرفين وصوتهما: أنت وموظف الدعم. نستخدمه لمراجعة جودة \
         خدمتنا، ويُحفظ مع التذكرة الخاصة بسؤالك. لا يمكن مشاهدته إلا للموظفين المصرح لهم، ويُحذف بعد {days} يومًا. إذا \
         رفضت فستحصل على المساعدة نفسها. ويمكنك تغيير رأيك في أي وقت أثناء المكالمة: يتوقف التسجيل فورًا ويُحذف ما تم \
         تسجيله.",
    ),
];

/// The same for agents; `{days}` is the longest that any queue's recordings are kept.
const STAFF_TEXTS: [(&str, &str); 5] = [
    (
        "en",
        "May the calls that you take be recorded? A recording holds the picture and the sound of both sides: yours and \
         the buyer's. It is made only when the buyer agrees, too. We use it to check the quality of our service, and it \
         is kept with the ticket of the call. Only authorised staff can watch it, and it is deleted after {days} days at \
         the latest. Saying no has no disadvantages for you: you take the same calls. You can change your mind here at \
         any time: recording then stops at once, and what was recorded before is kept until its time is over.",
    ),
    (
        "de",
        "Dürfen die Gespräche, die Sie führen, aufgezeichnet werden? Eine Aufzeichnung enthält Bild und Ton beider \
         Seiten: von Ihnen und von der Kundin oder dem Kunden. Sie entsteht nur, wenn auch die andere Seite zustimmt. \
         Wir prüfen damit die Qualität unseres Service; sie wird beim Vorgang des Gesprächs aufbewahrt. Nur befugte \
         Mitarbeitende können sie ansehen, und spätestens nach {days} Tagen wird sie gelöscht. Wenn Sie ablehnen, haben \
         Sie keine Nachteile: Sie führen dieselben Gespräche. Sie können es sich hier jederzeit anders überlegen: Die \
         Aufzeichnung endet dann sofort, und was vorher aufgezeichnet wurde, bleibt bis zum Ende seiner Frist.",
    ),
    (
        "fr",
        "Les appels que vous prenez peuvent-ils être enregistrés ? Un enregistrement contient l’image et le son des deux \
         côtés : les vôtres et ceux de la cliente ou du client. Il n’a lieu que si l’autre côté accepte aussi. Il nous \
         sert à vérifier la qualité de notre service et reste joint au dossier de l’appel. Seul le personnel autorisé \
         peut le voir, et il est supprimé au plus tard au bout de {days} jours. Un refus est sans inconvénient pour vous : \
         vous prenez les mêmes appels. Vous pouvez changer d’avis ici à tout moment : l’enregistrement s’arrête aussitôt, \
         et ce qui a été enregistré avant est conservé jusqu’à son échéance.",
    ),
    (
        "es",
        "¿Se pueden grabar las llamadas que usted atiende? Una grabación contiene la imagen y el sonido de ambas partes: \
         los suyos y los de la clienta o el cliente. Solo se hace si la otra parte también está de acuerdo. La usamos \
         para comprobar la calidad de nuestro servicio y se guarda con el caso de la llamada. Solo el personal autorizado \
         puede verla, y se borra a más tardar a los {days} días. Decir que no no tiene desventajas para usted: atiende \
         las mismas llamadas. Puede cambiar de opinión aquí en cualquier momento: la grabación se detiene al instante, y \
         lo grabado antes se conserva hasta que termine su plazo.",
    ),
    (
        "ar",
        "هل تسمح بتسجيل المكالمات التي تجيب عليها؟ يتضمن التسجيل صورة الطرفين وصوتهما: أنت والعميل. ولا يتم التسجيل إلا \
         إذا وافق العميل أيضًا. نستخدمه لمراجعة جودة خدمتنا، ويُحفظ مع التذكرة الخاصة بالمكالمة. لا يمكن مشاهدته إلا \
         للموظفين المصرح لهم، ويُحذف بعد {days} يومًا على الأكثر. رفضك لا يترتب عليه أي ضرر لك: ستجيب على المكالمات \
         نفسها. ويمكنك تغيير رأيك هنا في أي وقت: يتوقف التسجيل فورًا، ويبقى ما سُجل من قبل حتى تنتهي مدته.",
    ),
];

/// The words for a buyer from a country, if it is known, whose call a queue takes: they name the days that its
/// recording will be kept.
pub fn text_for(retention: &Retention, language: &str, queue: &str, country: Option<&str>) -> ConsentText {
    text(language, retention.days(queue, country).0)
}

/// The words for buyers in the best language there is: the tag itself, its first part, or English.
pub fn text(language: &str, keep_days: u16) -> ConsentText {
    best(&TEXTS, language, keep_days, format!("{REVISION}/{keep_days}"))
}

/// The words for agents in the best language there is.
pub fn staff_text(language: &str, keep_days: u16) -> ConsentText {
    best(&STAFF_TEXTS, language, keep_days, format!("staff/{STAFF_REVISION}/{keep_days}"))
}

fn best(texts: &[(&str, &str); 5], language: &str, keep_days: u16, version: String) -> ConsentText {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    let (language, words) =
        texts.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(primary)).unwrap_or(&texts[0]);
    let text = words.replace("{days}", &keep_days.to_string());
    let sha256 = secret::hex(&secret::hash(&text));
    ConsentText { version, language: (*language).to_owned(), text, sha256 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regional_tag_gets_its_language_and_an_unknown_one_gets_english() {
        for (asked, given) in [("de-AT", "de"), ("AR", "ar"), ("fr_CA", "fr"), ("th", "en"), ("", "en")] {
            assert_eq!(text(asked, 90).language, given, "for {asked:?}");
        }
    }

    #[test]
    fn every_text_says_how_long_and_has_its_own_hash() {
        let mut hashes: Vec<String> = Vec::new();
        for text in TEXTS
            .iter()
            .map(|(tag, _)| text(tag, 31))
            .chain(STAFF_TEXTS.iter().map(|(tag, _)| staff_text(tag, 31)))
        {
            let language = &text.language;
            assert!(text.text.contains("31"), "{language}: {}", text.text);
            assert!(!text.text.contains("  ") && !text.text.contains('{'), "{language}: {}", text.text);
            hashes.push(text.sha256);
        }
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), TEXTS.len() + STAFF_TEXTS.len());
    }

    #[test]
    fn the_version_changes_with_the_words() {
        assert_ne!(text("en", 90).version, text("en", 30).version);
        assert_ne!(text("en", 90).version, staff_text("en", 90).version);
    }
}
