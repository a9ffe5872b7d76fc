//! Between rows and the types of the protocol.

use jiff::Timestamp;
use sea_orm::sea_query::LikeExpr;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Result, StoreError};

/// A time as stored.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored time.
pub(super) fn time(what: &'static str, micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| unreadable(what, error))
}

/// A stored time that may be missing.
pub(super) fn time_opt(what: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(|micros| time(what, micros)).transpose()
}

/// An enumeration as stored: its name in the wire protocol.
pub(super) fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        // Only unit variants are given to this function, and those are strings.
        other => unreachable!("not a plain enumeration: {other:?}"),
    }
}

/// A stored enumeration.
pub(super) fn named<T: DeserializeOwned>(what: &'static str, name: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|error| unreadable(what, error))
}

/// A structure as stored.
pub(super) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| unreadable(what, error))
}

/// A stored structure.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(what, error))
}

/// Complains about a column.
pub(super) fn unreadable(what: &'static str, why: impl ToString) -> StoreError {
    StoreError::Unreadable { what, why: why.to_string() }
}

/// The pattern of a `LIKE` that finds `needle` anywhere.
pub(super) fn contains(needle: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(needle))).escape('\\')
}

/// The pattern of a `LIKE` that finds `needle` at the start.
pub(super) fn starts_with(needle: &str) -> LikeExpr {
    LikeExpr::new(format!("{}%", escaped(needle))).escape('\\')
}

/// The pattern of a `LIKE` that finds `needle` anywhere behind the first blank.
pub(super) fn contains_after_blank(needle: &str) -> LikeExpr {
    LikeExpr::new(format!("% %{}%", escaped(needle))).escape('\\')
}

fn escaped(needle: &str) -> String {
    needle.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
