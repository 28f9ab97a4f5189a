//! What an accountancy practice and its clients write to each other.

/// One exchange: what staff ask, what the client answers, what staff say to that.
///
/// `{quarter}`, `{year}`, `{client}` and `{staff}` are filled in.
pub(crate) struct Exchange {
    pub(crate) subject: &'static str,
    pub(crate) request: &'static str,
    pub(crate) answer: &'static str,
    pub(crate) thanks: &'static str,
    /// What the client attaches, with its size.
    pub(crate) attachment: Option<(&'static str, usize)>,
    /// What staff attach in the end, with its size.
    pub(crate) result: Option<(&'static str, usize)>,
}

/// An exchange in English.
pub(crate) const ENGLISH: &[Exchange] = &[
    Exchange {
        subject: "VAT return {quarter} {year}",
        request: "The VAT return for {quarter} {year} is due on the 7th. Could you send us the sales and purchase \
                  invoices, and the mileage log if there was any business travel?",
        answer: "Here is everything for {quarter}. One invoice from the flour supplier is still missing, I have asked \
                 them for a copy and will send it on.",
        thanks: "Many thanks, that is all we need. The return is filed; the receipt is attached, and the amount will be \
                 collected by direct debit in three working days.",
        attachment: Some(("invoices-{quarter}-{year}.zip", 21_400)),
        result: Some(("VAT-receipt-{quarter}-{year}.pdf", 9_800)),
    },
    Exchange {
        subject: "Payroll for this month",
        request: "We are running payroll on Thursday. Are there starters, leavers, overtime or holiday pay we should know \
                  about?",
        answer: "One starter: Jasmine Ortiz, from the 1st, 24 hours a week. Her form is attached. Overtime as in the sheet, \
                 otherwise no changes.",
        thanks: "Payslips are attached. Jasmine's tax code is provisional until her P45 arrives.",
        attachment: Some(("starter-form-ortiz.pdf", 14_300)),
        result: Some(("payslips-{year}.pdf", 17_900)),
    },
    Exchange {
        subject: "Year-end accounts {year}",
        request: "We have begun the accounts for the year to 31 March {year}. Please send the stock count, the bank \
                  statements for April, and the agreement for the new oven lease.",
        answer: "Stock count and statements attached. The lease runs over five years; I will bring the signed copy to our \
                 meeting.",
        thanks: "The draft accounts are attached. Corporation tax comes out a little lower than last year because of the \
                 oven. Shall we go through them on Tuesday at ten?",
        attachment: Some(("stock-count-{year}.xlsx", 11_200)),
        result: Some(("draft-accounts-{year}.pdf", 23_600)),
    },
    Exchange {
        subject: "Engagement letter {year}",
        request: "Our letter of engagement for {year} is ready. The fee stays as it was; section 4 on anti-money-laundering \
                  checks is new. Please sign and return it.",
        answer: "Signed, see attached. Could you also confirm that bookkeeping questions by phone are still included?",
        thanks: "Thank you, and yes, they are included. A countersigned copy will come by post.",
        attachment: Some(("engagement-letter-{year}-signed.pdf", 18_700)),
        result: None,
    },
    Exchange {
        subject: "A letter from the tax office",
        request: "The tax office has written to us about your {year} return. It is a routine question about the van; please \
                  let me know the purchase date and how much of its use is private.",
        answer: "Bought on 14 June, second hand. Private use is perhaps a tenth, mostly weekends. Do I need to worry?",
        thanks: "No need to worry. I have answered them with your figures and expect the matter to be closed within a month.",
        attachment: None,
        result: None,
    },
    Exchange {
        subject: "Invoice from last year, still unpaid",
        request: "While reconciling your ledger I found an invoice to a customer that is open since last November. Should we \
                  treat it as a bad debt?",
        answer: "They promised to pay by the end of the month. Please leave it open until then.",
        thanks: "Understood. I have made a note and will ask again in six weeks.",
        attachment: None,
        result: None,
    },
];

/// An exchange in German.
pub(crate) const GERMAN: &[Exchange] = &[
    Exchange {
        subject: "Umsatzsteuer-Voranmeldung {quarter} {year}",
        request: "für die Voranmeldung {quarter} {year} fehlen uns noch die Ausgangsrechnungen und die Belege der \
                  Möbelmesse. Könnten Sie uns diese bis Freitag schicken?",
        answer: "anbei die Rechnungen. Die Belege der Messe in Köln reiche ich nach, sie liegen noch beim Außendienst.",
        thanks: "vielen Dank, die Voranmeldung ist übermittelt. Das Protokoll finden Sie im Anhang.",
        attachment: Some(("Rechnungen-{quarter}-{year}.pdf", 16_800)),
        result: Some(("Übertragungsprotokoll-{quarter}-{year}.pdf", 7_400)),
    },
    Exchange {
        subject: "Jahresabschluss {year} – offene Fragen",
        request: "zum Jahresabschluss {year} haben wir drei Rückfragen: Rückstellungen, Inventur und der Dienstwagen. Wann \
                  passt Ihnen ein Gespräch?",
        answer: "gern am Mittwoch um 14 Uhr. Die Inventurliste hängt an, für die Rückstellungen rechne ich mit 12.400 EUR.",
        thanks: "das passt gut. Den Entwurf schicke ich Ihnen am Dienstag vorab.",
        attachment: Some(("Inventur-{year}.xlsx", 12_100)),
        result: None,
    },
    Exchange {
        subject: "Lohnabrechnung: Änderungen ab Oktober",
        request: "gibt es ab Oktober Änderungen bei Ihren Beschäftigten, etwa neue Minijobs oder geänderte Steuerklassen?",
        answer: "ja, Frau Schröder wechselt in Teilzeit, 20 Stunden. Sonst bleibt alles wie gehabt. Schöne Grüße!",
        thanks: "ist vermerkt. Die Abrechnungen kommen wie üblich zum 25.",
        attachment: None,
        result: None,
    },
];

/// An exchange in French.
pub(crate) const FRENCH: &[Exchange] = &[
    Exchange {
        subject: "Déclaration de TVA {quarter} {year}",
        request: "la déclaration de TVA du {quarter} {year} est à déposer avant le 24. Pourriez-vous nous transmettre vos \
                  factures d’achat et le relevé de caisse ?",
        answer: "voici les factures ; le montant des recettes s’élève à 18 420 €. Le relevé de caisse suivra demain.",
        thanks: "merci beaucoup, la déclaration est déposée. L’accusé de réception est en pièce jointe.",
        attachment: Some(("factures-{quarter}-{year}.pdf", 13_500)),
        result: Some(("accusé-de-réception-{quarter}.pdf", 6_100)),
    },
    Exchange {
        subject: "Comptes annuels {year} : pièces manquantes",
        request: "il nous manque encore le bail du local et l’échéancier du prêt pour clôturer les comptes {year}.",
        answer: "vous trouverez le bail ci-joint. Pour le prêt, la banque m’a promis l’échéancier cette semaine.",
        thanks: "parfait, nous clôturons dès que nous l’avons reçu.",
        attachment: Some(("bail-café-étoile.pdf", 19_900)),
        result: None,
    },
];

/// An exchange in Polish.
pub(crate) const POLISH: &[Exchange] = &[Exchange {
    subject: "Zeznanie podatkowe {year} – dokumenty",
    request: "Zbliża się termin złożenia zeznania za {year}. Proszę o przesłanie zaświadczenia o zarobkach i umowy najmu.",
    answer: "W załączniku przesyłam zaświadczenie. Umowę najmu dośle żona, będzie to w środę. Dziękuję!",
    thanks: "Dziękuję, wszystko się zgadza. Zwrot podatku powinien przyjść w ciągu 45 dni.",
    attachment: Some(("zaświadczenie-{year}.pdf", 8_200)),
    result: None,
}];

/// An exchange with somebody who answers in Japanese.
pub(crate) const JAPANESE: &[Exchange] = &[Exchange {
    subject: "Your tax return {year} (確定申告)",
    request: "We are preparing your tax return for {year}. Please send the statements of your design fees and the rent of \
              the studio in Osaka.",
    answer: "",
    thanks: "Thank you, everything has arrived. I will send the draft next week.",
    attachment: Some(("確定申告-{year}.pdf", 10_900)),
    result: None,
}];

/// What staff write among themselves: never on any client's tab.
pub(crate) const INTERNAL: &[(&str, &str)] = &[
    ("Lunch on Friday?", "Shall we try the new place by the station? I can book for one o'clock."),
    (
        "Holiday cover in August",
        "I am away from the 4th to the 15th. Could one of you watch my VAT deadlines?",
    ),
    (
        "Printer on the second floor",
        "It is jammed again. The engineer comes on Monday; please use the one downstairs.",
    ),
    (
        "Team meeting notes",
        "Notes from today: fees for the new year, training plan, and who looks after the plants.",
    ),
    (
        "Marlow Bakery: fee increase",
        "Between us: I would put their fee up by five per cent from April. What do you think?",
    ),
];

/// What arrives without being asked for.
pub(crate) const NEWSLETTERS: &[(&str, &str, &str)] = &[
    ("Tax Weekly", "news@taxweekly.example", "Five changes to know before the new tax year"),
    ("Ledger Cloud", "hello@ledgercloud.example", "Your monthly product update"),
    ("Office Supplies Direct", "offers@officesupplies.example", "Paper: buy three boxes, pay for two"),
    ("Chamber of Commerce", "events@chamber.example", "Invitation: breakfast for local businesses"),
];
