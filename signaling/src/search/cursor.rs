//! Orders of a list, and where a page of it ends.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::store::BadCursor;

/// In which order recordings are listed. What is equal goes newest first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Sort {
    /// Begun last, first.
    #[default]
    Newest,
    /// Begun first, first.
    Oldest,
    /// Longest first.
    Longest,
    /// Shortest first.
    Shortest,
    /// Fewest stars first; calls without a rating come last.
    LowestCsat,
    /// Lowest score first; calls without one that the asker may see come last.
    LowestScore,
}

impl Sort {
    /// Every order and its name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Newest, "newest"),
        (Self::Oldest, "oldest"),
        (Self::Longest, "longest"),
        (Self::Shortest, "shortest"),
        (Self::LowestCsat, "lowest_csat"),
        (Self::LowestScore, "lowest_score"),
    ];

    /// The order of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(sort, _)| *sort)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(sort, _)| *sort == self).map_or("", |(_, name)| name)
    }
}

/// The last row of a page: what the list is ordered by, and which row. The next page begins behind it, however many rows
/// have come or gone meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The order it belongs to.
    pub sort: Sort,
    /// What the row is ordered by: microseconds, milliseconds, stars or hundredths of a percent.
    pub key: i64,
    /// The row.
    pub id: Uuid,
}

impl Cursor {
    /// The `next` of an earlier page in the same order.
    pub fn parse(text: &str, sort: Sort) -> Result<Self, BadCursor> {
        let cursor: Self = text.parse()?;
        if cursor.sort == sort { Ok(cursor) } else { Err(BadCursor) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.sort.name(), self.key, self.id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = text.split('.');
        let (Some(sort), Some(key), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadCursor);
        };
        Ok(Self {
            sort: Sort::named(sort).ok_or(BadCursor)?,
            key: key.parse().map_err(|_| BadCursor)?,
            id: id.parse().map_err(|_| BadCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written_and_belongs_to_its_order() {
        for (sort, _) in Sort::ALL {
            let cursor = Cursor { sort, key: -3, id: Uuid::now_v7() };
            assert_eq!(Cursor::parse(&cursor.to_string(), sort), Ok(cursor));
        }
        let newest = Cursor { sort: Sort::Newest, key: 1, id: Uuid::nil() }.to_string();
        assert_eq!(Cursor::parse(&newest, Sort::Longest), Err(BadCursor));
        for text in ["", "newest", "newest.1", "newest.x.00000000-0000-0000-0000-000000000000", "a.b.c.d"] {
            assert_eq!(Cursor::parse(text, Sort::Newest), Err(BadCursor), "{text:?}");
        }
    }
}
