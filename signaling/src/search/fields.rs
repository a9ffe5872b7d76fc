//! The fields of a query string, taken one by one; what is left over at the end is a mistake of the asker.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Longest value of a field, characters: nobody looks for more.
const VALUE_MAX: usize = 200;
/// Most values in a list.
const VALUES_MAX: usize = 50;

/// A field that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadFilter {
    /// Which.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub why: String,
}

impl BadFilter {
    pub(super) fn new(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.to_owned(), why: why.into() }
    }
}

/// What a query string says, by name. Empty values say nothing.
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(super) fn parse(query: &str) -> Result<Self, BadFilter> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if value.chars().count() > VALUE_MAX && !value.contains(',') {
                return Err(BadFilter::new(&name, format!("has more than {VALUE_MAX} characters")));
            }
            if fields.insert(name.clone().into_owned(), value.to_owned()).is_some() {
                return Err(BadFilter::new(&name, "is there twice; separate several values with commas"));
            }
        }
        Ok(Self(fields))
    }

    /// One value as it stands.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// One value of a type.
    pub(super) fn one<T: FromStr>(&mut self, name: &str, must_be: &str) -> Result<Option<T>, BadFilter> {
        self.read(name, must_be, |text| text.parse().ok())
    }

    /// One value that `read` understands.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        must_be: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, BadFilter> {
        let Some(text) = self.0.remove(name) else { return Ok(None) };
        match read(&text) {
            Some(value) => Ok(Some(value)),
            None => Err(BadFilter::new(name, format!("must be {must_be}, not {text:?}"))),
        }
    }

    /// Values between commas, each of which `read` understands; no value twice.
    pub(super) fn list<T: PartialEq>(
        &mut self,
        name: &str,
        must_be: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, BadFilter> {
        let Some(text) = self.0.remove(name) else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let value = (part.chars().count() <= VALUE_MAX).then(|| read(part)).flatten();
            let value = value
                .ok_or_else(|| BadFilter::new(name, format!("must be {must_be}, not {:?}", clipped(part))))?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if values.len() > VALUES_MAX {
            return Err(BadFilter::new(name, format!("has more than {VALUES_MAX} values")));
        }
        Ok(values)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), BadFilter> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(BadFilter::new(&clipped(&name), "there is no such filter")),
        }
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(60).collect()
}
