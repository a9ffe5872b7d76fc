//! The demo shop in four languages.

use super::products::{PRODUCTS, Product};

/// A product in words.
#[derive(Debug)]
pub(super) struct ProductWords {
    /// Name.
    pub(super) name: &'static str,
    /// One line.
    pub(super) short: &'static str,
    /// A paragraph.
    pub(super) long: &'static str,
    /// What the demo buyer is calling about.
    pub(super) trouble: &'static str,
}

/// The shop's words in one language.
#[derive(Debug)]
pub(super) struct Words {
    /// Value of `?lang=`.
    pub(super) language: &'static str,
    /// BCP 47 tag of the demo buyer.
    pub(super) tag: &'static str,
    /// `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// The language's own name.
    pub(super) own_name: &'static str,
    /// Name of the demo buyer.
    pub(super) buyer: &'static str,
    /// Country of the demo buyer.
    pub(super) country: &'static str,
    pub(super) tagline: &'static str,
    pub(super) intro: &'static str,
    pub(super) our_lamps: &'static str,
    pub(super) look: &'static str,
    pub(super) back: &'static str,
    pub(super) in_stock: &'static str,
    pub(super) your_order: &'static str,
    pub(super) delivered: &'static str,
    pub(super) help_title: &'static str,
    pub(super) help_text: &'static str,
    pub(super) details: &'static str,
    pub(super) demo_note: &'static str,
    pub(super) not_found: &'static str,
    /// As in [`PRODUCTS`].
    pub(super) products: [ProductWords; 3],
}

impl Words {
    /// A product in this language.
    pub(super) fn of(&self, product: &Product) -> &ProductWords {
        let index = PRODUCTS.iter().position(|other| other.sku == product.sku).unwrap_or_default();
        &self.products[index]
    }
}

/// The words of a language tag; English when there are none.
pub(super) fn words(tag: &str) -> &'static Words {
    let primary = tag.split(['-', '_']).next().unwrap_or_default();
    ALL.iter().find(|words| words.language.eq_ignore_ascii_case(primary)).unwrap_or(&ALL[0])
}

/// Every language.
pub(super) const ALL: [Words; 4] = [
    Words {
        language: "en",
        tag: "en-GB",
        dir: "ltr",
        own_name: "English",
        buyer: "Emily Carter",
        country: "GB",
        tagline: "Light that lives with you",
        intro: "Lamps made in small series from ash wood, brass and hand-blown glass. And if something is not right, \
                show it to a person.",
        our_lamps: "Our lamps",
        look: "Take a look",
        back: "All lamps",
        in_stock: "In stock, delivered in 3 to 5 days",
        your_order: "Your order",
        delivered: "delivered",
        help_title: "Something not right? Show us.",
        help_text: "Point your camera at the lamp or the parcel. A person of our team looks with you, right now.",
        details: "Good to know",
        demo_note: "Lumen & Co. is a demonstration. Nothing here can be bought.",
        not_found: "We do not have this lamp.",
        products: [
            ProductWords {
                name: "Aurora floor lamp",
                short: "Soft light from floor to ceiling",
                long: "A slender body of ash wood, a shade of linen, and a dimmer that remembers how you like it. \
                       150 cm tall, assembled in ten minutes without tools.",
                trouble: "The parcel arrived with a crushed corner. Buyer wants to know whether the shade is all right.",
            },
            ProductWords {
                name: "Fjord pendant lamp",
                short: "Hand-blown glass over your table",
                long: "Every globe is blown by hand, so no two are alike. The brass fitting ages with dignity; the cable \
                       can be shortened to any length up to 180 cm.",
                trouble: "Buyer is not sure how to shorten the cable and whether the globe has a crack or a seam.",
            },
            ProductWords {
                name: "Pico reading lamp",
                short: "Small, bright, and where you need it",
                long: "A reading light that clips onto shelf, bed or book. Three warm levels, 40 hours on one charge, \
                       and a hinge that stays where you put it.",
                trouble: "The lamp does not charge. Another cable was tried already.",
            },
        ],
    },
    Words {
        language: "de",
        tag: "de-AT",
        dir: "ltr",
        own_name: "Deutsch",
        buyer: "Jana Huber",
        country: "AT",
        tagline: "Licht, das mit Ihnen wohnt",
        intro: "Lampen in kleinen Serien, aus Eschenholz, Messing und mundgeblasenem Glas. Und wenn etwas nicht stimmt, \
                zeigen Sie es einem Menschen.",
        our_lamps: "Unsere Lampen",
        look: "Ansehen",
        back: "Alle Lampen",
        in_stock: "Auf Lager, Lieferung in 3 bis 5 Tagen",
        your_order: "Ihre Bestellung",
        delivered: "zugestellt",
        help_title: "Stimmt etwas nicht? Zeigen Sie es uns.",
        help_text: "Halten Sie die Kamera auf die Lampe oder das Paket. Jemand aus unserem Team schaut gleich mit Ihnen \
                    darauf.",
        details: "Gut zu wissen",
        demo_note: "Lumen & Co. ist eine Vorführung. Hier kann man nichts kaufen.",
        not_found: "Diese Lampe haben wir nicht.",
        products: [
            ProductWords {
                name: "Stehlampe Aurora",
                short: "Sanftes Licht vom Boden bis zur Decke",
                long: "Ein schlanker Fuß aus Esche, ein Schirm aus Leinen und ein Dimmer, der sich merkt, wie Sie es mögen. \
                       150 cm hoch, in zehn Minuten ohne Werkzeug aufgebaut.",
                trouble: "Das Paket kam mit eingedrückter Ecke an. Die Kundin möchte wissen, ob der Schirm in Ordnung ist.",
            },
            ProductWords {
                name: "Pendellampe Fjord",
                short: "Mundgeblasenes Glas über dem Tisch",
                long: "Jede Kugel ist mundgeblasen, keine gleicht der anderen. Die Fassung aus Messing altert in Würde; das \
                       Kabel lässt sich auf jede Länge bis 180 cm kürzen.",
                trouble: "Die Kundin weiß nicht, wie das Kabel gekürzt wird und ob die Kugel einen Sprung oder eine Naht hat.",
            },
            ProductWords {
                name: "Leselampe Pico",
                short: "Klein, hell und dort, wo man sie braucht",
                long: "Ein Leselicht zum Anklemmen an Regal, Bett oder Buch. Drei warme Stufen, 40 Stunden mit einer Ladung \
                       und ein Gelenk, das bleibt, wo man es hinstellt.",
                trouble: "Die Lampe lädt nicht. Ein anderes Kabel wurde schon versucht.",
            },
        ],
    },
    Words {
        language: "fr",
        tag: "fr-FR",
        dir: "ltr",
        own_name: "Français",
        buyer: "Claire Martin",
        country: "FR",
        tagline: "La lumière qui vit avec vous",
        intro: "Des lampes en petites séries, en frêne, en laiton et en verre soufflé. Et si quelque chose ne va pas, \
                montrez-le à quelqu’un.",
        our_lamps: "Nos lampes",
        look: "Découvrir",
        back: "Toutes les lampes",
        in_stock: "En stock, livrée en 3 à 5 jours",
        your_order: "Votre commande",
        delivered: "livrée",
        help_title: "Quelque chose ne va pas ? Montrez-le-nous.",
        help_text: "Filmez la lampe ou le colis. Une personne de notre équipe regarde avec vous, tout de suite.",
        details: "Bon à savoir",
        demo_note: "Lumen & Co. est une démonstration. Rien n’est à vendre ici.",
        not_found: "Nous n’avons pas cette lampe.",
        products: [
            ProductWords {
                name: "Lampadaire Aurora",
                short: "Une lumière douce du sol au plafond",
                long: "Un pied fin en frêne, un abat-jour en lin et un variateur qui se souvient de vos goûts. 150 cm de haut, \
                       monté en dix minutes sans outils.",
                trouble: "Le colis est arrivé avec un coin enfoncé. La cliente veut savoir si l’abat-jour est intact.",
            },
            ProductWords {
                name: "Suspension Fjord",
                short: "Du verre soufflé au-dessus de la table",
                long: "Chaque globe est soufflé à la bouche, aucun n’est pareil. La monture en laiton vieillit bien ; le câble \
                       se raccourcit à volonté jusqu’à 180 cm.",
                trouble: "La cliente ne sait pas raccourcir le câble ni si le globe a une fêlure ou une couture.",
            },
            ProductWords {
                name: "Liseuse Pico",
                short: "Petite, claire, là où il faut",
                long: "Une liseuse à pincer sur l’étagère, le lit ou le livre. Trois niveaux chauds, 40 heures par charge et \
                       une articulation qui tient.",
                trouble: "La lampe ne charge pas. Un autre câble a déjà été essayé.",
            },
        ],
    },
    Words {
        language: "ar",
        tag: "ar-AE",
        dir: "rtl",
        own_name: "العربية",
        buyer: "ليلى حداد",
        country: "AE",
        tagline: "ضوء يعيش معك",
        intro: "مصابيح نصنعها بأعداد صغيرة من خشب الدردار والنحاس والزجاج المنفوخ يدويًا. وإن لم يكن شيء على ما يرام، فأرِه \
                لشخص من فريقنا.",
        our_lamps: "مصابيحنا",
        look: "شاهد",
        back: "كل المصابيح",
        in_stock: "متوفر، التوصيل خلال 3 إلى 5 أيام",
        your_order: "طلبك",
        delivered: "تم التسليم",
        help_title: "هل هناك مشكلة؟ أرِنا.",
        help_text: "وجّه الكاميرا نحو المصباح أو الطرد، وسينظر معك أحد أفراد فريقنا الآن.",
        details: "معلومات مفيدة",
        demo_note: "لومن وشركاه متجر تجريبي، ولا يمكن شراء شيء هنا.",
        not_found: "هذا المصباح غير موجود لدينا.",
        products: [
            ProductWords {
                name: "مصباح أورورا الأرضي",
                short: "ضوء ناعم من الأرض إلى السقف",
                long: "قاعدة رشيقة من خشب الدردار، وغطاء من الكتان، ومفتاح تعتيم يتذكر ما تفضله. ارتفاعه 150 سم ويُركّب في عشر \
                       دقائق دون أدوات.",
                trouble: "وصل الطرد وإحدى زواياه منبعجة. تريد المشترية أن تعرف إن كان الغطاء سليمًا.",
            },
            ProductWords {
                name: "مصباح فيورد المعلّق",
                short: "زجاج منفوخ يدويًا فوق طاولتك",
                long: "كل كرة منفوخة يدويًا فلا تتشابه اثنتان. التركيبة من النحاس تزداد جمالًا مع الزمن، ويمكن تقصير السلك إلى أي \
                       طول حتى 180 سم.",
                trouble: "لا تعرف المشترية كيف تقصّر السلك، ولا إن كان في الكرة شرخ أم خط تصنيع.",
            },
            ProductWords {
                name: "مصباح القراءة بيكو",
                short: "صغير وساطع وحيث تحتاجه",
                long: "مصباح قراءة يُثبّت على الرف أو السرير أو الكتاب. ثلاث درجات دافئة، و40 ساعة بشحنة واحدة، ومفصل يثبت حيث \
                       تضعه.",
                trouble: "المصباح لا يشحن، وقد جُرّب سلك آخر.",
            },
        ],
    },
];
