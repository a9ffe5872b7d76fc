//! API keys of shops, the tokens minted with them, and buyers' visits.

use jiff::Timestamp;
use protocol::call::BuyerContext;
use protocol::ids::BuyerSessionId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::entities::{api_key, buyer_session, used_token};
use super::{Result, Store, StoreError, convert};
use crate::auth::secret;

/// A new key of a shop.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Public name, the `kid` of tokens.
    pub id: String,
    /// Shop id, the `iss` of tokens.
    pub shop: String,
    /// Shop's name for people.
    pub shop_name: String,
    /// Who answers, e.g. "Lumen & Co. support".
    pub answered_by: String,
    /// The HMAC secret.
    pub secret: Vec<u8>,
}

/// A key that is good for checking tokens.
#[derive(Clone)]
pub struct ApiKey {
    /// Public name.
    pub id: String,
    /// Shop id.
    pub shop: String,
    /// Who answers.
    pub answered_by: String,
    /// The HMAC secret.
    pub secret: Vec<u8>,
}

/// A visit to remember.
#[derive(Clone, Debug)]
pub struct NewBuyerVisit {
    /// Its id.
    pub id: BuyerSessionId,
    /// The token that the widget gets; only its hash is kept.
    pub token: String,
    /// Shop id.
    pub shop: String,
    /// Who answers.
    pub answered_by: String,
    /// Language of the widget.
    pub language: String,
    /// What the shop signed.
    pub context: BuyerContext,
    /// The token is refused from then on.
    pub expires_at: Timestamp,
}

/// A visit that is still good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuyerSessionRecord {
    /// Its id.
    pub id: BuyerSessionId,
    /// What the shop signed.
    pub context: BuyerContext,
    /// Shop id.
    pub shop: String,
    /// Who answers.
    pub answered_by: String,
    /// Language of the widget, BCP 47.
    pub language: String,
    /// The token is refused from then on.
    pub expires_at: Timestamp,
}

impl Store {
    /// Adds a key, or gives the key of that id a new shop and secret.
    pub async fn put_api_key(&self, key: NewApiKey) -> Result<()> {
        let sealed = self.master.seal(key.id.as_bytes(), &key.secret);
        let row = api_key::ActiveModel {
            id: Set(key.id),
            shop: Set(key.shop),
            shop_name: Set(key.shop_name),
            answered_by: Set(key.answered_by),
            secret: Set(sealed),
            created_at: Set(convert::micros(self.now())),
            revoked_at: Set(None),
        };
        let replaced = [
            api_key::Column::Shop,
            api_key::Column::ShopName,
            api_key::Column::AnsweredBy,
            api_key::Column::Secret,
            api_key::Column::RevokedAt,
        ];
        api_key::Entity::insert(row)
            .on_conflict(OnConflict::column(api_key::Column::Id).update_columns(replaced).to_owned())
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// The key that a token names, unless it was revoked.
    pub async fn api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        let found = api_key::Entity::find_by_id(id.to_owned())
            .filter(api_key::Column::RevokedAt.is_null())
            .one(&self.db)
            .await?;
        found
            .map(|row| {
                let secret = self
                    .master
                    .open(row.id.as_bytes(), &row.secret)
                    .ok_or_else(|| StoreError::WrongMasterKey(row.id.clone()))?;
                Ok(ApiKey { id: row.id, shop: row.shop, answered_by: row.answered_by, secret })
            })
            .transpose()
    }

    /// Marks a token as used. False when it was used before.
    pub async fn use_token(&self, api_key: &str, jti: &str, expires_at: Timestamp) -> Result<bool> {
        let row = used_token::ActiveModel {
            api_key: Set(api_key.to_owned()),
            jti: Set(jti.to_owned()),
            expires_at: Set(convert::micros(expires_at)),
        };
        // The primary key decides: of two requests with one token at the same moment, one inserts.
        let inserted = used_token::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([used_token::Column::ApiKey, used_token::Column::Jti])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&self.db)
            .await;
        match inserted {
            Ok(rows) => Ok(rows > 0),
            Err(DbErr::RecordNotInserted) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Remembers a visit.
    pub async fn insert_buyer_session(&self, visit: NewBuyerVisit) -> Result<()> {
        let row = buyer_session::ActiveModel {
            id: Set(visit.id.0),
            token_hash: Set(secret::hash(&visit.token)),
            shop: Set(visit.shop),
            answered_by: Set(visit.answered_by),
            language: Set(visit.language),
            context: Set(convert::json("buyer_sessions.context", &visit.context)?),
            created_at: Set(convert::micros(self.now())),
            expires_at: Set(convert::micros(visit.expires_at)),
        };
        buyer_session::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// The visit that a session token opens; none when the token is wrong or has expired.
    pub async fn buyer_session_by_token(&self, token: &str) -> Result<Option<BuyerSessionRecord>> {
        let found = buyer_session::Entity::find()
            .filter(buyer_session::Column::TokenHash.eq(secret::hash(token)))
            .filter(buyer_session::Column::ExpiresAt.gt(convert::micros(self.now())))
            .one(&self.db)
            .await?;
        found
            .map(|row| {
                Ok(BuyerSessionRecord {
                    id: BuyerSessionId(row.id),
                    context: convert::from_json("buyer_sessions.context", &row.context)?,
                    shop: row.shop,
                    answered_by: row.answered_by,
                    language: row.language,
                    expires_at: convert::time("buyer_sessions.expires_at", row.expires_at)?,
                })
            })
            .transpose()
    }
}
