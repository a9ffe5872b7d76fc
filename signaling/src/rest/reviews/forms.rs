//! Forms: drafts, versions, the archive.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::ids::{FormId, FormVersionId};
use protocol::review::{
    ArchiveForm, FormContent, FormDraft, FormFlaw, FormVersion, NewForm, PublishForm, ReviewForm,
};

use super::super::extract::{Body, Id, Staff};
use super::access::must_score;
use crate::app::AppState;
use crate::auth::Action;
use crate::problem::{self, Refusal};
use crate::review::form::{self, TITLE_MAX};

/// `GET /review/forms`
pub(in super::super) async fn list(
    State(app): State<AppState>,
    staff: Staff,
) -> Result<Json<Vec<ReviewForm>>, Refusal> {
    must_score(&staff)?;
    Ok(Json(app.store.forms().await?))
}

/// `GET /review/forms/{id}`
pub(in super::super) async fn one(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
) -> Result<Json<ReviewForm>, Refusal> {
    must_score(&staff)?;
    Ok(Json(known(&app, id).await?))
}

/// `GET /review/form-versions/{id}`
pub(in super::super) async fn version(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormVersionId>,
) -> Result<Json<FormVersion>, Refusal> {
    must_score(&staff)?;
    let found = app.store.form_version(id).await?;
    Ok(Json(found.ok_or_else(|| problem::NOT_FOUND.at("id", "there is no such version of a form"))?))
}

/// `POST /review/forms`
pub(in super::super) async fn add(
    State(app): State<AppState>,
    staff: Staff,
    Body(new): Body<NewForm>,
) -> Result<(StatusCode, Json<ReviewForm>), Refusal> {
    must_manage(&staff)?;
    check(&new.content)?;
    let id = app.store.add_form(&new.content, queue(new.queue)?, staff.0.id).await?;
    Ok((StatusCode::CREATED, Json(known(&app, id).await?)))
}

/// `PUT /review/forms/{id}/draft`
pub(in super::super) async fn save(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
    Body(draft): Body<FormDraft>,
) -> Result<Json<ReviewForm>, Refusal> {
    must_manage(&staff)?;
    let form = known(&app, id).await?;
    check(&draft.content)?;
    let queue = queue(draft.queue)?;
    // What has been changed back is no draft, nor is a change of the queue alone.
    let is_published = form.published.is_some_and(|version| version.content == draft.content);
    let content = (!is_published).then_some(&draft.content);
    if !app.store.save_form_draft(id, content, queue, draft.revision).await? {
        return Err(changed());
    }
    Ok(Json(known(&app, id).await?))
}

/// `DELETE /review/forms/{id}/draft`
pub(in super::super) async fn discard(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
) -> Result<StatusCode, Refusal> {
    must_manage(&staff)?;
    known(&app, id).await?;
    app.store.discard_form_draft(id).await?;
    tracing::info!(form = %id, user = %staff.0.id, "the draft of a form was discarded");
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /review/forms/{id}/publish`
pub(in super::super) async fn publish(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
    Body(wanted): Body<PublishForm>,
) -> Result<Json<ReviewForm>, Refusal> {
    must_manage(&staff)?;
    let form = known(&app, id).await?;
    if form.revision != wanted.revision {
        return Err(changed());
    }
    if form.draft.is_none() {
        return Err(problem::FORM_UNPUBLISHABLE.with("nothing differs from the newest version").into());
    }
    if let Some(FormFlaw { field, detail }) = form.flaws.into_iter().next() {
        return Err(problem::FORM_UNPUBLISHABLE.at(field, detail).into());
    }
    let Some(version) = app.store.publish_form(id, wanted.revision, staff.0.id).await? else {
        return Err(changed());
    };
    tracing::info!(form = %id, %version, user = %staff.0.id, "a version of a form was published");
    Ok(Json(known(&app, id).await?))
}

/// `PUT /review/forms/{id}/archived`
pub(in super::super) async fn archive(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
    Body(wanted): Body<ArchiveForm>,
) -> Result<Json<ReviewForm>, Refusal> {
    must_manage(&staff)?;
    known(&app, id).await?;
    app.store.archive_form(id, wanted.archived).await?;
    Ok(Json(known(&app, id).await?))
}

/// `POST /review/forms/{id}/duplicate`
pub(in super::super) async fn duplicate(
    State(app): State<AppState>,
    staff: Staff,
    Id(id): Id<FormId>,
) -> Result<(StatusCode, Json<ReviewForm>), Refusal> {
    must_manage(&staff)?;
    let form = known(&app, id).await?;
    let source = form.draft.or(form.published.map(|version| version.content)).unwrap_or_default();
    let copy = FormContent { title: copy_title(&source.title), ..source };
    let id = app.store.add_form(&copy, form.queue, staff.0.id).await?;
    Ok((StatusCode::CREATED, Json(known(&app, id).await?)))
}

async fn known(app: &AppState, id: FormId) -> Result<ReviewForm, Refusal> {
    let found = app.store.form(id).await?;
    Ok(found.ok_or_else(|| problem::NOT_FOUND.at("id", "there is no such form"))?)
}

fn must_manage(staff: &Staff) -> Result<(), Refusal> {
    staff.must(Action::ManageForms, "managing scorecard forms")
}

fn check(content: &FormContent) -> Result<(), Refusal> {
    form::check_draft(content).map_err(|FormFlaw { field, detail }| {
        problem::FIELD_INVALID.at(format!("content.{field}"), detail).into()
    })
}

fn queue(name: Option<String>) -> Result<Option<String>, Refusal> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match &name {
        Some(name) if name.chars().count() > TITLE_MAX => {
            Err(problem::FIELD_INVALID.at("queue", format!("at most {TITLE_MAX} characters")).into())
        }
        _ => Ok(name),
    }
}

fn changed() -> Refusal {
    problem::FORM_CHANGED.at("revision", "the form was changed in between: load it again").into()
}

/// "Video help (copy)", still within the limit.
fn copy_title(title: &str) -> String {
    const MARK: &str = " (copy)";
    let kept: String = title.chars().take(TITLE_MAX - MARK.len()).collect();
    format!("{kept}{MARK}")
}
