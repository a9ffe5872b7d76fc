//! Lines of chat, kept with the call.

use protocol::call::ChatLine;
use protocol::ids::{CallId, PartyId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::chat_line;
use super::{Result, Store, convert, convert::unreadable};

impl Store {
    /// Keeps a line. `name` is the writer's, as shown at the time.
    pub async fn add_chat(&self, call: CallId, from: PartyId, name: &str, line: &ChatLine) -> Result<()> {
        let row = chat_line::ActiveModel {
            call: Set(call.0),
            number: Set(i32::try_from(line.number).map_err(|error| unreadable("chat_lines.number", error))?),
            party: Set(from.0),
            name: Set(name.to_owned()),
            text: Set(line.text.clone()),
            at: Set(convert::micros(line.at)),
        };
        chat_line::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// Every line of a call with its writer's name, oldest first.
    pub async fn chat_of(&self, call: CallId) -> Result<Vec<(String, ChatLine)>> {
        chat_line::Entity::find()
            .filter(chat_line::Column::Call.eq(call.0))
            .order_by_asc(chat_line::Column::Number)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| {
                let line = ChatLine {
                    number: u32::try_from(row.number)
                        .map_err(|error| unreadable("chat_lines.number", error))?,
                    from: PartyId(row.party),
                    text: row.text,
                    at: convert::time("chat_lines.at", row.at)?,
                };
                Ok((row.name, line))
            })
            .collect()
    }
}
