//! Reading `/metrics`, the text format of Prometheus.

use std::collections::BTreeMap;

/// Every sample by name and labels as written, e.g. `vitrine_calls{state="connected"}`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metrics {
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the text; lines that are none are left out.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self { samples: samples.collect() }
    }

    /// The sum of a family over all its labels; 0 where there is none.
    pub fn sum(&self, family: &str) -> f64 {
        self.of(family).map(|(_, value)| value).sum()
    }

    /// The samples of a family: labels as written, with braces, and values.
    pub fn of<'a>(&'a self, family: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        let from = self.samples.range(family.to_owned()..);
        from.take_while(move |(name, _)| name.starts_with(family)).filter_map(move |(name, value)| {
            let labels = &name[family.len()..];
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_summed_over_their_labels_and_not_over_longer_names() {
        let metrics = Metrics::parse(
            "# HELP a b\na_total 3\na_total{worker=\"0\"} 4\na_total_more 100\nb{x=\"y z\"} 1e3\nbroken\n",
        );
        assert_eq!(metrics.sum("a_total"), 7.0);
        assert_eq!(metrics.of("b").collect::<Vec<_>>(), [("{x=\"y z\"}", 1000.0)]);
        assert_eq!(metrics.sum("nothing"), 0.0);
    }
}
