//! How the connections of a call were.

use protocol::ids::CallId;
use protocol::rest::{QualityPoint, QualityTimeline};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entities::quality_chunk;
use super::{Result, Store, convert, convert::unreadable};

impl Store {
    /// Keeps a stretch of a call's timeline, numbered in each call. `last`: more is not kept of this call.
    pub async fn add_quality(
        &self,
        call: CallId,
        number: u32,
        points: &[QualityPoint],
        last: bool,
    ) -> Result<()> {
        let number = i32::try_from(number).map_err(|error| unreadable("quality_chunks.number", error))?;
        let row = quality_chunk::ActiveModel {
            call: Set(call.0),
            number: Set(number),
            points: Set(convert::json("quality_chunks.points", &points)?),
            last: Set(last),
        };
        quality_chunk::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }

    /// The timeline of a call; empty when nothing was measured.
    pub async fn quality_of(&self, call: CallId) -> Result<QualityTimeline> {
        let rows = quality_chunk::Entity::find()
            .filter(quality_chunk::Column::Call.eq(call.0))
            .order_by_asc(quality_chunk::Column::Number)
            .all(&self.db)
            .await?;
        let mut timeline = QualityTimeline::default();
        for row in rows {
            let points: Vec<QualityPoint> = convert::from_json("quality_chunks.points", &row.points)?;
            timeline.points.extend(points);
            timeline.truncated |= row.last;
        }
        Ok(timeline)
    }
}
