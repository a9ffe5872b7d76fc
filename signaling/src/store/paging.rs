//! Pages of lists, newest first. Ids are UUIDv7, so "before this id" is "asked for earlier".

use uuid::Uuid;

/// Most rows on one page.
const LIMIT_MAX: u32 = 200;

/// Which part of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paging {
    limit: u32,
    before: Option<Uuid>,
}

/// `before` is not a `next` of an earlier page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the `next` of an earlier page")]
pub struct BadCursor;

impl Default for Paging {
    fn default() -> Self {
        Self { limit: 50, before: None }
    }
}

impl Paging {
    /// The part that a request asks for. A limit outside 1–200 is moved to the nearest allowed one.
    pub fn new(limit: Option<u32>, before: Option<&str>) -> Result<Self, BadCursor> {
        let before = before.map(|text| text.parse().map_err(|_| BadCursor)).transpose()?;
        Ok(Self { limit: limit.unwrap_or(50).clamp(1, LIMIT_MAX), before })
    }

    /// Rows before this one.
    pub(super) fn before(self) -> Option<Uuid> {
        self.before
    }

    /// One row more than the page shows, to learn whether there is another page.
    pub(super) fn fetch(self) -> u64 {
        u64::from(self.limit) + 1
    }

    /// Cuts the extra row off; the second value is the `next` of this page.
    pub(super) fn cut<T>(self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| id(row).to_string()) } else { None };
        (rows, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_next_one_only_when_there_is_one() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let paging = Paging::new(Some(2), None).unwrap();
        let (rows, next) = paging.cut(ids.clone(), |id| *id);
        assert_eq!((rows.len(), next), (2, Some(ids[1].to_string())));
        let (rows, next) = paging.cut(ids[..2].to_vec(), |id| *id);
        assert_eq!((rows.len(), next), (2, None));
    }

    #[test]
    fn a_limit_is_moved_into_its_range_and_a_strange_cursor_is_refused() {
        assert_eq!(Paging::new(Some(0), None).unwrap().fetch(), 2);
        assert_eq!(Paging::new(Some(u32::MAX), None).unwrap().fetch(), 201);
        assert_eq!(Paging::new(None, Some("yesterday")), Err(BadCursor));
    }
}
