//! Samples: draw them, deal them out, go through them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use protocol::ids::{RecordingId, SampleId};
use protocol::samples::{
    Amount, ITEMS_MAX, ItemChange, NewSample, Sample, SampleChange, SampleDraw, SampleItem, SamplePlace,
    SampleRule,
};

use super::extract::{Body, Id, Staff};
use super::recordings::{bad_filter, may_ask, scope};
use super::saved_filters::named;
use super::sight;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::search::{Search, Window};
use crate::store::{NewSampleRow, SampleError, Scope};

/// Most reviewers of one sample.
const REVIEWERS_MAX: usize = 50;

/// `GET /samples`
pub(super) async fn list(State(app): State<AppState>, staff: Staff) -> Result<Json<Vec<Sample>>, Refusal> {
    may(&staff)?;
    Ok(Json(app.store.samples(&seen(&staff)).await?))
}

/// `POST /samples/preview`
pub(super) async fn preview(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewSample>,
) -> Result<Json<SampleDraw>, Refusal> {
    may(&staff)?;
    let rule = checked(new.rule.ok_or_else(no_rule)?)?;
    let (search, window) = population(&app, &staff, &new)?;
    // Any seed draws as many.
    let seed = new.seed.unwrap_or_default();
    let scope = scope(&app, &staff).await?;
    let drawn = app.store.preview_sample(rule, seed, &search.filter, window, &scope).await;
    Ok(Json(drawn.map_err(refused)?))
}

/// `POST /samples`
pub(super) async fn add(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewSample>,
) -> Result<(StatusCode, Json<Sample>), Refusal> {
    may(&staff)?;
    let (search, window) = population(&app, &staff, &new)?;
    let row = NewSampleRow {
        name: named(&new.name)?,
        query: search.to_query(),
        rule: new.rule,
        seed: new.seed.unwrap_or_else(rand::random),
        reviewers: known(&app, new.reviewers).await?,
        by: staff.0.id,
    };
    let drawn = match new.rule {
        Some(rule) => {
            let scope = scope(&app, &staff).await?;
            app.store.draw_sample(row, checked(rule)?, &search.filter, window, &scope).await
        }
        None if new.recordings.is_empty() => return Err(no_rule()),
        None if new.recordings.len() > ITEMS_MAX => Err(SampleError::TooMany(new.recordings.len())),
        None => app.store.pick_sample(row, &new.recordings, &seen(&staff)).await,
    };
    let id = drawn.map_err(refused)?;
    let sample = found(&app, &staff, id).await?;
    tracing::info!(sample = %id, user = %staff.0.id, total = sample.total, "a sample was made");
    Ok((StatusCode::CREATED, Json(sample)))
}

/// `GET /samples/{id}`
pub(super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
) -> Result<Json<Sample>, Refusal> {
    may(&staff)?;
    Ok(Json(found(&app, &staff, id).await?))
}

/// `PUT /samples/{id}`
pub(super) async fn change(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
    Body(new): Body<SampleChange>,
) -> Result<Json<Sample>, Refusal> {
    may(&staff)?;
    changeable(&app, &staff, id).await?;
    let reviewers = known(&app, new.reviewers).await?;
    if !app.store.change_sample(id, named(&new.name)?, &reviewers).await? {
        return Err(gone());
    }
    Ok(Json(found(&app, &staff, id).await?))
}

/// `POST /samples/{id}/resample`
pub(super) async fn resample(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
) -> Result<Json<Sample>, Refusal> {
    may(&staff)?;
    changeable(&app, &staff, id).await?;
    let sample = found(&app, &staff, id).await?;
    let rule = sample.rule.ok_or_else(|| {
        problem::FIELD_INVALID.at("rule", "the recordings were picked by hand, so there is nothing to draw")
    })?;
    let search = Search::parse(&sample.query).map_err(|error| bad_filter("query", &error))?;
    may_ask(&staff, &search.filter)?;
    let window = search.filter.window(app.store.now(), &TimeZone::UTC);
    let scope = scope(&app, &staff).await?;
    let added = app.store.resample(id, rule, &search.filter, window, &scope).await.map_err(refused)?;
    tracing::info!(sample = %id, user = %staff.0.id, added, "a sample was drawn again");
    Ok(Json(found(&app, &staff, id).await?))
}

/// `DELETE /samples/{id}`
pub(super) async fn delete(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
) -> Result<StatusCode, Refusal> {
    may(&staff)?;
    changeable(&app, &staff, id).await?;
    if !app.store.delete_sample(id, true).await? {
        return Err(gone());
    }
    tracing::info!(sample = %id, user = %staff.0.id, "a sample was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /samples/{id}/restore`
pub(super) async fn restore(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
) -> Result<Json<Sample>, Refusal> {
    may(&staff)?;
    changeable(&app, &staff, id).await?;
    if !app.store.delete_sample(id, false).await? {
        return Err(gone());
    }
    Ok(Json(found(&app, &staff, id).await?))
}

/// `GET /samples/{id}/items`
pub(super) async fn items(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
) -> Result<Json<Vec<SampleItem>>, Refusal> {
    may(&staff)?;
    found(&app, &staff, id).await?;
    let mut items = app.store.sample_items(id, &seen(&staff)).await?.ok_or_else(gone)?;
    let recordings = items.iter().map(|item| item.recording.clone()).collect();
    let shown = sight::recordings(&app, &staff, recordings).await?;
    for (item, recording) in items.iter_mut().zip(shown) {
        item.recording = recording;
    }
    Ok(Json(items))
}

/// `GET /samples/{id}/items/{recording}`
pub(super) async fn place(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
    Path((_, recording)): Path<(String, String)>,
) -> Result<Json<SamplePlace>, Refusal> {
    may(&staff)?;
    Ok(Json(standing(&app, &staff, id, item(&recording)?).await?))
}

/// `PUT /samples/{id}/items/{recording}`
pub(super) async fn mark(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<SampleId>,
    Path((_, recording)): Path<(String, String)>,
    Body(change): Body<ItemChange>,
) -> Result<Json<SamplePlace>, Refusal> {
    may(&staff)?;
    let recording = item(&recording)?;
    // Nobody marks what they do not see.
    standing(&app, &staff, id, recording).await?;
    if !app.store.set_reviewed(id, recording, staff.0.id, change.reviewed).await? {
        return Err(not_in_it());
    }
    Ok(Json(standing(&app, &staff, id, recording).await?))
}

async fn standing(
    app: &AppState,
    staff: &Staff,
    id: SampleId,
    recording: RecordingId,
) -> Result<SamplePlace, Refusal> {
    app.store.sample_place(id, recording, &seen(staff)).await?.ok_or_else(not_in_it)
}

fn may(staff: &Staff) -> Result<(), Refusal> {
    staff.must(Action::SeeRecordings, "seeing recordings")
}

/// What somebody sees of the recordings in samples.
fn seen(staff: &Staff) -> Scope {
    Scope::of_recordings(&staff.0)
}

async fn found(app: &AppState, staff: &Staff, id: SampleId) -> Result<Sample, Refusal> {
    app.store.sample(id, &seen(staff)).await?.ok_or_else(gone)
}

/// Who is limited to some queues changes only what they made: other samples hold recordings that they do not see.
async fn changeable(app: &AppState, staff: &Staff, id: SampleId) -> Result<(), Refusal> {
    let maker = app.store.sample_maker(id).await?.ok_or_else(gone)?;
    if !seen(staff).is_limited() || maker == staff.0.id {
        return Ok(());
    }
    Err(problem::NOT_ALLOWED
        .with("you see calls of some queues only, so you can change only samples you made")
        .into())
}

/// Which calls a sample is drawn from, with its period fixed.
fn population(app: &AppState, staff: &Staff, new: &NewSample) -> Result<(Search, Window), Refusal> {
    let zone = match new.zone.as_deref() {
        None => TimeZone::UTC,
        Some(zone) => DateTimeParser::new().parse_time_zone(zone).map_err(|_| {
            problem::FIELD_INVALID.at("zone", "must be a time zone such as Europe/Vienna or +01:00")
        })?,
    };
    let mut search = Search::parse(&new.query).map_err(|error| bad_filter("query", &error))?;
    may_ask(staff, &search.filter)?;
    let now = app.store.now();
    search.filter = search.filter.pinned(now, &zone);
    let window = search.filter.window(now, &zone);
    Ok((search, window))
}

fn checked(rule: SampleRule) -> Result<SampleRule, Refusal> {
    let most = u16::try_from(ITEMS_MAX).unwrap_or(u16::MAX);
    let wrong = match rule.amount {
        Amount::Share { percent } if !(1..=100).contains(&percent) => {
            Some(("rule.amount.percent", "must be from 1 to 100".to_owned()))
        }
        Amount::Count { count } if !(1..=most).contains(&count) => {
            Some(("rule.amount.count", format!("must be from 1 to {most}")))
        }
        _ => None,
    };
    match wrong {
        Some((field, why)) => Err(problem::FIELD_INVALID.at(field, why).into()),
        None => Ok(rule),
    }
}

/// The people who were named, each once, all of whom can review.
async fn known(
    app: &AppState,
    named: Vec<protocol::ids::UserId>,
) -> Result<Vec<protocol::ids::UserId>, Refusal> {
    if named.len() > REVIEWERS_MAX {
        return Err(problem::FIELD_INVALID
            .at("reviewers", format!("a sample has at most {REVIEWERS_MAX} reviewers"))
            .into());
    }
    let can = app.store.reviewers().await?;
    let mut reviewers = Vec::new();
    for id in named {
        if !can.iter().any(|reviewer| reviewer.id == id) {
            return Err(problem::FIELD_INVALID
                .at("reviewers", format!("{id} is nobody who may review recordings"))
                .into());
        }
        if !reviewers.contains(&id) {
            reviewers.push(id);
        }
    }
    Ok(reviewers)
}

fn item(recording: &str) -> Result<RecordingId, Refusal> {
    recording.parse().map_err(|_| problem::ID_MALFORMED.at("recording", "must be a UUID").into())
}

fn refused(error: SampleError) -> Refusal {
    match error {
        SampleError::Nothing | SampleError::TooLarge => {
            problem::FIELD_INVALID.at("query", error.to_string()).into()
        }
        SampleError::TooMany(_) => problem::FIELD_INVALID.at("rule", error.to_string()).into(),
        SampleError::Store(error) => error.into(),
    }
}

fn no_rule() -> Refusal {
    problem::FIELD_INVALID.at("rule", "say how to draw, or which recordings").into()
}

fn gone() -> Refusal {
    problem::NOT_FOUND.at("id", "there is no such sample").into()
}

fn not_in_it() -> Refusal {
    problem::NOT_FOUND.at("recording", "the sample has no such recording (any more)").into()
}
