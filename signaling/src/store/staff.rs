//! Members of staff and their logins.

use jiff::Timestamp;
use protocol::call::Role;
use protocol::ids::UserId;
use protocol::rest::Me;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, SqlErr};

use super::entities::{staff_session, user};
use super::{Result, Store, StoreError, convert, rights};
use crate::auth::{self, secret};

/// A new member of staff.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Address, stored in lower case.
    pub email: String,
    /// Name shown to buyers and colleagues.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// PHC string of [`crate::auth::password::hash`].
    pub password_hash: String,
}

/// Why a member of staff could not be added.
#[derive(Debug, thiserror::Error)]
pub enum NewUserError {
    /// The address has an account already.
    #[error("{0} has an account already")]
    EmailTaken(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a login needs to know.
#[derive(Clone, Debug)]
pub struct LoginRecord {
    /// Who it would be.
    pub me: Me,
    /// PHC string.
    pub password_hash: String,
}

impl Store {
    /// Adds a member of staff.
    pub async fn add_user(&self, new: NewUser) -> Result<UserId, NewUserError> {
        let id = UserId::new();
        let email = new.email.to_lowercase();
        let row = user::ActiveModel {
            id: Set(id.0),
            email: Set(email.clone()),
            name: Set(new.name),
            role: Set(convert::name(&new.role)),
            country: Set(None),
            password_hash: Set(new.password_hash),
            created_at: Set(convert::micros(self.now())),
            disabled_at: Set(None),
            rights: Set(None),
        };
        match user::Entity::insert(row).exec_without_returning(&self.db).await {
            Ok(_) => Ok(id),
            Err(error) => match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => Err(NewUserError::EmailTaken(email)),
                _ => Err(StoreError::from(error).into()),
            },
        }
    }

    /// The account of an address, unless there is none or it is disabled.
    pub async fn login_record(&self, email: &str) -> Result<Option<LoginRecord>> {
        let found = user::Entity::find()
            .filter(user::Column::Email.eq(email.to_lowercase()))
            .filter(user::Column::DisabledAt.is_null())
            .one(&self.db)
            .await?;
        found
            .map(|row| {
                let password_hash = row.password_hash.clone();
                Ok(LoginRecord { me: me(row)?, password_hash })
            })
            .transpose()
    }

    /// Whether anybody has an account.
    pub async fn has_users(&self) -> Result<bool> {
        Ok(user::Entity::find().one(&self.db).await?.is_some())
    }

    /// Gives the account of an address a new password. False when there is no such account.
    pub async fn set_password(&self, email: &str, password_hash: String) -> Result<bool> {
        let changed = user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, password_hash.into())
            .filter(user::Column::Email.eq(email.to_lowercase()))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Says where somebody works, ISO 3166-1 alpha-2. False when there is no such account.
    pub async fn set_country(&self, email: &str, country: &str) -> Result<bool> {
        let changed = user::Entity::update_many()
            .col_expr(user::Column::Country, Some(country.to_owned()).into())
            .filter(user::Column::Email.eq(email.to_lowercase()))
            .exec(&self.db)
            .await?;
        Ok(changed.rows_affected > 0)
    }

    /// Opens a login; `token` goes into the cookie, only its hash is kept.
    pub async fn open_staff_session(&self, token: &str, who: UserId, expires_at: Timestamp) -> Result<()> {
        let row = staff_session::ActiveModel {
            token_hash: Set(secret::hash(token)),
            user: Set(who.0),
            created_at: Set(convert::micros(self.now())),
            expires_at: Set(convert::micros(expires_at)),
        };
        staff_session::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// Who a cookie belongs to; none when it is wrong, expired, logged out or the account is disabled.
    pub async fn staff_by_session(&self, token: &str) -> Result<Option<Me>> {
        let Some(session) = staff_session::Entity::find_by_id(secret::hash(token))
            .filter(staff_session::Column::ExpiresAt.gt(convert::micros(self.now())))
            .one(&self.db)
            .await?
        else {
            return Ok(None);
        };
        let found = user::Entity::find_by_id(session.user)
            .filter(user::Column::DisabledAt.is_null())
            .one(&self.db)
            .await?;
        found.map(me).transpose()
    }

    /// Ends a login. A token that is not good any more is fine.
    pub async fn close_staff_session(&self, token: &str) -> Result<()> {
        staff_session::Entity::delete_by_id(secret::hash(token)).exec(&self.db).await?;
        Ok(())
    }
}

fn me(row: user::Model) -> Result<Me> {
    let changes = rights::changes(&row)?;
    let role = convert::named("users.role", &row.role)?;
    Ok(Me {
        id: UserId(row.id),
        email: row.email,
        name: row.name,
        country: row.country,
        role,
        rights: auth::rights(role, &changes),
        queues: changes.queues,
    })
}
