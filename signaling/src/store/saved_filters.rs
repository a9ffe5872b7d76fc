//! Searches that people keep.

use jiff::SignedDuration;
use protocol::ids::{SavedFilterId, UserId};
use protocol::saved_filters::{NewSavedFilter, SavedFilter};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use super::entities::{default_filter, saved_filter, user};
use super::{Result, Store, StoreError, convert};

/// Most filters of one person.
pub const FILTERS_MAX: u64 = 100;
/// How long something that was deleted can be brought back.
pub(super) const UNDO: SignedDuration = SignedDuration::from_hours(24);

/// Why a filter was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SaveFilterError {
    /// They have enough.
    #[error("you have {FILTERS_MAX} filters already; delete some first")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// One's own filters and those that others share, by name.
    pub async fn saved_filters(&self, of: UserId) -> Result<Vec<SavedFilter>> {
        let visible = Condition::any()
            .add(saved_filter::Column::Owner.eq(of.0))
            .add(saved_filter::Column::Shared.eq(true));
        self.saved_filters_where(visible, of).await
    }

    /// One filter that somebody may see.
    pub async fn saved_filter(&self, id: SavedFilterId, of: UserId) -> Result<Option<SavedFilter>> {
        let visible = Condition::any()
            .add(saved_filter::Column::Owner.eq(of.0))
            .add(saved_filter::Column::Shared.eq(true));
        let one = Condition::all().add(saved_filter::Column::Id.eq(id.0)).add(visible);
        Ok(self.saved_filters_where(one, of).await?.pop())
    }

    async fn saved_filters_where(&self, condition: Condition, of: UserId) -> Result<Vec<SavedFilter>> {
        let rows = saved_filter::Entity::find()
            .filter(condition)
            .filter(saved_filter::Column::DeletedAt.is_null())
            .all(&self.db)
            .await?;
        let owners = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().map(|row| row.owner)))
            .all(&self.db)
            .await?;
        let default = default_filter::Entity::find_by_id(of.0).one(&self.db).await?.map(|row| row.filter);
        let mut filters: Vec<SavedFilter> = rows
            .into_iter()
            .map(|row| SavedFilter {
                mine: row.owner == of.0,
                owner: owners
                    .iter()
                    .find(|user| user.id == row.owner)
                    .map_or_else(String::new, |user| user.name.clone()),
                is_default: default == Some(row.id),
                id: SavedFilterId(row.id),
                name: row.name,
                query: row.query,
                shared: row.shared,
            })
            .collect();
        filters.sort_by_cached_key(|filter| (filter.name.to_lowercase(), filter.id));
        Ok(filters)
    }

    /// Keeps a filter.
    pub async fn add_saved_filter(
        &self,
        new: NewSavedFilter,
        owner: UserId,
    ) -> Result<SavedFilterId, SaveFilterError> {
        let have = saved_filter::Entity::find()
            .filter(saved_filter::Column::Owner.eq(owner.0))
            .filter(saved_filter::Column::DeletedAt.is_null())
            .count(&self.db)
            .await
            .map_err(StoreError::from)?;
        if have >= FILTERS_MAX {
            return Err(SaveFilterError::TooMany);
        }
        let id = SavedFilterId::new();
        let row = saved_filter::ActiveModel {
            id: Set(id.0),
            owner: Set(owner.0),
            name: Set(new.name),
            query: Set(new.query),
            shared: Set(new.shared),
            created_at: Set(convert::micros(self.now())),
            deleted_at: Set(None),
        };
        saved_filter::Entity::insert(row).exec_without_returning(&self.db).await.map_err(StoreError::from)?;
        Ok(id)
    }

    /// Changes a filter of one's own; false when there is none.
    pub async fn change_saved_filter(
        &self,
        id: SavedFilterId,
        new: NewSavedFilter,
        owner: UserId,
    ) -> Result<bool> {
        let changed = saved_filter::Entity::update_many()
            .col_expr(saved_filter::Column::Name, Expr::value(new.name))
            .col_expr(saved_filter::Column::Query, Expr::value(new.query))
            .col_expr(saved_filter::Column::Shared, Expr::value(new.shared))
            .filter(saved_filter::Column::Id.eq(id.0))
            .filter(saved_filter::Column::Owner.eq(owner.0))
            .filter(saved_filter::Column::DeletedAt.is_null())
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Deletes a filter of one's own, or brings it back; false when there is none.
    pub async fn delete_saved_filter(&self, id: SavedFilterId, owner: UserId, delete: bool) -> Result<bool> {
        let now = self.now();
        let since = now.saturating_sub(UNDO).unwrap_or(jiff::Timestamp::MIN);
        let state = if delete {
            saved_filter::Column::DeletedAt.is_null()
        } else {
            saved_filter::Column::DeletedAt.gte(convert::micros(since))
        };
        let changed = saved_filter::Entity::update_many()
            .col_expr(saved_filter::Column::DeletedAt, Expr::value(delete.then(|| convert::micros(now))))
            .filter(saved_filter::Column::Id.eq(id.0))
            .filter(saved_filter::Column::Owner.eq(owner.0))
            .filter(state)
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// What somebody's list begins with from now on.
    pub async fn set_default_filter(&self, id: SavedFilterId, of: UserId) -> Result<()> {
        let row = default_filter::ActiveModel { user: Set(of.0), filter: Set(id.0) };
        default_filter::Entity::insert(row)
            .on_conflict(
                OnConflict::column(default_filter::Column::User)
                    .update_column(default_filter::Column::Filter)
                    .to_owned(),
            )
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// Somebody's list begins with everything again, if it began with this filter.
    pub async fn clear_default_filter(&self, id: SavedFilterId, of: UserId) -> Result<()> {
        default_filter::Entity::delete_many()
            .filter(default_filter::Column::User.eq(of.0))
            .filter(default_filter::Column::Filter.eq(id.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
