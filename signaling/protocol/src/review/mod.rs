//! Quality review: scorecard forms, scores, second scores, disputes, comments.
//!
//! | method and path under `/api/v1` | who | body → answer |
//! |---|---|---|
//! | `GET /review/forms` | reviewer, supervisor, admin | → list of [`ReviewForm`] |
//! | `GET /review/forms/{id}` | the same | → [`ReviewForm`] |
//! | `GET /review/form-versions/{id}` | the same | → [`FormVersion`] |
//! | `POST /review/forms` | supervisor, admin | [`NewForm`] → [`ReviewForm`], a draft |
//! | `PUT /review/forms/{id}/draft` | the same | [`FormDraft`] → [`ReviewForm`] |
//! | `DELETE /review/forms/{id}/draft` | the same | → 204; a form that was never published goes with it |
//! | `POST /review/forms/{id}/publish` | the same | [`PublishForm`] → [`ReviewForm`] |
//! | `PUT /review/forms/{id}/archived` | the same | [`ArchiveForm`] → [`ReviewForm`] |
//! | `POST /review/forms/{id}/duplicate` | the same | → [`ReviewForm`], a draft |
//! | `GET /review/reviewers` | reviewer, supervisor, admin | → list of [`Person`] who may score |
//! | `GET /recordings/{id}/reviews` | the same | → [`ReviewBoard`] |
//! | `POST /recordings/{id}/reviews` | the same, not the call's agent | [`NewReview`] → [`Review`], a draft; the one there is, if there is one |
//! | `GET /recordings/{id}/calibration` | the same | → list of [`Calibration`], one a form version |
//! | `GET /reviews?agent=&form=&reviewer=&limit=&before=` | the same | → `Page` of [`ReviewSummary`], submitted ones |
//! | `GET /reviews.csv?agent=&form=&from=&to=&why=` | the same | → CSV, one row a score; `why` goes into the audit log |
//! | `GET /my-reviews?limit=&before=` | agent, supervisor, admin | → `Page` of [`ReviewSummary`] of one's own calls |
//! | `GET /reviews/{id}` | who may see it | → [`Review`] |
//! | `PUT /reviews/{id}/draft` | its reviewer | [`Answers`] → [`DraftSaved`] |
//! | `DELETE /reviews/{id}` | its reviewer, while a draft | → 204 |
//! | `POST /reviews/{id}/submit` | its reviewer | [`Answers`] → [`Review`] |
//! | `POST /reviews/{id}/revisions` | its reviewer | [`NewRevision`] → [`Review`] |
//! | `POST /reviews/{id}/dispute` | the call's agent | [`NewDispute`] → [`Review`] |
//! | `GET /disputes` | reviewer (own scores), supervisor, admin | → list of [`DisputeRow`], open ones, the most urgent first |
//! | `POST /disputes/{id}/accept` | the score's reviewer, supervisor, admin | [`NewRevision`] → [`Review`] |
//! | `POST /disputes/{id}/reject` | the same | [`Reason`] → [`Review`] |
//! | `POST /disputes/{id}/withdraw` | the agent who disputed | → [`Review`] |
//! | `POST /reviews/{id}/second` | reviewer, supervisor, admin | [`AskSecond`] → [`SecondScore`] |
//! | `GET /second-scores` | the same | → list of [`SecondScore`], open ones that concern one |
//! | `POST /second-scores/sample` | supervisor, admin | [`SampleSecond`] → list of [`SecondScore`] |
//! | `POST /second-scores/{id}/start` | who was asked, or anybody but who asked | → [`Review`], a draft |
//! | `DELETE /second-scores/{id}` | who asked, supervisor, admin | → 204 |
//! | `GET /recordings/{id}/comments` | reviewer, supervisor, admin | → list of [`TimelineComment`] |
//! | `POST /recordings/{id}/comments` | the same | [`NewComment`] → [`TimelineComment`] |
//! | `PUT /comments/{id}` | its author | [`NewComment`] → [`TimelineComment`] |
//! | `DELETE /comments/{id}` | its author | → 204 |
//! | `POST /comments/{id}/restore` | its author | → [`TimelineComment`] |
//! | `PUT /comments/{id}/resolved` | reviewer, supervisor, admin | [`ResolveComment`] → [`TimelineComment`] |

mod comments;
mod disputes;
mod forms;
mod scores;
mod seconds;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use comments::{CommentKind, NewComment, ResolveComment, TimelineComment};
pub use disputes::{Dispute, DisputeRow, DisputeState, NewDispute, Reason};
pub use forms::{
    ArchiveForm, FormContent, FormDraft, FormFlaw, FormQuestion, FormSection, FormVersion, FormVersionRef,
    NewForm, PublishForm, QuestionKind, ReviewForm,
};
pub use scores::{
    Answer, Answered, Answers, DraftSaved, NewReview, NewRevision, Review, ReviewBoard, ReviewRights,
    ReviewState, ReviewSummary, Revision, Score, Scored,
};
pub use seconds::{
    Agreement, AskSecond, Calibration, CalibrationScore, QuestionDifference, SampleSecond, SecondScore,
};

use crate::ids::UserId;

/// A member of staff, by name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS)]
pub struct Person {
    /// Account.
    pub id: UserId,
    /// Name.
    pub name: String,
}
