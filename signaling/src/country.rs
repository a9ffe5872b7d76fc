//! Countries by their ISO 3166-1 alpha-2 codes: what a shop may sign and a setting may name.

/// Every code that is assigned, in order. `GB` is the United Kingdom; `UK` is only reserved.
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS \
    IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN \
    MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN \
    TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Whether a code is assigned to a country.
pub fn is_known(code: &str) -> bool {
    CODES.split_ascii_whitespace().any(|known| known == code)
}

/// What to write instead of something that is not a country's code.
pub fn advice(code: &str) -> String {
    match code {
        "UK" => "\"UK\" is no country of ISO 3166-1: write \"GB\"".to_owned(),
        "EL" => "\"EL\" is no country of ISO 3166-1: write \"GR\"".to_owned(),
        "EU" => "\"EU\" is no country of ISO 3166-1: list its countries".to_owned(),
        _ => format!("{code:?} is no country of ISO 3166-1: two capital letters, as in \"AT\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_249_countries_each_once_and_in_order() {
        let codes: Vec<&str> = CODES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(codes.iter().all(|code| code.len() == 2));
    }

    #[test]
    fn what_people_write_by_mistake_is_set_right() {
        assert!(is_known("GB") && !is_known("UK") && !is_known("at") && !is_known(""));
        assert!(advice("UK").contains("\"GB\"") && advice("Austria").contains("two capital letters"));
    }
}
