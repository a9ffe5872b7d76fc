//! Ratings: one a call, given by its buyer.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use protocol::ids::{BuyerSessionId, CallId};
use protocol::rating::{COMMENT_MAX, NewRating, Rating, RatingKept, Stars};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entities::{call, rating};
use super::{Result, Store, StoreError, convert};

/// How long a rating can be changed after it was first given: long enough to find the words, short enough that nobody
/// works with a figure that moves later.
const CHANGEABLE: SignedDuration = SignedDuration::from_mins(15);

/// Why a call was not rated.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    /// No call of this visit that somebody accepted.
    #[error("the visit has no such call, or nobody answered it")]
    NoCall,
    /// It was rated too long ago.
    #[error("the rating could be changed until {0}")]
    Closed(Timestamp),
    /// The comment is too long.
    #[error("the comment has {0} characters, at most {COMMENT_MAX} are kept")]
    CommentTooLong(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The buyer of a visit rates a call of theirs, or changes their mind about it.
    pub async fn rate(
        &self,
        call: CallId,
        by: BuyerSessionId,
        new: NewRating,
    ) -> Result<RatingKept, RateError> {
        let comment = new.comment.as_deref().unwrap_or_default().trim().to_owned();
        let characters = comment.chars().count();
        if characters > COMMENT_MAX {
            return Err(RateError::CommentTooLong(characters));
        }
        let theirs = call::Entity::find_by_id(call.0)
            .filter(call::Column::Session.eq(by.0))
            .filter(call::Column::AcceptedAt.is_not_null())
            .one(&self.db)
            .await
            .map_err(StoreError::from)?;
        if theirs.is_none() {
            return Err(RateError::NoCall);
        }
        let given_at = self.write_rating(call, new.stars, &comment).await?;
        let now = self.now();
        let changeable_until = given_at.saturating_add(CHANGEABLE).unwrap_or(Timestamp::MAX);
        if now > changeable_until {
            return Err(RateError::Closed(changeable_until));
        }
        let rating =
            Rating { stars: new.stars, comment: Some(comment).filter(|text| !text.is_empty()), at: now };
        Ok(RatingKept { rating, changeable_until })
    }

    /// Inserts, or changes while that is allowed; answers when the rating was first given.
    async fn write_rating(&self, call: CallId, stars: Stars, comment: &str) -> Result<Timestamp> {
        let now = self.now();
        let row = rating::ActiveModel {
            call: Set(call.0),
            stars: Set(u8::from(stars).into()),
            comment: Set(comment.to_owned()),
            given_at: Set(convert::micros(now)),
            changed_at: Set(convert::micros(now)),
        };
        // The primary key decides: of two first ratings at the same moment, one inserts and the other changes it.
        let inserted = rating::Entity::insert(row)
            .on_conflict(OnConflict::column(rating::Column::Call).do_nothing().to_owned())
            .exec_without_returning(&self.db)
            .await;
        match inserted {
            Ok(rows) if rows > 0 => return Ok(now),
            Ok(_) | Err(DbErr::RecordNotInserted) => {}
            Err(error) => return Err(error.into()),
        }
        let since = now.saturating_sub(CHANGEABLE).unwrap_or(Timestamp::MIN);
        rating::Entity::update_many()
            .col_expr(rating::Column::Stars, Expr::value(i32::from(u8::from(stars))))
            .col_expr(rating::Column::Comment, Expr::value(comment))
            .col_expr(rating::Column::ChangedAt, Expr::value(convert::micros(now)))
            .filter(rating::Column::Call.eq(call.0))
            .filter(rating::Column::GivenAt.gte(convert::micros(since)))
            .exec(&self.db)
            .await?;
        let row = rating::Entity::find_by_id(call.0).one(&self.db).await?;
        let row = row.ok_or_else(|| StoreError::Missing { what: "rating", id: call.to_string() })?;
        convert::time("ratings.given_at", row.given_at)
    }

    /// The ratings of some calls.
    pub(super) async fn ratings_of(
        &self,
        calls: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, Rating>> {
        rating::Entity::find()
            .filter(rating::Column::Call.is_in(calls))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| {
                let stars = u8::try_from(row.stars).ok().and_then(|stars| Stars::try_from(stars).ok());
                let rating = Rating {
                    stars: stars.ok_or_else(|| convert::unreadable("ratings.stars", row.stars))?,
                    comment: Some(row.comment).filter(|text| !text.is_empty()),
                    at: convert::time("ratings.changed_at", row.changed_at)?,
                };
                Ok((row.call, rating))
            })
            .collect()
    }
}
