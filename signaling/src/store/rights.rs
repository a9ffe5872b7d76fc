//! What members of staff may do beyond, or despite, their role.

use protocol::audit::AuditEvent;
use protocol::ids::UserId;
use protocol::rights::{RightsChanges, UserRights};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TransactionTrait};
use serde_json::json;

use super::entities::user;
use super::{Result, Store, audit, convert};
use crate::audit::{Actor, Note};
use crate::auth;

impl Store {
    /// Every account that can log in, by name.
    pub async fn users(&self) -> Result<Vec<UserRights>> {
        let rows = user::Entity::find()
            .filter(user::Column::DisabledAt.is_null())
            .order_by_asc(user::Column::Name)
            .order_by_asc(user::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(user_rights).collect()
    }

    /// One account that can log in.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRights>> {
        let row =
            user::Entity::find_by_id(id.0).filter(user::Column::DisabledAt.is_null()).one(&self.db).await?;
        row.map(user_rights).transpose()
    }

    /// The account of an address.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRights>> {
        let row = user::Entity::find()
            .filter(user::Column::Email.eq(email.to_lowercase()))
            .filter(user::Column::DisabledAt.is_null())
            .one(&self.db)
            .await?;
        row.map(user_rights).transpose()
    }

    /// Says how somebody's rights differ from their role's from now on; none when there is no such account. Logins that
    /// are open feel it at their next request.
    pub async fn set_rights(
        &self,
        id: UserId,
        changes: &RightsChanges,
        by: Actor,
    ) -> Result<Option<UserRights>> {
        let column = match changes {
            none if *none == RightsChanges::default() => None,
            some => Some(convert::json("users.rights", some)?),
        };
        let note = Note::new(by, AuditEvent::RightsChanged).user(id).detail(json!(changes));
        let transaction = self.audit_db.begin().await?;
        let changed = user::Entity::update_many()
            .col_expr(user::Column::Rights, Expr::value(column))
            .filter(user::Column::Id.eq(id.0))
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            audit::append(&transaction, self.now(), note).await?;
        }
        transaction.commit().await?;
        self.user(id).await
    }
}

/// What differs from the role.
pub(super) fn changes(row: &user::Model) -> Result<RightsChanges> {
    row.rights
        .as_deref()
        .map_or_else(|| Ok(RightsChanges::default()), |text| convert::from_json("users.rights", text))
}

fn user_rights(row: user::Model) -> Result<UserRights> {
    let changes = changes(&row)?;
    let role = convert::named("users.role", &row.role)?;
    Ok(UserRights {
        id: UserId(row.id),
        email: row.email,
        name: row.name,
        role,
        rights: auth::rights(role, &changes),
        changes,
    })
}
