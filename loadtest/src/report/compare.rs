//! `loadtest compare A B`: two reports side by side.

use serde_json::Value;

use super::Report;
use super::svg::number;

/// A figure of both.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Its key, with dots.
    pub key: String,
    /// In the first report.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
}

/// Keys that are no figures of a run: what was asked for, and what plots are made of.
const LEFT_OUT: [&str; 7] =
    ["version", "seed", "timeline", "distributions", "machine", "network", "measured_s"];

/// Every figure of both, in order of the keys.
pub fn rows(a: &Report, b: &Report) -> Vec<Row> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    flatten("", &serde_json::to_value(a).unwrap_or_default(), &mut left);
    flatten("", &serde_json::to_value(b).unwrap_or_default(), &mut right);
    let find =
        |all: &[(String, f64)], key: &str| all.iter().find(|(it, _)| it == key).map(|(_, value)| *value);
    let mut keys: Vec<&String> = left.iter().chain(&right).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter().map(|key| Row { key: key.clone(), a: find(&left, key), b: find(&right, key) }).collect()
}

fn flatten(path: &str, value: &Value, out: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => out.extend(number.as_f64().map(|it| (path.to_owned(), it))),
        Value::Object(fields) => {
            for (key, value) in fields {
                if !path.is_empty() || !LEFT_OUT.contains(&key.as_str()) {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    flatten(&path, value, out);
                }
            }
        }
        _ => {}
    }
}

/// The table as text.
pub fn table(names: (&str, &str), a: &Report, b: &Report) -> String {
    let mut out = format!("{:<44} {:>16} {:>16} {:>10}\n", "", names.0, names.1, "change");
    for (key, a, b) in [
        ("shape", a.shape.clone(), b.shape.clone()),
        ("trace", a.trace.clone().unwrap_or_default(), b.trace.clone().unwrap_or_default()),
    ] {
        out += &format!("{key:<44} {a:>16} {b:>16}\n");
    }
    for Row { key, a, b } in rows(a, b) {
        let cell = |value: Option<f64>| value.map_or("–".to_owned(), number);
        let change = match (a, b) {
            (Some(a), Some(b)) if a != 0.0 && a != b => format!("{:+.0} %", (b / a - 1.0) * 100.0),
            _ => String::new(),
        };
        out += &format!("{key:<44} {:>16} {:>16} {change:>10}\n", cell(a), cell(b));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_both_stand_side_by_side_with_the_change() {
        let mut a = Report { rooms: 10, freeze_ratio: 0.5, ..Report::default() };
        a.added_delay_ms.p50 = Some(2.0);
        let b = Report { rooms: 20, freeze_ratio: 0.5, ..Report::default() };
        let rows = rows(&a, &b);
        let row = |key: &str| rows.iter().find(|it| it.key == key).map(|it| (it.a, it.b));
        assert_eq!(row("rooms"), Some((Some(10.0), Some(20.0))));
        assert_eq!(row("added_delay_ms.p50"), Some((Some(2.0), None)));
        assert_eq!(row("seed"), None, "what was asked for is no figure");
        let table = table(("before", "after"), &a, &b);
        let line = table.lines().find(|line| line.starts_with("rooms ")).expect("a line");
        assert!(line.ends_with("+100 %"), "{line}");
    }
}
